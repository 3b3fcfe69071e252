/**
 * One press from the finger to the end: kept before it is sent, sent until the hub has it, then followed by push.
 *
 * The press is written to IndexedDB first and carries a key of its own, so a reload, a crash or a lost answer can only
 * make it arrive again, never twice and never not at all.
 */
import { api, Problem } from '../../kit/api.ts';
import { backoff } from '../../kit/backoff.ts';
import { open, type Connection, type State, type Stream } from '../../kit/stream.ts';
import { serverNow } from '../../kit/time.ts';
import type { IncidentState, IncidentView, Trigger } from '../../kit/types.ts';
import { cue } from '../device/feedback.ts';
import { location } from '../device/location.svelte.ts';
import { keepAwake } from '../device/wake.ts';
import { callDirectly, directStream, raiseDirectly } from '../direct/line.ts';
import type { Ending, Fix, Press, SosAnswer } from '../types.ts';
import { hubTarget, PositionFeed, type Target } from './positions.ts';
import { afterCancel, newPress, report, stillWanted } from './press.ts';
import { forgetPress, keepPress, loadPresses } from './store.ts';

export type CancelResult =
  | { kind: 'cancelled' | 'queued' | 'too-late' | 'unreachable' | 'failed' }
  | { kind: 'wrong-pin'; attemptsLeft: number | null };

/** How long (ms) the hub may take before a center is asked directly. */
const hubPatience = 2000;

class Emergency {
  press = $state.raw<Press | null>(null);
  view = $state.raw<IncidentView | null>(null);
  connection = $state.raw<Connection>({ state: 'connecting', since: null });
  sending = $state(false);
  /** When the next attempt to send is due (our clock, ms). */
  nextTryAt = $state<number | null>(null);
  /** False when the browser refused to store the press: it lives only as long as this page. */
  kept = $state(true);
  /** A cancel that waits for the press to arrive. */
  cancelWaiting = $state(false);
  /** A queued cancel that the hub refused. */
  cancelRefused = $state(false);

  #retry: ReturnType<typeof setTimeout> | undefined;
  #stream: Stream | null = null;
  /** Whose stream it is. */
  #streamOf = '';
  #asking = false;
  #feed: PositionFeed | null = null;
  /** Held in memory only: a PIN is never written down. */
  #pin: string | null = null;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  /** Whether a press is under way and not over. */
  get open(): boolean {
    return this.press !== null && this.press.ended === null;
  }

  /** Whether there is anything to show: an open press, or an ended one she has not put away. */
  get shown(): boolean {
    return this.press !== null && !this.press.dismissed;
  }

  get state(): IncidentState | null {
    return this.view?.state ?? this.press?.state ?? null;
  }

  /** Milliseconds left to cancel, 0 when the window is over, null outside it. */
  windowLeft(): number | null {
    if (this.state !== 'armed') return null;
    const ends = this.view?.window_ends_at || this.press?.window_ends_at;
    return !ends ? null : Math.max(0, Date.parse(ends) - serverNow());
  }

  /** Take up what an earlier page left: unsent presses, an open incident, positions still wanted after a cancel. */
  async resume(): Promise<void> {
    const all = (await loadPresses()).sort((a, b) => (a.pressed_at < b.pressed_at ? 1 : -1));
    const pressed = this.press;
    const newest = pressed ?? all.find((press) => !press.dismissed) ?? all[0] ?? null;
    for (const press of all) if (press.key !== newest?.key) void this.#flushOld(press);
    if (pressed !== null) return;
    if (newest === null) return this.#askCurrent();
    if (newest.ended === 'cancelled' && newest.dismissed && !stillWanted(newest)) {
      await forgetPress(newest.key);
      return this.#askCurrent();
    }
    this.press = newest;
    this.#follow();
    if (newest.ended === null && newest.incident === null) void this.#send();
  }

  /** Raise the alarm. Answers when the press is on its way; pressing again while one is open changes nothing. */
  async raise(trigger: Trigger, silent: boolean): Promise<void> {
    if (this.open) return;
    this.#reset();
    const press = newPress(trigger, silent, location.fix);
    this.press = press;
    cue('sent', silent);
    this.kept = await keepPress(press);
    this.#follow();
    await this.#send();
  }

