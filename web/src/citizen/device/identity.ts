/** This device: an identifier it made up itself, and its battery as far as the browser tells. */

import { recall, remember } from '../../kit/storage.ts';
import { uuid } from '../../kit/uuid.ts';

const key = 'ansim.device';

/** A random identifier, the same on every start as long as the browser lets us remember it. */
export function deviceId(): string {
  const known = recall(key);
  if (known !== null) return known;
  const made = uuid();
  remember(key, made);
  return made;
}

interface Battery {
  level: number;
}

let battery: Battery | null = null;

/** Begin to follow the battery; must run before a press, which does not wait for it. */
export async function followBattery(): Promise<void> {
  const get = (navigator as Navigator & { getBattery?: () => Promise<Battery> }).getBattery;
  if (get !== undefined) battery = await get.call(navigator);
}

/** Charge from 0 to 1, null when the browser does not tell. */
export function batteryLevel(): number | null {
  return battery === null ? null : Math.round(battery.level * 100) / 100;
}
