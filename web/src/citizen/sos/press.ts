/** A press as a value: how one begins and what of it is sent. */
import type { Trigger } from '../../kit/types.ts';
import { uuid } from '../../kit/uuid.ts';
import { account } from '../account/account.svelte.ts';
import { batteryLevel, deviceId } from '../device/identity.ts';
import type { Fix, Press } from '../types.ts';

/** A fix older than this (ms) says nothing about where she is now. */
const usableFix = 2 * 60_000;

/**
 * How long (ms) positions go on after a cancel by somebody who has a duress PIN: the page cannot know which PIN it was,
 * and must not show it. The hub throws them away unless it was that one.
 */
export const afterCancel = 30 * 60_000;

/** A press that happens now, with the newest fix if it is fresh enough to mean something. */
export function newPress(trigger: Trigger, silent: boolean, fix: Fix | null): Press {
  return {
    key: uuid(),
    trigger,
    pressed_at: new Date().toISOString(),
    silent,
    device_id: deviceId(),
    battery: batteryLevel(),
    position: fix !== null && Date.now() - Date.parse(fix.at) < usableFix ? fix : null,
    attempts: 0,
    bare: false,
    incident: null,
    direct: null,
    state: null,
    window_ends_at: null,
    owner: null,
    ended: null,
    ended_at: null,
    dismissed: false,
  };
}

/** The body of `POST /api/sos`; the bare form holds only what nothing can be wrong with. */
export function report(press: Press): Record<string, unknown> {
  const { key, trigger, pressed_at, silent, device_id, battery, position } = press;
  if (press.bare) return { key, trigger, pressed_at, silent, device_id };
  const body: Record<string, unknown> = { key, trigger, pressed_at, silent, device_id, battery };
  if (position !== null) {
    const { lat, lon, radius, at, speed, heading, source } = position;
    body['position'] = { lat, lon, radius, at, speed, heading, source };
  }
  return body;
}

/** Whether the hub may still want positions of a cancelled press. */
export function stillWanted(press: Press): boolean {
  return account.me?.has_duress_pin === true && Date.now() - Date.parse(press.ended_at ?? '') < afterCancel;
}
