/**
 * Bring the fixes of a press to the hub: kept in IndexedDB until accepted, sent in batches, retried with backoff.
 *
 * After a cancel the hub decides whether it still wants positions; it says no by refusing them, and then they stop.
 */
import { api, Problem } from '../../kit/api.ts';
import { backoff } from '../../kit/backoff.ts';
import type { Fix } from '../types.ts';
import { dropFixes, keepFix, waitingFixes } from './store.ts';

const batch = 500;
const gap = 1000;
const refusals = new Set([401, 403, 404, 409, 410]);

/** Where positions go; `name` tells one target from another. */
export interface Target {
  name: string;
  send: (positions: Fix[]) => Promise<unknown>;
}

/** The hub, for an incident it has. */
export function hubTarget(incident: string): Target {
  return { name: incident, send: (positions) => api.post(`/api/sos/${incident}/positions`, { positions }) };
}

export class PositionFeed {
  readonly #press: string;
  readonly #refused: () => void;
  #target: Target | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #attempt = 0;
  #stopped = false;
  /** Fixes that storage would not take. */
  #loose: Fix[] = [];

  /** `refused` is called once when the hub wants no (more) positions of this press. */
  constructor(press: string, refused: () => void) {
    this.#press = press;
    this.#refused = refused;
  }

  /** The press has become an incident, at the hub or at a center: what has been kept can leave. */
  setTarget(target: Target): void {
    if (this.#target?.name === target.name) return;
    this.#target = target;
    this.#attempt = 0;
    this.#plan(0, true);
  }

  async add(fix: Fix): Promise<void> {
    if (this.#stopped) return;
    if (!(await keepFix(this.#press, fix))) this.#loose = [...this.#loose, fix].slice(-batch);
    if (this.#attempt === 0) this.#plan(gap);
  }

  /** The line may be back: do not wait for the next attempt. */
  nudge(): void {
    this.#attempt = 0;
    this.#plan(0, true);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #plan(wait: number, sooner = false): void {
    if (this.#stopped || this.#target === null) return;
    if (this.#timer !== undefined && !sooner) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, wait);
  }

  async #send(): Promise<void> {
    if (this.#busy || this.#stopped || this.#target === null) return;
    this.#busy = true;
    try {
      const kept = await waitingFixes(this.#press, batch);
      const positions = [...kept, ...this.#loose].slice(0, batch);
      if (positions.length === 0) return;
      await this.#target.send(positions);
      this.#attempt = 0;
      const sent = new Set(positions.map((fix) => fix.id));
      this.#loose = this.#loose.filter((fix) => !sent.has(fix.id));
      await dropFixes([...sent]);
      if (positions.length === batch) this.#plan(0);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (refusals.has(error.status)) {
        this.stop();
        this.#refused();
        return;
      }
      this.#plan(backoff(this.#attempt));
      this.#attempt += 1;
    } finally {
      this.#busy = false;
    }
  }
}
