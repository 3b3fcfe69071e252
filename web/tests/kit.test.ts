import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalPhone, spokenPhone, validPin } from '../src/citizen/account/phone.ts';
import { backoff } from '../src/kit/backoff.ts';
import { problemFrom } from '../src/kit/problem.ts';
import { ageParts, ageSeconds, clock, clockOffset, dateTime, learnClock, learnClockCoarsely, serverNow } from '../src/kit/time.ts';
import { uuid } from '../src/kit/uuid.ts';

test('the wait doubles from half a second to half a minute, and half of it is chance', () => {
  const longest = Array.from({ length: 12 }, (_, attempt) => backoff(attempt, 500, 30_000, () => 1));
  const shortest = Array.from({ length: 12 }, (_, attempt) => backoff(attempt, 500, 30_000, () => 0));
  assert.deepEqual(longest.slice(0, 7), [500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
  assert.equal(longest.at(-1), 30_000);
  assert.deepEqual(shortest, longest.map((wait) => wait / 2));
  assert.equal(backoff(10_000, 500, 30_000, () => 1), 30_000);
});

test('mobile numbers are read as people write them', () => {
  for (const text of ['010-1234-5678', '01012345678', '010 1234 5678', '+82 10-1234-5678', '+82 (0)10 1234 5678']) {
    assert.equal(normalPhone(text), '01012345678', text);
  }
  for (const text of ['', '010-1234', '02-123-4567', '0101234567890', '+1 212 555 0100', 'abc']) {
    assert.equal(normalPhone(text), null, text);
  }
  assert.equal(normalPhone('011-123-4567'), '0111234567');
  assert.equal(spokenPhone('01012345678'), '010-1234-5678');
  assert.equal(spokenPhone('0111234567'), '011-123-4567');
  assert.equal(spokenPhone('010-1234-5678'), '010-1234-5678');
});

test('a PIN has four to six digits', () => {
  for (const pin of ['1234', '12345', '123456']) assert.ok(validPin(pin));
  for (const pin of ['', '123', '1234567', '12a4', '１２３４', ' 1234']) assert.ok(!validPin(pin), pin);
});

test('a problem keeps its kind, its field and its extras', () => {
  const problem = problemFrom(403, {
    type: '/problems/wrong-pin', title: 'T', status: 403, detail: 'D', field: 'pin', attempts_left: 2,
  });
  assert.equal(problem.slug, 'wrong-pin');
  assert.equal(problem.field, 'pin');
  assert.deepEqual(problem.extras, { attempts_left: 2 });
  assert.equal(problem.message, 'D');
  assert.equal(problem.unreachable, false);
});

test('an answer that is no problem document becomes one named after its status', () => {
  for (const body of [undefined, null, 'text', 7]) assert.equal(problemFrom(502, body).slug, 'http-502');
  assert.equal(problemFrom(500, { type: 'about:blank' }).slug, 'http-500');
});

test('an age is said in one unit', () => {
  const cases: [number, number, string][] = [
    [0, 0, 'second'], [59, 59, 'second'], [60, 1, 'minute'], [3599, 59, 'minute'],
    [3600, 1, 'hour'], [86_399, 23, 'hour'], [86_400, 1, 'day'],
  ];
  for (const [seconds, value, unit] of cases) assert.deepEqual(ageParts(seconds), { value, unit });
});

test('an age is never negative and an unreadable time has none', () => {
  const now = Date.parse('2026-11-24T03:04:05.000Z');
  assert.equal(ageSeconds('2026-11-24T03:04:00.000Z', now), 5);
  assert.equal(ageSeconds('2026-11-24T03:05:00.000Z', now), 0);
  assert.equal(ageSeconds('nonsense', now), 0);
});

test('the clock shows Korea wherever the reader is', () => {
  assert.equal(clock('2026-11-24T15:04:05.000Z'), '00:04:05');
  assert.equal(clock('nonsense'), '');
  assert.match(dateTime('2026-11-24T15:04:05.000Z', 'ko'), /25/);
  assert.equal(dateTime('nonsense', 'en'), '');
});

test('the server’s clock counts, finely where it is told and coarsely only against a wrong one', () => {
  learnClock(new Date(Date.now() + 60_000).toISOString());
  assert.ok(Math.abs(clockOffset() - 60_000) < 50);
  assert.ok(Math.abs(serverNow() - Date.now() - 60_000) < 50);
  learnClockCoarsely(new Date(Date.now() + 60_000).toUTCString());
  assert.ok(Math.abs(clockOffset() - 60_000) < 50, 'a whole-second header does not blur a fine clock');
  learnClockCoarsely(new Date(Date.now() - 60_000).toUTCString());
  assert.ok(Math.abs(clockOffset() + 60_000) < 1500);
  learnClockCoarsely(null);
  learnClock('nonsense');
  assert.ok(Math.abs(clockOffset() + 60_000) < 1500);
});

test('identifiers are random UUIDs, with and without the browser’s own', () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(uuid(), shape);
  const own = crypto.randomUUID;
  Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true, writable: true });
  try {
    const made = Array.from({ length: 100 }, uuid);
    for (const one of made) assert.match(one, shape);
    assert.equal(new Set(made).size, 100);
  } finally {
    Object.defineProperty(crypto, 'randomUUID', { value: own, configurable: true, writable: true });
  }
});
