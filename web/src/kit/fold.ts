/**
 * What a page knows, as a pure fold: `fromSnapshot` then `apply` for every change.
 *
 * Applying a change twice, or one that the snapshot already holds, gives the same state, so a resumed stream may
 * overlap. A state is never mutated; an incident that a change does not touch keeps its identity.
 */
import type { Change, HubLink, IncidentView, NodeStatus, Position, Snapshot, StatusFrame, TimelineEvent } from './types.ts';

export interface Incident {
  view: IncidentView;
  /** Ordered by (at, id). */
  timeline: TimelineEvent[];
  /** Ordered by (at, id). */
  track: Position[];
}

export interface State {
  node: NodeStatus | null;
  incidents: Record<string, Incident>;
}

export const empty: State = { node: null, incidents: {} };

/** Replace everything by what a snapshot says. */
export function fromSnapshot(snapshot: Snapshot): State {
  const incidents: Record<string, Incident> = {};
  for (const { view, timeline, track } of snapshot.incidents) {
    incidents[view.id] = { view, timeline: merge([], timeline), track: merge([], track) };
  }
  return { node: snapshot.node ?? null, incidents };
}

/** The state after one change. */
export function apply(state: State, change: Change): State {
  if (change.kind === 'gone') {
    if (!(change.incident in state.incidents)) return state;
    const { [change.incident]: _gone, ...incidents } = state.incidents;
    return { ...state, incidents };
  }
  if (change.kind === 'whole') {
    const { view, timeline, track } = change;
    const whole: Incident = { view, timeline: merge([], timeline), track: merge([], track) };
    return { ...state, incidents: { ...state.incidents, [change.incident]: whole } };
  }
  const before = state.incidents[change.incident];
  const after: Incident = {
    view: change.view,
    timeline: change.kind === 'event' ? merge(before?.timeline ?? [], [change.event]) : (before?.timeline ?? []),
    track: change.kind === 'positions' ? merge(before?.track ?? [], change.positions) : (before?.track ?? []),
  };
  return { ...state, incidents: { ...state.incidents, [change.incident]: after } };
}

/** The state after a node-status frame. */
export function applyStatus(state: State, status: StatusFrame): State {
  if (state.node === null) return state;
  const hub_link: HubLink = status.hub_link;
  return { ...state, node: { ...state.node, hub_link } };
}

interface Ordered {
  id: string;
  at: string;
}

function before(a: Ordered, b: Ordered): boolean {
  return a.at === b.at ? a.id < b.id : a.at < b.at;
}

/** Insert items into a list ordered by (at, id), one of each id; nearly all arrive in order and land at the end. */
function merge<T extends Ordered>(list: T[], added: T[]): T[] {
  if (added.length === 0) return list;
  const result = list.slice();
  const known = new Set(list.map((item) => item.id));
  for (const item of added) {
    if (known.has(item.id)) continue;
    known.add(item.id);
    let at = result.length;
    while (at > 0 && before(item, result[at - 1] as T)) at -= 1;
    result.splice(at, 0, item);
  }
  return result;
}
