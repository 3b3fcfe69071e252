/** The order of the queue: what waits for an answer stands first. Pure. */
import type { IncidentView } from '../kit/types.ts';

export type Group = 'alarm' | 'mine' | 'others' | 'armed' | 'closed';
export const groups: Group[] = ['alarm', 'mine', 'others', 'armed', 'closed'];

export type Role = 'owner' | 'co_alarmed' | 'reader';

/** What this center is to an incident. An incident that nobody owns yet is everybody's. */
export function roleOf(view: IncidentView, center: string): Role {
  if (view.owner === null || view.owner.code === center) return 'owner';
  const party = view.parties.find((item) => item.code === center);
  return party?.role === 'co_alarmed' ? 'co_alarmed' : 'reader';
}

const inHand = new Set(['accepted', 'dispatched', 'on_scene']);

/** Whether people are alarmed and nobody has it in hand: also after a hand-over, until the new owner accepts. */
export function needsOperator(view: IncidentView): boolean {
  return view.operator === null && (view.state === 'alerting' || inHand.has(view.state));
}

export function groupOf(view: IncidentView, me: string, center: string): Group {
  if (view.state === 'closed' || view.state === 'cancelled') return 'closed';
  if (view.state === 'armed') return 'armed';
  if (needsOperator(view)) return roleOf(view, center) === 'reader' ? 'others' : 'alarm';
  return view.operator?.id === me ? 'mine' : 'others';
}

/** Whether somebody else's proposal to close waits for this operator. */
export function waitsForMe(view: IncidentView, me: string, center: string): boolean {
  return view.closing !== null && view.closing.by_id !== me && view.state !== 'closed' && roleOf(view, center) === 'owner';
}

export interface Entry {
  view: IncidentView;
  group: Group;
  role: Role;
}

/** The whole queue in its order. */
export function queueOf(views: IncidentView[], me: string, center: string): Entry[] {
  return views.map((view) => ({ view, group: groupOf(view, me, center), role: roleOf(view, center) })).sort((a, b) => compare(a, b, me, center));
}

function compare(a: Entry, b: Entry, me: string, center: string): number {
  if (a.group !== b.group) return groups.indexOf(a.group) - groups.indexOf(b.group);
  if (a.group === 'closed') return text(b.view.closed_at ?? b.view.opened_at, a.view.closed_at ?? a.view.opened_at) || text(a.view.id, b.view.id);
  if (a.group === 'alarm') {
    const urgent = Number(b.view.priority === 'duress') - Number(a.view.priority === 'duress');
    if (urgent !== 0) return urgent;
  } else if (a.group !== 'armed') {
    const waits = Number(waitsForMe(b.view, me, center)) - Number(waitsForMe(a.view, me, center));
    if (waits !== 0) return waits;
  }
  return text(startOf(a.view), startOf(b.view)) || text(a.view.id, b.view.id);
}

function text(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** When the wait for an operator began, which is what an alarm's age is counted from; a hand-over begins it anew. */
export function startOf(view: IncidentView): string {
  if (needsOperator(view) && view.accepted_at !== null && view.owner !== null) return view.owner.since;
  return view.alerted_at ?? view.opened_at;
}
