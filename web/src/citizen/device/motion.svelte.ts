/** The motion sensor, and the permission some phones want to be asked for. */
import { magnitude } from './shake.ts';

export type MotionPermission = 'granted' | 'denied' | 'needed' | 'unsupported';

interface Asking {
  requestPermission?: () => Promise<'granted' | 'denied'>;
}

function asker(): Asking['requestPermission'] {
  return 'DeviceMotionEvent' in window ? (DeviceMotionEvent as unknown as Asking).requestPermission : undefined;
}

function initial(): MotionPermission {
  if (!('DeviceMotionEvent' in window)) return 'unsupported';
  return asker() === undefined ? 'granted' : 'needed';
}

class Motion {
  permission = $state<MotionPermission>(initial());

  /** Ask inside a touch; iPhones want this on every start of the page. */
  async ask(): Promise<MotionPermission> {
    const ask = asker();
    if (ask === undefined) return this.permission;
    try {
      this.permission = await ask.call(DeviceMotionEvent);
    } catch {
      // Asked outside a touch: it can still be asked inside one.
      this.permission = 'needed';
    }
    return this.permission;
  }

  /** Feed `onSample` with the force (m/s²) and time (ms) of every reading until the answered function is called. */
  follow(onSample: (force: number, time: number) => void): () => void {
    const listen = (event: DeviceMotionEvent): void => onSample(magnitude(event), performance.now());
    window.addEventListener('devicemotion', listen);
    return () => window.removeEventListener('devicemotion', listen);
  }
}

export const motion = new Motion();
