/** The steps of a request to 112 or 119. */
import type { Agency, DispatchRequest, IncidentView, RequestStatus } from '../kit/types.ts';

export const requestSteps: RequestStatus[] = ['requested', 'acknowledged', 'en_route', 'on_scene', 'done'];

/** The step after this one, or null at the end. */
export function nextStep(status: RequestStatus): RequestStatus | null {
  return requestSteps[requestSteps.indexOf(status) + 1] ?? null;
}

/** The newest request to an agency, an open one before a finished one. */
export function requestTo(view: IncidentView, agency: Agency): DispatchRequest | null {
  const all = view.requests.filter((request) => request.agency === agency);
  const open = all.filter((request) => request.status !== 'done');
  const pool = open.length > 0 ? open : all;
  return pool.reduce<DispatchRequest | null>((newest, request) => (newest === null || request.at >= newest.at ? request : newest), null);
}
