/** The ranked cameras near the person in front of the operator, asked again when she has moved. */
import { api, Problem } from '../kit/api.ts';
import { distance } from '../map/shapes.ts';
import type { RankedCamera } from '../map/types.ts';
import type { IncidentView } from '../kit/types.ts';

/** Metres she must have moved, or her circle must have changed, before the ranking is asked for again. */
const moved = 12;
/** Shortest time between two questions, in milliseconds. */
const pause = 2000;

export class NearCameras {
  list: RankedCamera[] = $state.raw([]);
  phase: 'none' | 'loading' | 'ready' | 'failed' = $state('none');
  /** The camera pointed at, in the list or on the map. */
  lit: string | null = $state(null);
  #incident: string | null = null;
  #language = '';
  #asked: { lat: number; lon: number; radius: number } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #round = 0;

  /** Show the cameras for this incident as it is now. */
  follow(view: IncidentView | null, language: string): void {
    const id = view?.id ?? null;
    if (id !== this.#incident || language !== this.#language) {
      if (id !== this.#incident) {
        this.list = [];
        this.lit = null;
        this.#last = 0;
      }
      this.#incident = id;
      this.#language = language;
      this.#asked = null;
      this.#round += 1;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.phase = view?.position ? (this.list.length > 0 ? this.phase : 'loading') : 'none';
    }
    const fix = view?.position;
    if (!view || !fix || view.state === 'closed' || view.state === 'cancelled') return;
    const same = this.#asked !== null && distance(this.#asked.lat, this.#asked.lon, fix.lat, fix.lon) < moved && Math.abs(this.#asked.radius - fix.radius) < moved;
    if (same || this.#timer !== undefined) return;
    const wait = Math.max(0, this.#last + pause - Date.now());
    this.#timer = setTimeout(() => void this.#ask(view.id, fix.lat, fix.lon, fix.radius), wait);
  }

  async #ask(id: string, lat: number, lon: number, radius: number): Promise<void> {
    const round = this.#round;
    this.#last = Date.now();
    this.#asked = { lat, lon, radius };
    try {
      const list = await api.get<RankedCamera[]>(`/api/console/incidents/${id}/cameras?limit=12`);
      if (round !== this.#round) return;
      this.list = list;
      this.phase = 'ready';
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (round !== this.#round) return;
      this.phase = 'failed';
      this.#asked = null;
    } finally {
      if (round === this.#round) this.#timer = undefined;
    }
  }
}
