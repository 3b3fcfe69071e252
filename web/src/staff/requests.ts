/** The steps of a request to 112 or 119. */
import type { Agency, DispatchRequest, IncidentView, RequestStatus } from '../kit/types.ts';

export const requestSteps: RequestStatus[] = ['requested', 'acknowledged', 'en_route', 'on_scene', 'done'];

/** The step after this one, or null at the end. */
export function nextStep(status: RequestStatus): RequestStatus | null {
  return requestSteps[requestSteps.indexOf(status) + 1] ?? null;
}

/** The newest of some requests, an open one before a finished one. */
export function newest(requests: DispatchRequest[]): DispatchRequest | null {
  const open = requests.filter((request) => request.status !== 'done');
  const pool = open.length > 0 ? open : requests;
  return pool.reduce<DispatchRequest | null>((best, request) => (best === null || request.at >= best.at ? request : best), null);
}

/**
 * The request an operator has made to an agency; in an exercise every request goes to the exercise agency. One that
 * the ladder made by itself does not count: an operator may still confirm it by her own.
 */
export function requestTo(view: IncidentView, agency: Agency): DispatchRequest | null {
  const wanted = view.exercise ? 'exercise' : agency;
  return newest(view.requests.filter((request) => request.agency === wanted && !request.unverified));
}
