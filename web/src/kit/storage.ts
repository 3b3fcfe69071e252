/**
 * Small things remembered on this device. Browsers may refuse (blocked cookies, private windows, a full disk): then
 * they are remembered until the page closes, and nothing else stops working.
 */

const memory = new Map<string, string>();

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    // Refused: what this page knows has to do.
    return memory.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch (error) {
    console.warn('not remembered', error);
  }
}

export function forget(key: string): void {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch (error) {
    console.warn('not forgotten', error);
  }
}
