/** A demonstration's stand-in for the device's positioning: plays a walk that the hub tells, as if she were on it. */
import { call } from '../../kit/api.ts';

interface WalkFix {
  after_s: number;
  lat: number;
  lon: number;
  radius: number;
  speed: number | null;
  heading: number | null;
}

export type Positioning = Pick<Geolocation, 'getCurrentPosition' | 'watchPosition' | 'clearWatch'>;

export async function demoWalk(): Promise<Positioning> {
  const { fixes } = await call<{ fixes: WalkFix[] }>('GET', '/api/demo/walk');
  return new DemoWalk(fixes);
}

class DemoWalk implements Positioning {
  #fixes: WalkFix[];
  #began = Date.now();
  #watches = new Map<number, ReturnType<typeof setTimeout>>();
  #next = 1;

  constructor(fixes: WalkFix[]) {
    this.#fixes = fixes;
  }

  getCurrentPosition(take: PositionCallback): void {
    setTimeout(() => take(this.#position(this.#place())), 0);
  }

  watchPosition(take: PositionCallback): number {
    const id = this.#next++;
    const step = (): void => {
      const place = this.#place();
      take(this.#position(place));
      const following = this.#fixes[place + 1];
      if (!following) return;
      this.#watches.set(id, setTimeout(step, Math.max(100, this.#began + following.after_s * 1000 - Date.now())));
    };
    this.#watches.set(id, setTimeout(step, 0));
    return id;
  }

  clearWatch(id: number): void {
    clearTimeout(this.#watches.get(id));
    this.#watches.delete(id);
  }

  /** The newest fix that the walk has reached. */
  #place(): number {
    const elapsed = (Date.now() - this.#began) / 1000;
    let place = 0;
    while (place + 1 < this.#fixes.length && (this.#fixes[place + 1] as WalkFix).after_s <= elapsed) place += 1;
    return place;
  }

  #position(place: number): GeolocationPosition {
    const fix = this.#fixes[place] as WalkFix;
    const coords = {
      latitude: fix.lat, longitude: fix.lon, accuracy: fix.radius, speed: fix.speed, heading: fix.heading,
      altitude: null, altitudeAccuracy: null,
    };
    const timestamp = Math.min(Date.now(), this.#began + fix.after_s * 1000);
    return { coords: { ...coords, toJSON: () => coords }, timestamp, toJSON: () => ({ coords, timestamp }) };
  }
}