  /** Skip the countdown. */
  async now(): Promise<void> {
    const { incident, direct } = this.press ?? {};
    if (incident) await api.post(`/api/sos/${incident}/now`);
    else if (direct) await callDirectly(direct, 'now', {});
    else return;
    if (this.press?.state === 'armed') await this.#change({ state: 'alerting' });
  }

  /** Cancel with a PIN; a press that has not arrived is cancelled as soon as it has. */
  async cancel(pin: string): Promise<CancelResult> {
    const press = this.press;
    if (press === null) return { kind: 'failed' };
    this.cancelRefused = false;
    if (press.incident === null && !press.direct) return this.#cancelLater(pin);
    try {
      if (press.incident !== null) await api.post(`/api/sos/${press.incident}/cancel`, { pin, key: press.key });
      else if (press.direct) {
        // The PIN stays here: only the hub can check it, and gets it as soon as it answers.
        const answer = await callDirectly<{ state: string }>(press.direct, 'cancel', { key: press.key });
        if (answer.state !== 'cancelled') return this.#cancelLater(pin);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.slug === 'wrong-pin') {
        const left = error.extras['attempts_left'];
        return { kind: 'wrong-pin', attemptsLeft: typeof left === 'number' ? left : null };
      }
      if (error.status === 409) return { kind: 'too-late' };
      return { kind: error.unreachable ? 'unreachable' : 'failed' };
    }
    await this.#end('cancelled');
    return { kind: 'cancelled' };
  }

