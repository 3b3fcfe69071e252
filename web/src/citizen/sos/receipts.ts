/** What has truly happened to her report, as one sentence and as steps: pure functions of what is known. */
import type { DispatchRequest, IncidentView, RequestStatus } from '../../kit/types.ts';
import type { Press } from '../types.ts';

export interface Sentence {
  key: string;
  params?: Record<string, string>;
}

export interface Step extends Sentence {
  /** `now` is the newest thing that is true; `later` has not happened. */
  status: 'done' | 'now' | 'later';
  at: string | null;
}

const progress: RequestStatus[] = ['requested', 'acknowledged', 'en_route', 'on_scene', 'done'];

interface Known {
  center: string | null;
  delivered: string | null;
  seen: string | null;
  accepted: string | null;
  requests: DispatchRequest[];
}

function known(press: Press, view: IncidentView | null): Known {
  const owner = view?.owner ?? press.owner;
  if (view === null) {
    return { center: owner?.name ?? null, delivered: null, seen: null, accepted: null, requests: [] };
  }
  const code = owner?.code ?? '';
  const accepted = view.accepted_at;
  return {
    center: owner?.name ?? null,
    delivered: view.delivered[code] ?? null,
    // After a hand-over the new center's own receipts count, but what was seen before stays true.
    seen: view.seen[code]?.at ?? firstSeen(view),
    accepted,
    requests: view.requests,
  };
}

function firstSeen(view: IncidentView): string | null {
  return Object.values(view.seen).map((seen) => seen.at).sort()[0] ?? null;
}

/** The request that has got furthest; 112 before 119 when both are equally far. */
function furthest(requests: DispatchRequest[]): DispatchRequest | null {
  const rank = (request: DispatchRequest): number => progress.indexOf(request.status);
  return requests.reduce<DispatchRequest | null>((best, one) => (best === null || rank(one) > rank(best) ? one : best), null);
}

/** The one sentence at the top. */
export function headline(press: Press, view: IncidentView | null, sending: boolean): Sentence {
  if (press.ended === 'cancelled') return { key: 'citizen.headline.cancelled' };
  if (press.ended === 'closed') return { key: 'citizen.headline.closed' };
  if (press.ended === 'lost') return { key: 'citizen.headline.lost' };
  const direct = press.incident === null ? (press.direct ?? null) : null;
  if (press.incident === null && direct === null) {
    return { key: press.attempts === 0 || sending ? 'citizen.headline.sending' : 'citizen.headline.unsent' };
  }
  const facts = known(press, view);
  const params = { center: facts.center ?? '' };
  const request = furthest(facts.requests);
  if (request !== null) return { key: `citizen.headline.${request.status}`, params: { agency: request.agency } };
  if (facts.accepted !== null) return { key: 'citizen.headline.accepted', params };
  if (facts.seen === null && direct !== null) return { key: 'direct.headline', params: { center: direct.center.name } };
  if ((view?.state ?? press.state) === 'armed') return { key: 'citizen.headline.armed' };
  if (facts.seen !== null) return { key: 'citizen.headline.seen', params };
  if (facts.delivered !== null) return { key: 'citizen.headline.delivered', params };
  return { key: facts.center === null ? 'citizen.headline.sent' : 'citizen.headline.delivering', params };
}

/** The steps below it. */
export function steps(press: Press, view: IncidentView | null): Step[] {
  const facts = known(press, view);
  const params = { center: facts.center ?? '' };
  const sent = press.incident === null && !press.direct ? null : (view?.opened_at ?? press.pressed_at);
  const list: Step[] = [
    step('sent', sent, {}),
    step(facts.center === null ? 'delivered_somewhere' : 'delivered', facts.delivered ?? facts.seen, params),
    step('seen', facts.seen ?? facts.accepted, params),
    step('accepted', facts.accepted, params),
  ];
  for (const request of facts.requests) {
    const last = request.history.at(-1);
    list.push(step(request.status, last?.at ?? request.at, { agency: request.agency }));
  }
  if (press.ended === 'closed') list.push(step('closed', press.ended_at, {}));
  const newest = list.findLastIndex((one) => one.status === 'done');
  const current = list[newest];
  if (current !== undefined && press.ended === null) current.status = 'now';
  return list;
}

function step(name: string, at: string | null, params: Record<string, string>): Step {
  return { key: `citizen.step.${name}`, params, at, status: at === null ? 'later' : 'done' };
}
