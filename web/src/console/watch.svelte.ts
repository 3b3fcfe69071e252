/** The operator's watch: what is in the queue, what is in front of her, and the commands she gives. */
import { SvelteMap } from 'svelte/reactivity';
import { api, Problem } from '../kit/api.ts';
import { t } from '../kit/i18n.ts';
import { messageOf } from '../kit/message.ts';
import type { Agency, Disposition, IncidentView, Staff } from '../kit/types.ts';
import { Alarm } from '../staff/alarm.svelte.ts';
import { Live } from '../staff/live.svelte.ts';
import { particle } from '../staff/words.ts';
import { queueOf, type Entry } from './order.ts';

export interface Notice {
  tone: 'calm' | 'good' | 'bad';
  text: string;
}

type Command = 'accept' | '112' | '119' | 'note' | 'close' | 'confirm' | 'reject';

export class Watch {
  readonly me: Staff;
  readonly center: string;
  readonly live = new Live();
  readonly alarm = new Alarm();
  /** The incident in front of her. */
  focusId: string | null = $state(null);
  notice: Notice | null = $state.raw(null);
  /** Unsent notes, kept while she looks at another incident. */
  readonly drafts = new SvelteMap<string, string>();
  readonly queue: Entry[] = $derived.by(() =>
    queueOf(Object.values(this.live.state.incidents).map((item) => item.view), this.me.id, this.center),
  );
  readonly alarms: Entry[] = $derived(this.queue.filter((entry) => entry.group === 'alarm'));
  readonly focused = $derived(this.live.incident(this.focusId));
  #chosen = false;
  #unauthorized: () => void;
  #seen = new Set<string>();
  #underWay = new Set<string>();

  constructor(me: Staff, center: string, unauthorized: () => void) {
    this.me = me;
    this.center = center;
    this.#unauthorized = unauthorized;
  }

  /** Begin the watch; answers how to end it. */
  start(): () => void {
    const quiet = this.alarm.start();
    this.live.start('/api/console/stream', this.#unauthorized);
    return () => {
      quiet();
      this.live.stop();
    };
  }

  /** Put an incident in front of her. */
  focus(id: string): void {
    this.#chosen = true;
    if (this.focusId === id) return;
    this.focusId = id;
    this.notice = null;
  }

  /**
   * After every change: with nothing at hand the first alarm comes forward by itself; work at hand is never
   * pushed aside, the alarm then only stands first and sounds.
   */
  settle(): void {
    const current = this.queue.find((entry) => entry.view.id === this.focusId);
    const first = this.alarms[0];
    if (current === undefined) {
      this.focusId = (first ?? this.queue.find((entry) => entry.group !== 'closed'))?.view.id ?? null;
      this.#chosen = false;
      this.notice = null;
      return;
    }
    const idle = current.group === 'closed' || current.group === 'armed' || (current.group === 'others' && !this.#chosen);
    if (first !== undefined && idle && first.view.id !== this.focusId) {
      this.focusId = first.view.id;
      this.#chosen = false;
      this.notice = null;
    }
  }

  /** Step through the queue. */
  step(by: 1 | -1): void {
    const index = this.queue.findIndex((entry) => entry.view.id === this.focusId);
    const next = this.queue[index < 0 ? 0 : Math.min(Math.max(index + by, 0), this.queue.length - 1)];
    if (next) this.focus(next.view.id);
  }

  firstAlarm(): void {
    const first = this.alarms[0];
    if (first) this.focus(first.view.id);
  }

  /** An alarm has really been drawn on a visible screen: say so until the server knows. */
  async drawn(id: string): Promise<void> {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    try {
      await api.post(`/api/console/incidents/${id}/seen`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status >= 400 && error.status < 500) return;
      setTimeout(() => {
        this.#seen.delete(id);
        const view = this.live.incident(id)?.view;
        if (view && !(this.center in view.seen)) void this.drawn(id);
      }, 2000);
    }
  }

  accept(view: IncidentView): Promise<boolean> {
    return this.#command('accept', view, '/accept', {}, () =>
      view.owner !== null && view.owner.code !== this.center ? t('console.notice.asked', { owner: view.owner.name }) : '',
    );
  }

  request(view: IncidentView, agency: Agency, note: string): Promise<boolean> {
    return this.#command(agency, view, '/requests', note === '' ? { agency } : { agency, note });
  }

  note(view: IncidentView, text: string): Promise<boolean> {
    return this.#command('note', view, '/notes', { text });
  }

  close(view: IncidentView, disposition: Disposition, reason: string): Promise<boolean> {
    return this.#command('close', view, '/closing', reason === '' ? { disposition } : { disposition, reason });
  }

  confirm(view: IncidentView): Promise<boolean> {
    return this.#command('confirm', view, '/closing/confirm', {});
  }

  reject(view: IncidentView): Promise<boolean> {
    return this.#command('reject', view, '/closing/reject', {});
  }

  /**
   * Send one command; the stream shows its effect, the notice tells what else there is to say. The same command
   * on its way already is not sent again.
   */
  async #command(command: Command, view: IncidentView, path: string, body: object, done: () => string = () => ''): Promise<boolean> {
    const key = `${command} ${view.id}`;
    if (this.#underWay.has(key)) return false;
    this.#underWay.add(key);
    this.notice = null;
    try {
      await api.post(`/api/console/incidents/${view.id}${path}`, body);
      const text = done();
      if (text !== '') this.notice = { tone: 'good', text };
      else if (!this.live.connected) this.notice = { tone: 'good', text: t('console.notice.sent_offline') };
      return true;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#unauthorized();
      else this.notice = refusal(error);
      return false;
    } finally {
      this.#underWay.delete(key);
    }
  }
}

/** What to say when a command was refused; losing a race is no error. */
function refusal(error: unknown): Notice {
  if (error instanceof Problem) {
    if (error.slug === 'already-accepted') {
      const holder = error.extras['holder'] as { name?: string; center?: string } | undefined;
      return { tone: 'calm', text: t('console.notice.already_accepted', { name: holder?.name ?? t('console.someone') }) };
    }
    if (error.slug === 'not-owner') {
      const owner = error.extras['owner'] as { name?: string } | string | undefined;
      const name = typeof owner === 'string' ? owner : (owner?.name ?? '');
      return { tone: 'calm', text: t('console.notice.not_owner', { name, i: particle(name, 'i') }) };
    }
    if (error.slug === 'illegal-transition') return { tone: 'calm', text: t('console.notice.too_late', { state: t(`staff.state.${String(error.extras['state'] ?? 'closed')}`) }) };
    if (error.slug === 'second-person-needed') return { tone: 'calm', text: t('console.notice.second_person') };
    if (error.unreachable) return { tone: 'bad', text: t('console.notice.not_sent') };
  }
  return { tone: 'bad', text: messageOf(error) };
}
