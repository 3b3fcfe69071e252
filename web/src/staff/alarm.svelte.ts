/**
 * Whether the alarm is heard. It rings while something unattended is there; it can be muted for a minute, never for
 * good, and a new alarm ends the mute. When the browser blocks sound the page must say so.
 */
import { enableSound, onSound, ring, silence, type SoundState } from '../kit/sound.ts';
import { serverNow } from '../kit/time.ts';

export const muteSeconds = 60;

export class Alarm {
  sound: SoundState = $state('off');
  /** Server time in ms until which the alarm is muted; 0 when it is not. */
  mutedUntil = $state(0);
  #ringing = new Set<string>();
  #urgent = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pace = 0;

  get muted(): boolean {
    return this.mutedUntil > 0;
  }

  /** Start listening, and take the first gesture as leave to sound. */
  start(): () => void {
    onSound((state) => (this.sound = state));
    const gesture = (): void => {
      if (this.sound !== 'ready' && this.sound !== 'ringing') void this.enable();
    };
    window.addEventListener('pointerdown', gesture);
    window.addEventListener('keydown', gesture);
    void this.enable();
    return () => {
      window.removeEventListener('pointerdown', gesture);
      window.removeEventListener('keydown', gesture);
      clearTimeout(this.#timer);
      this.#ringing.clear();
      silence();
      onSound(() => {});
    };
  }

  async enable(): Promise<void> {
    await enableSound();
    this.#sound();
  }

  /** Tell what is unattended now; `urgent` sounds faster. */
  update(ids: string[], urgent: boolean): void {
    const fresh = ids.some((id) => !this.#ringing.has(id));
    this.#ringing = new Set(ids);
    this.#urgent = urgent;
    if (fresh || ids.length === 0) this.unmute();
    else this.#sound();
  }

  mute(): void {
    if (this.#ringing.size === 0) return;
    this.mutedUntil = serverNow() + muteSeconds * 1000;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.unmute(), muteSeconds * 1000);
    this.#sound();
  }

  unmute(): void {
    clearTimeout(this.#timer);
    this.mutedUntil = 0;
    this.#sound();
  }

  #sound(): void {
    const pace = this.#ringing.size === 0 || this.mutedUntil > 0 ? 0 : this.#urgent ? 800 : 1600;
    if (pace === this.#pace) return;
    this.#pace = pace;
    silence();
    if (pace > 0) ring(pace);
  }
}
