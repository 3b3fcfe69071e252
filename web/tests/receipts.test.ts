import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headline, steps } from '../src/citizen/sos/receipts.ts';
import type { Press } from '../src/citizen/types.ts';
import type { DispatchRequest, IncidentView, RequestStatus } from '../src/kit/types.ts';

const t0 = '2026-11-24T03:04:05.678Z';
const t1 = '2026-11-24T03:04:06.000Z';
const anyang = { code: '41170', name: '안양시' };

function press(part: Partial<Press> = {}): Press {
  return {
    key: 'k', trigger: 'hold', pressed_at: t0, silent: false, device_id: 'd', battery: null, position: null,
    attempts: 0, bare: false, incident: 'i', state: 'armed', window_ends_at: null, owner: null,
    ended: null, ended_at: null, dismissed: false, ...part,
  };
}

function view(part: Partial<IncidentView> = {}): IncidentView {
  return {
    id: 'i', state: 'alerting', exercise: false, silent: false, priority: 'normal', trigger: 'hold', marks: [],
    opened_at: t0, window_ends_at: null, alerted_at: null, accepted_at: null, closed_at: null, person: null,
    owner: { ...anyang, epoch: 1, since: t0, reason: 'routed' }, responsible: null, parties: [], delivered: {}, seen: {},
    operator: null, position: null, requests: [], closing: null, disposition: null, superseded: [], events: 1, ...part,
  };
}

function request(agency: '112' | '119', status: RequestStatus): DispatchRequest {
  return { id: agency, agency, status, at: t0, by: '', center: anyang.code, unverified: false, note: '', history: [] };
}

const key = (one: Press, seen: IncidentView | null, sending = false): string => headline(one, seen, sending).key;

test('before the hub has it, nothing is claimed', () => {
  const unsent = press({ incident: null, state: null });
  assert.equal(key(unsent, null), 'citizen.headline.sending');
  assert.equal(key({ ...unsent, attempts: 2 }, null), 'citizen.headline.unsent');
  assert.equal(key({ ...unsent, attempts: 2 }, null, true), 'citizen.headline.sending');
  assert.ok(steps(unsent, null).every((step) => step.status === 'later' && step.at === null));
});

test('the answer alone says received, and no more', () => {
  assert.equal(key(press(), null), 'citizen.headline.armed');
  assert.equal(key(press({ state: 'alerting' }), null), 'citizen.headline.sent');
  assert.equal(key(press({ state: 'alerting', owner: anyang }), null), 'citizen.headline.delivering');
  assert.deepEqual(steps(press(), null).map((step) => step.status), ['now', 'later', 'later', 'later']);
});

test('each receipt makes its own sentence', () => {
  assert.equal(key(press(), view()), 'citizen.headline.delivering');
  assert.equal(key(press(), view({ delivered: { '41170': t1 } })), 'citizen.headline.delivered');
  assert.equal(key(press(), view({ seen: { '41170': { at: t1, operator: '' } } })), 'citizen.headline.seen');
  assert.equal(key(press(), view({ accepted_at: t1 })), 'citizen.headline.accepted');
});

test('another center’s receipt is not the owner’s', () => {
  assert.equal(key(press(), view({ delivered: { '11545': t1 } })), 'citizen.headline.delivering');
});

test('what an operator of the former center saw stays seen', () => {
  const moved = view({ owner: { code: '11545', name: '금천구', epoch: 2, since: t1, reason: 'handover' }, seen: { '41170': { at: t1, operator: '' } } });
  assert.equal(key(press(), moved), 'citizen.headline.seen');
});

test('an accepted case keeps its earlier receipts ticked even when they never arrived', () => {
  const list = steps(press(), view({ state: 'accepted', accepted_at: t1, seen: { '41170': { at: t1, operator: '' } } }));
  assert.deepEqual(list.map((step) => step.status), ['done', 'done', 'done', 'now']);
});

test('the agency that got furthest is named, 112 first when both are equal', () => {
  const said = (...requests: DispatchRequest[]) => headline(press(), view({ accepted_at: t1, requests }), false);
  assert.deepEqual(said(request('112', 'requested'), request('119', 'en_route')), { key: 'citizen.headline.en_route', params: { agency: '119' } });
  assert.deepEqual(said(request('112', 'en_route'), request('119', 'en_route')), { key: 'citizen.headline.en_route', params: { agency: '112' } });
});

test('the end is the last word', () => {
  const requests = [request('112', 'done')];
  for (const ended of ['cancelled', 'closed', 'lost'] as const) {
    assert.equal(key(press({ ended }), view({ requests })), `citizen.headline.${ended}`);
  }
  const list = steps(press({ ended: 'closed', ended_at: t1 }), view({ accepted_at: t1, requests }));
  assert.equal(list.at(-1)?.key, 'citizen.step.closed');
  assert.ok(list.every((step) => step.status !== 'now'));
});
