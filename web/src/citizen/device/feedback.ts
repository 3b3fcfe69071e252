/** What she feels and hears; nothing at all in silent mode. */
import { enableSound, tone } from '../../kit/sound.ts';

export type Cue = 'start' | 'sent' | 'seen' | 'accepted' | 'closed' | 'error';

const patterns: Record<Cue, number[]> = {
  start: [15],
  sent: [120, 60, 120],
  seen: [60],
  accepted: [200, 80, 200],
  closed: [80],
  error: [40, 40, 40],
};
const notes: Record<Cue, number[]> = {
  start: [],
  sent: [523.25, 659.25],
  seen: [659.25],
  accepted: [523.25, 659.25, 783.99],
  closed: [523.25],
  error: [220],
};

/** Vibrate and sound a cue unless silent. Sound needs an earlier touch; without one only the vibration happens. */
export function cue(kind: Cue, silent: boolean): void {
  if (silent) return;
  navigator.vibrate?.(patterns[kind]);
  notes[kind].forEach((frequency, index) => tone(frequency, index * 0.16, 0.2, 0.12));
}

/** Prepare sound inside a touch or key press, unless silent. */
export function prepareSound(silent: boolean): void {
  if (!silent && 'AudioContext' in window) void enableSound();
}
