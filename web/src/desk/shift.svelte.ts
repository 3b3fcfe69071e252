/** The desk's shift: the requests to its agency, the one at hand, and its next step. */
import { api, Problem } from '../kit/api.ts';
import { t } from '../kit/i18n.ts';
import { messageOf } from '../kit/message.ts';
import type { Staff } from '../kit/types.ts';
import { Alarm } from '../staff/alarm.svelte.ts';
import { Live } from '../staff/live.svelte.ts';
import { nextStep } from '../staff/requests.ts';
import { listOf, type Entry } from './requests.ts';

export class Shift {
  readonly me: Staff;
  readonly live = new Live();
  readonly alarm = new Alarm();
  focusId: string | null = $state(null);
  busy = $state(false);
  notice = $state('');
  readonly list: Entry[] = $derived.by(() =>
    listOf(Object.values(this.live.state.incidents).map((item) => item.view), this.me.agency ?? ''),
  );
  readonly fresh: Entry[] = $derived(this.list.filter((entry) => entry.group === 'new'));
  readonly focused: Entry | null = $derived(this.list.find((entry) => entry.request.id === this.focusId) ?? null);
  #unauthorized: () => void;

  constructor(me: Staff, unauthorized: () => void) {
    this.me = me;
    this.#unauthorized = unauthorized;
  }

  start(): () => void {
    const quiet = this.alarm.start();
    this.live.start('/api/desk/stream', this.#unauthorized);
    return () => {
      quiet();
      this.live.stop();
    };
  }

  focus(id: string | null): void {
    this.focusId = id;
    this.notice = '';
  }

  step(by: 1 | -1): void {
    const index = this.list.findIndex((entry) => entry.request.id === this.focusId);
    const next = this.list[index < 0 ? 0 : Math.min(Math.max(index + by, 0), this.list.length - 1)];
    if (next) this.focus(next.request.id);
  }

  /** Take the next step of a request: acknowledge, en route, on scene, done. */
  async advance({ request }: Entry, note = ''): Promise<void> {
    const status = nextStep(request.status);
    if (status === null || this.busy) return;
    this.busy = true;
    this.notice = '';
    try {
      await api.post(`/api/desk/requests/${request.id}/status`, note === '' ? { status } : { status, note });
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#unauthorized();
      else if (error instanceof Problem && error.slug === 'illegal-transition') this.notice = t('desk.refused.illegal');
      else if (error instanceof Problem && error.unreachable) this.notice = t('desk.refused.not_sent');
      else this.notice = messageOf(error);
    } finally {
      this.busy = false;
    }
  }
}
