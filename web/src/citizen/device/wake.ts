/** Keep the screen on while an incident is open; the browser drops the lock whenever the page is hidden. */

let wanted = false;
let lock: WakeLockSentinel | null = null;

export function keepAwake(on: boolean): void {
  wanted = on;
  if (on) void take();
  else {
    void lock?.release();
    lock = null;
  }
}

async function take(): Promise<void> {
  if (!wanted || lock !== null || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
  try {
    lock = await navigator.wakeLock.request('screen');
    lock.addEventListener('release', () => {
      lock = null;
    });
  } catch (error) {
    // Refused on low battery: the incident goes on, only the screen may go dark.
    console.warn('wake lock', error);
  }
}

document.addEventListener('visibilitychange', () => void take());
