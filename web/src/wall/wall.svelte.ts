/** The wall of the incident in front of the operator: which cameras, pushed by the node, and what she does with them. */
import { api, Problem } from '../kit/api.ts';
import { backoff } from '../kit/backoff.ts';
import { t } from '../kit/i18n.ts';
import { messageOf } from '../kit/message.ts';
import { recall, remember } from '../kit/storage.ts';
import type { IncidentView } from '../kit/types.ts';
import { arrange, counts, place, swap, type Choice, type Count, type Slot, type Wall as Chosen, type WallCamera } from './slots.ts';

const storageKey = 'ansim.wall.count';
/** The node pings every 5 s. */
const silence = 12_000;
/** All tiles are chosen at once, so that showing more or fewer moves none. */
const most = 9;

function storedCount(): Count {
  const stored = Number(recall(storageKey));
  return counts.find((count) => count === stored) ?? 4;
}

/** Whether somebody may look: alarmed, open. */
export function watchable(view: IncidentView): boolean {
  return view.state !== 'armed' && view.state !== 'closed' && view.state !== 'cancelled';
}

export class WallState {
  incident: string | null = $state(null);
  count: Count = $state(storedCount());
  slots: (Slot | null)[] = $state.raw([]);
  choices: Choice[] = $state.raw([]);
  together = $state(0);
  /** The tile that keys act on. */
  active = $state(0);
  /** The tile shown alone and large. */
  enlarged: number | null = $state(null);
  /** The camera pointed at, on the map or on the wall. */
  lit: string | null = $state(null);
  phase: 'waiting' | 'ready' | 'lost' | 'over' = $state('waiting');
  notice = $state('');
  #source: EventSource | null = null;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silent: ReturnType<typeof setTimeout> | undefined;

  /** Show the wall of this incident, or nothing. */
  follow(view: IncidentView | null): void {
    const id = view && watchable(view) ? view.id : null;
    if (id === this.incident) return;
    this.#disconnect();
    this.incident = id;
    this.slots = [];
    this.choices = [];
    this.together = 0;
    this.active = 0;
    this.enlarged = null;
    this.lit = null;
    this.notice = '';
    this.phase = 'waiting';
    this.#attempt = 0;
    if (id !== null) this.#connect(id);
  }

  stop(): void {
    this.follow(null);
  }

  setCount(count: Count): void {
    this.count = count;
    remember(storageKey, String(count));
    this.enlarged = null;
    this.active = Math.min(this.active, count - 1);
    this.slots = arrange(this.slots, this.choices, count);
  }

  nextCount(): void {
    this.setCount(counts[(counts.indexOf(this.count) + 1) % counts.length] as Count);
  }

  /** The next tile with a camera. */
  step(by: 1 | -1): void {
    for (let i = 1; i <= this.slots.length; i += 1) {
      const at = (this.active + by * i + this.slots.length * 2) % this.slots.length;
      if (this.slots[at]) {
        this.active = at;
        if (this.enlarged !== null) this.enlarged = at;
        return;
      }
    }
  }

  enlarge(at: number = this.active): void {
    if (!this.slots[at]) return;
    this.active = at;
    this.enlarged = this.enlarged === at ? null : at;
  }

  /** Put a camera into the active tile. */
  put(camera: WallCamera): void {
    if (this.incident === null) return;
    if (this.slots.length === 0) this.slots = Array.from({ length: this.count }, () => null);
    this.slots = place(this.slots, this.active, camera, this.choices);
  }

  swapWith(at: number): void {
    if (at === this.active) return;
    this.slots = swap(this.slots, this.active, at);
  }

  togglePin(at: number): void {
    const slot = this.slots[at];
    if (!slot) return;
    const slots = [...this.slots];
    slots[at] = { ...slot, pinned: !slot.pinned };
    this.slots = slot.pinned ? arrange(slots, this.choices, this.count) : slots;
  }

  /** Let an agency that was asked look through this camera, or no longer. */
  share(camera: string, agency: string, shared: boolean): Promise<boolean> {
    return this.#send(`/cameras/${camera}/sharing`, { agency, shared });
  }

  /** She is here, at this point of the picture (0 to 1). */
  sighted(camera: string, x: number, y: number): Promise<boolean> {
    return this.#send(`/cameras/${camera}/sighting`, { x, y });
  }

  /** Open a camera together with a second person; what went wrong is thrown. */
  async breakGlass(camera: string, reason: string, login: string, password: string): Promise<void> {
    await api.post(`/api/console/incidents/${this.incident}/cameras/${camera}/glass`, {
      reason, second_login: login, second_password: password,
    });
  }

  async #send(path: string, body: object): Promise<boolean> {
    this.notice = '';
    try {
      await api.post(`/api/console/incidents/${this.incident}${path}`, body);
      return true;
    } catch (error) {
      this.notice = error instanceof Problem && error.unreachable ? t('wall.not_sent') : messageOf(error);
      return false;
    }
  }

  #connect(id: string): void {
    const source = new EventSource(`/api/incidents/${id}/wall/stream?count=${most}`);
    this.#source = source;
    this.#heard();
    source.addEventListener('wall', (frame) => {
      this.#attempt = 0;
      this.#heard();
      const chosen = JSON.parse(frame.data as string) as Chosen;
      this.choices = chosen.choices;
      this.together = chosen.together;
      this.slots = arrange(this.slots, this.choices, this.count);
      if (!this.slots[this.active]) this.active = Math.max(0, this.slots.findIndex((slot) => slot !== null));
      this.phase = 'ready';
    });
    source.addEventListener('ping', () => this.#heard());
    source.addEventListener('over', () => {
      this.#disconnect();
      this.phase = 'over';
    });
    source.addEventListener('error', () => {
      if (this.#source === source) this.#lost();
    });
  }

  #heard(): void {
    clearTimeout(this.#silent);
    this.#silent = setTimeout(() => this.#lost(), silence);
  }

  /** The tiles stay as they are: their pictures come by lines of their own. */
  #lost(): void {
    const id = this.incident;
    this.#disconnect();
    if (id === null) return;
    this.phase = this.choices.length > 0 ? 'lost' : 'waiting';
    this.#retry = setTimeout(() => this.#connect(id), backoff(this.#attempt, 500, 10_000));
    this.#attempt += 1;
  }

  #disconnect(): void {
    clearTimeout(this.#silent);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }
}
