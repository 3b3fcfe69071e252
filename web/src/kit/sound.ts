/** The alarm: two calm, unmistakable tones made by WebAudio, repeated until stopped. */

export type SoundState = 'off' | 'blocked' | 'ready' | 'ringing';

let context: AudioContext | null = null;
let timer: ReturnType<typeof setInterval> | undefined;
let listener: (state: SoundState) => void = () => {};

/** Hear about every change: a page shows "turn sound on" while the browser blocks it. */
export function onSound(callback: (state: SoundState) => void): void {
  listener = callback;
  callback(soundState());
}

export function soundState(): SoundState {
  if (context === null) return 'off';
  if (context.state !== 'running') return 'blocked';
  return timer === undefined ? 'ready' : 'ringing';
}

/** Ask for sound; browsers allow it only from a click or key press. Answers whether it is allowed now. */
export async function enableSound(): Promise<boolean> {
  if (context === null) {
    context = new AudioContext();
    context.addEventListener('statechange', () => listener(soundState()));
  }
  if (context.state === 'running') return true;
  // A blocked context leaves `resume` pending until a gesture: do not wait for it for ever.
  await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 300))]);
  listener(soundState());
  return soundState() !== 'blocked';
}

/** Sound the alarm until `silence`; nothing is heard (and the state says so) while the browser blocks sound. */
export function ring(every = 1600): void {
  if (timer !== undefined) return;
  chime();
  timer = setInterval(chime, every);
  listener(soundState());
}

export function silence(): void {
  clearInterval(timer);
  timer = undefined;
  listener(soundState());
}

function chime(): void {
  tone(880, 0, 0.22);
  tone(659.25, 0.26, 0.34);
}

/** One soft tone: frequency in hertz, start and length in seconds from now. */
export function tone(frequency: number, start: number, length: number, volume = 0.25): void {
  if (context === null || context.state !== 'running') return;
  const at = context.currentTime + start;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = 'triangle';
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(volume, at + 0.02);
  gain.gain.setValueAtTime(volume, at + length - 0.08);
  gain.gain.linearRampToValueAtTime(0, at + length);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + length + 0.02);
}
