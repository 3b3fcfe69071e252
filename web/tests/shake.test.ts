import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fired, magnitude, peaksNeeded, sample, still, threshold, type Shake } from '../src/citizen/device/shake.ts';

/** Feed forces every `apart` ms; answers the detector after the last, and whether it ever fired. */
function feed(forces: number[], strength: number, apart = 60): { state: Shake; ever: boolean } {
  let state = still;
  let ever = false;
  forces.forEach((force, index) => {
    state = sample(state, force, index * apart, strength);
    ever ||= fired(state);
  });
  return { state, ever };
}

const shaken = (force: number, times: number): number[] => Array.from({ length: times }, () => [force, 0.5]).flat();

test('enough peaks in time fire', () => {
  assert.equal(feed(shaken(30, peaksNeeded), 5).ever, true);
});

test('one peak too few does not', () => {
  assert.equal(feed(shaken(30, peaksNeeded - 1), 5).ever, false);
});

test('peaks just below the threshold never count', () => {
  for (let strength = 1; strength <= 10; strength += 1) {
    assert.equal(feed(shaken(threshold(strength) - 0.01, 40), strength).ever, false);
  }
});

test('a harder strength needs more force', () => {
  for (let strength = 2; strength <= 10; strength += 1) assert.ok(threshold(strength) > threshold(strength - 1));
  assert.equal(feed(shaken(30, 8), 9).ever, false);
  assert.equal(feed(shaken(34, 8), 9).ever, true);
});

test('a strength outside 1 to 10 is taken as the nearest', () => {
  assert.equal(threshold(0), threshold(1));
  assert.equal(threshold(99), threshold(10));
});

test('one long push is one peak', () => {
  assert.equal(feed(Array.from({ length: 50 }, () => 40), 1).state.peaks.length <= 1, true);
});

test('peaks spread over a long walk do not add up', () => {
  assert.equal(feed(shaken(30, 20), 5, 800).ever, false);
});

test('a vibration faster than a hand does not count twice', () => {
  assert.equal(feed(shaken(30, 4), 5, 20).state.peaks.length < 4, true);
});

test('the force leaves gravity out', () => {
  const event = (part: object): DeviceMotionEvent => part as DeviceMotionEvent;
  assert.equal(magnitude(event({ acceleration: { x: 3, y: 4, z: 0 } })), 5);
  assert.ok(magnitude(event({ acceleration: null, accelerationIncludingGravity: { x: 0, y: 9.81, z: 0 } })) < 0.01);
  assert.equal(magnitude(event({ acceleration: { x: null, y: null, z: null }, accelerationIncludingGravity: null })), 0);
});
