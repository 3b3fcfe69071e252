/** What the operator can do now with the incident in front of her, and which of it is next. Pure. */
import type { Agency, IncidentView } from '../kit/types.ts';
import { requestTo } from '../staff/requests.ts';
import { needsOperator, roleOf } from './order.ts';

/** `next`: the thing to do; `ready`: possible; `done`: has been done; `off`: not possible now. */
export type Slot = 'next' | 'ready' | 'done' | 'off';

export interface Actions {
  accept: Slot;
  request: Record<Agency, Slot>;
  close: Slot;
  /** Key of the one sentence that says what is to be done now. */
  now: string;
}

export function actionsFor(view: IncidentView, me: string, center: string): Actions {
  const role = roleOf(view, center);
  const accepted: Slot = view.operator !== null ? 'done' : 'off';
  const nothing: Actions = { accept: accepted, request: { '112': 'off', '119': 'off' }, close: 'off', now: 'console.now.reader' };
  if (view.state === 'closed') return { ...nothing, close: 'done', now: 'console.now.closed' };
  if (view.state === 'cancelled') return { ...nothing, now: 'console.now.cancelled' };
  if (view.state === 'armed') return { ...nothing, now: 'console.now.armed' };
  if (role === 'reader') return nothing;
  if (needsOperator(view)) {
    const handedOver = role === 'owner' && view.state !== 'alerting';
    return { ...nothing, accept: 'next', now: `console.now.${handedOver ? 'take_over' : role === 'owner' ? 'accept' : 'accept_instead'}` };
  }
  if (role !== 'owner') return nothing;
  if (view.closing !== null) {
    const mine = view.closing.by_id === me;
    return {
      ...nothing, request: requests(view, false), close: mine ? 'off' : 'next',
      now: mine ? 'console.now.proposed' : 'console.now.confirm',
    };
  }
  const asked = view.requests.some((item) => !item.unverified);
  const arrived = view.state === 'on_scene' || view.requests.some((item) => item.status === 'on_scene' || item.status === 'done');
  return {
    accept: 'done',
    request: requests(view, !asked),
    close: arrived ? 'next' : 'ready',
    now: arrived ? 'console.now.close' : asked ? 'console.now.follow' : view.requests.length > 0 ? 'console.now.verify' : 'console.now.request',
  };
}

function requests(view: IncidentView, wanted: boolean): Record<Agency, Slot> {
  const slot = (agency: Agency): Slot => {
    const request = requestTo(view, agency);
    if (request !== null && request.status !== 'done') return 'done';
    return wanted ? 'next' : 'ready';
  };
  return { '112': slot('112'), '119': slot('119') };
}
