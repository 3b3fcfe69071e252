/** Where this device is: the newest fix, its accuracy, and why there is none. */
import { uuid } from '../../kit/uuid.ts';
import type { Positioning } from './demoWalk.ts';
import { batteryLevel } from './identity.ts';
import type { Fix } from '../types.ts';

export type LocationTrouble = 'denied' | 'unavailable' | null;

class Location {
  fix = $state.raw<Fix | null>(null);
  trouble = $state<LocationTrouble>(null);
  /** Whether a demonstration's walk stands in for this device. */
  played = $state(false);
  #positioning: Positioning | null = 'geolocation' in navigator ? navigator.geolocation : null;
  #watch: number | null = null;
  #listener: ((fix: Fix) => void) | null = null;

  /** Take positions from somewhere else than this device, and say so (`played`). */
  play(positioning: Positioning): void {
    this.#positioning = positioning;
    this.played = true;
    this.once();
  }

  /** Follow the position and hand every fix to `listener`, until `stop`. */
  start(listener: (fix: Fix) => void): void {
    this.#listener = listener;
    if (this.#watch !== null || this.#positioning === null) return;
    this.#watch = this.#positioning.watchPosition(this.#take, this.#fail, {
      enableHighAccuracy: true, maximumAge: 0, timeout: 20_000,
    });
  }

  stop(): void {
    if (this.#watch !== null) this.#positioning?.clearWatch(this.#watch);
    this.#watch = null;
    this.#listener = null;
  }

  /** Take one fix: on start when it is allowed already, and while the button is being held. */
  once(maximumAge = 30_000): void {
    if (this.#positioning === null) {
      this.trouble = 'unavailable';
      return;
    }
    this.#positioning.getCurrentPosition(this.#take, this.#fail, {
      enableHighAccuracy: true, maximumAge, timeout: 20_000,
    });
  }

  /** Take one fix without a question popping up. */
  async onceIfAllowed(): Promise<void> {
    if (!('permissions' in navigator)) return;
    const { state } = await navigator.permissions.query({ name: 'geolocation' });
    if (state === 'granted') this.once();
    if (state === 'denied') this.trouble = 'denied';
  }

  #take = ({ coords, timestamp }: GeolocationPosition): void => {
    this.trouble = null;
    const fix: Fix = {
      id: uuid(),
      at: new Date(timestamp).toISOString(),
      lat: coords.latitude,
      lon: coords.longitude,
      radius: Math.max(0, coords.accuracy),
      speed: finite(coords.speed),
      heading: finite(coords.heading),
      battery: batteryLevel(),
      source: 'unknown',
    };
    this.fix = fix;
    this.#listener?.(fix);
  };

  #fail = (error: GeolocationPositionError): void => {
    this.trouble = error.code === error.PERMISSION_DENIED ? 'denied' : 'unavailable';
  };
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

export const location = new Location();
