/** Shaking the phone as a second trigger: the detector, pure. */

/** Peaks needed, and the time they must fall into. */
export const peaksNeeded = 4;
const window_ms = 1500;
const apart_ms = 90;
const release = 0.6;

/** Acceleration (m/s², gravity taken out) that counts as one peak: strength 1 → 9, strength 10 → 36. */
export function threshold(strength: number): number {
  return 6 + 3 * Math.min(10, Math.max(1, strength));
}

export interface Shake {
  /** Times of the peaks that still count, in milliseconds. */
  peaks: number[];
  /** Above the threshold now: a peak counts once until the force has dropped. */
  above: boolean;
}

export const still: Shake = { peaks: [], above: false };

/** The detector after one sample; it has fired when `fired(state)`. */
export function sample(state: Shake, magnitude: number, time: number, strength: number): Shake {
  const limit = threshold(strength);
  const peaks = state.peaks.filter((at) => time - at <= window_ms);
  if (magnitude < limit * release) return { peaks, above: false };
  if (magnitude < limit || state.above) return { peaks, above: state.above };
  const last = peaks.at(-1);
  if (last !== undefined && time - last < apart_ms) return { peaks, above: true };
  return { peaks: [...peaks, time], above: true };
}

export function fired(state: Shake): boolean {
  return state.peaks.length >= peaksNeeded;
}

/** Force of a motion event in m/s² without gravity. */
export function magnitude(event: DeviceMotionEvent): number {
  const pure = event.acceleration;
  if (pure && pure.x !== null && pure.y !== null && pure.z !== null) return Math.hypot(pure.x, pure.y, pure.z);
  const raw = event.accelerationIncludingGravity;
  if (!raw) return 0;
  return Math.abs(Math.hypot(raw.x ?? 0, raw.y ?? 0, raw.z ?? 0) - 9.81);
}
