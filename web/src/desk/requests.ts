/** The desk's list: every request to this agency, what waits first. Pure. */
import type { DispatchRequest, IncidentView } from '../kit/types.ts';

export type Group = 'new' | 'open' | 'done';
export const groups: Group[] = ['new', 'open', 'done'];

export interface Entry {
  request: DispatchRequest;
  view: IncidentView;
  group: Group;
}

function groupOf(request: DispatchRequest, view: IncidentView): Group {
  const ended = view.state === 'closed' || view.state === 'cancelled';
  if (request.status === 'done' || ended) return 'done';
  return request.status === 'requested' ? 'new' : 'open';
}

/** New ones, duress first and then the oldest; then those in progress; finished ones last, the newest first. */
export function listOf(views: IncidentView[], agency: string): Entry[] {
  const entries = views.flatMap((view) =>
    view.requests.filter((request) => request.agency === agency).map((request) => ({ request, view, group: groupOf(request, view) })),
  );
  return entries.sort((a, b) => {
    if (a.group !== b.group) return groups.indexOf(a.group) - groups.indexOf(b.group);
    const urgent = Number(b.view.priority === 'duress') - Number(a.view.priority === 'duress');
    if (a.group === 'new' && urgent !== 0) return urgent;
    const older = a.request.at < b.request.at ? -1 : a.request.at > b.request.at ? 1 : a.request.id < b.request.id ? -1 : 1;
    return a.group === 'done' ? -older : older;
  });
}