  #cancelLater(pin: string): CancelResult {
    this.#pin = pin;
    this.cancelWaiting = true;
    this.retryNow();
    return { kind: 'queued' };
  }

  /** Put an ended press away. */
  async dismiss(): Promise<void> {
    const press = this.press;
    if (press === null || press.ended === null) return;
    if (press.ended === 'cancelled' && this.#feed !== null) {
      await this.#change({ dismissed: true });
      return;
    }
    this.#reset();
    await forgetPress(press.key);
  }

  /** The line may be back: send what waits. */
  retryNow(): void {
    const press = this.press;
    if (press === null) return;
    if (press.ended === null && press.incident === null) void this.#send();
    this.#stream?.retry();
    this.#feed?.nudge();
  }

  async #send(): Promise<void> {
    const press = this.press;
    if (press === null || press.incident !== null || press.ended !== null || this.sending) return;
    clearTimeout(this.#retry);
    this.nextTryAt = null;
    this.sending = true;
    const silent = setTimeout(() => void this.#sendDirectly(press), hubPatience);
    try {
      const answer = await api.post<SosAnswer>('/api/sos', report(press), { timeout: 8000, keepalive: true });
      if (this.press?.key !== press.key) return;
      await this.#change({
        incident: answer.incident, state: answer.state, window_ends_at: answer.window_ends_at, owner: answer.owner,
      });
      this.#follow();
      await this.#cancelQueued();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const refused = error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
      if (!refused) void this.#sendDirectly(press);
      const wait = backoff(press.attempts);
      this.nextTryAt = Date.now() + wait;
      this.#retry = setTimeout(() => void this.#send(), wait);
      await this.#change({ attempts: press.attempts + 1, bare: press.bare || refused });
    } finally {
      clearTimeout(silent);
      this.sending = false;
    }
  }

  /** The hub is silent: let her own center have the same press, under the same key, while the hub is still tried. */
  async #sendDirectly(press: Press): Promise<void> {
    const unheard = (): boolean => this.press?.key === press.key && this.press.incident === null && !this.press.direct;
    if (this.#asking || !unheard()) return;
    this.#asking = true;
    try {
      const direct = await raiseDirectly(press);
      if (direct === null || !unheard()) return;
      const { state, window_ends_at, center: owner } = direct;
      await this.#change({ direct, state, window_ends_at, owner });
      this.#follow();
    } finally {
      this.#asking = false;
    }
  }

  async #cancelQueued(): Promise<void> {
    const pin = this.#pin;
    if (pin === null) return;
    this.#pin = null;
    const result = await this.cancel(pin);
    this.cancelWaiting = false;
    this.cancelRefused = result.kind !== 'cancelled';
  }

  /** Watch the position, keep the screen on and listen to the incident, as far as the press has got. */
  #follow(): void {
    const press = this.press;
    if (press === null) return;
    if (press.ended === 'closed' || (press.ended === 'cancelled' && !stillWanted(press))) return;
    this.#feed ??= new PositionFeed(press.key, () => void this.#positionsRefused());
    const target = targetOf(press);
    if (target !== null) this.#feed.setTarget(target);
    const feed = this.#feed;
    location.start((fix: Fix) => void feed.add(fix));
    if (press.ended !== null) return;
    keepAwake(true);
    if (target === null || this.#streamOf === target.name) return;
    this.#stream?.close();
    this.#streamOf = target.name;
    const direct = press.incident === null && press.direct ? directStream(press.direct) : null;
    const lost = (): void => void (direct === null && this.#end('lost'));
    this.#stream = open(direct?.url ?? `/api/sos/${press.incident}/stream`, {
      state: (state) => void this.#received(state),
      connection: (connection) => {
        this.connection = connection;
      },
      unauthorized: lost,
      gone: lost,
    }, direct?.options);
  }

  async #received(state: State): Promise<void> {
    const incident = this.press?.incident ?? this.press?.direct?.incident;
    const view = incident ? state.incidents[incident]?.view : undefined;
    if (view === undefined || this.press === null || this.press.ended !== null) return;
    this.#announce(this.view, view);
    this.view = view;
    if (view.state === 'cancelled' || view.state === 'closed') return this.#end(view.state);
    if (view.state !== this.press.state || view.owner?.code !== this.press.owner?.code) {
      await this.#change({ state: view.state, owner: view.owner, window_ends_at: view.window_ends_at });
    }
  }

  #announce(before: IncidentView | null, after: IncidentView): void {
    const silent = this.press?.silent ?? true;
    if (after.state === 'closed') cue('closed', silent);
    else if (after.accepted_at !== null && before !== null && before.accepted_at === null) cue('accepted', silent);
    else if (before !== null && Object.keys(after.seen).length > Object.keys(before.seen).length) cue('seen', silent);
  }

  async #end(ending: Ending): Promise<void> {
    if (this.press === null || this.press.ended !== null) return;
    this.#hangUp();
    this.cancelWaiting = false;
    keepAwake(false);
    await this.#change({ ended: ending, ended_at: new Date(serverNow()).toISOString() });
    if (ending === 'closed' || (ending === 'cancelled' && !stillWanted(this.press))) this.#stopPositions();
    else if (ending === 'cancelled') this.#quiet = setTimeout(() => void this.#positionsRefused(), afterCancel);
  }

  #hangUp(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#streamOf = '';
  }

  async #positionsRefused(): Promise<void> {
    if (this.press?.ended === null) return;
    this.#stopPositions();
    if (this.press?.dismissed) await this.dismiss();
  }

  #stopPositions(): void {
    this.#feed?.stop();
    this.#feed = null;
    location.stop();
  }

  #reset(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#quiet);
    this.#hangUp();
    this.#stopPositions();
    keepAwake(false);
    this.#pin = null;
    this.press = null;
    this.view = null;
    this.nextTryAt = null;
    this.cancelWaiting = false;
    this.cancelRefused = false;
    this.connection = { state: 'connecting', since: null };
  }

  async #change(part: Partial<Press>): Promise<void> {
    if (this.press === null) return;
    this.press = { ...this.press, ...part };
    this.kept = await keepPress(this.press);
  }

  /** This device knows of nothing; the hub may, through its cookie. */
  async #askCurrent(): Promise<void> {
    let current: { incident: string; state: IncidentState } | undefined;
    try {
      current = await api.get('/api/sos/current');
    } catch (error) {
      if (error instanceof Problem) return;
      throw error;
    }
    if (current === undefined || this.press !== null) return;
    const { incident, state } = current;
    this.press = { ...newPress('hold', false, null), incident, state };
    await keepPress(this.press);
    this.#follow();
  }

  /** A press older than the one being shown: make sure it arrived, then forget it. */
  async #flushOld(press: Press): Promise<void> {
    if (press.incident === null && press.ended === null) {
      try {
        await api.post('/api/sos', report(press));
      } catch (error) {
        if (error instanceof Problem) return;
        throw error;
      }
    }
    await forgetPress(press.key);
  }
}

/** Where positions of a press go now: to the hub if it has the press, else to the center that took it. */
function targetOf({ incident, direct }: Press): Target | null {
  if (incident !== null) return hubTarget(incident);
  if (!direct) return null;
  return { name: direct.origin, send: (positions) => callDirectly(direct, 'positions', { positions }) };
}

export const emergency = new Emergency();
