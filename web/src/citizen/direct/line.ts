/** The line to a center without the hub: a press, what follows it, and its stream. No cookies: the incident's token. */
import { language } from '../../kit/i18n.ts';
import { Problem, problemFrom } from '../../kit/problem.ts';
import type { Options } from '../../kit/stream.ts';
import { account } from '../account/account.svelte.ts';
import { report } from '../sos/press.ts';
import type { DirectReceipt, Press, SosAnswer } from '../types.ts';
import { FetchSource } from './fetchSource.ts';
import { keptMapping } from './mapping.ts';

const patience = 4000;

/** Raise the press at the first center that answers; null when none does, or this device knows of none. */
export async function raiseDirectly(press: Press): Promise<DirectReceipt | null> {
  const mapping = await keptMapping();
  if (mapping === null) return null;
  const body = { ...report(press), registered: account.me !== null || mapping.registered === true };
  for (const center of mapping.centers) {
    try {
      const answer = await post(`${center.url}/api/sos`, body, '');
      const token = answer.headers.get('x-incident-token') ?? '';
      const { incident, state, window_ends_at, owner } = (await answer.json()) as SosAnswer;
      return {
        origin: center.url, center: owner ?? { code: center.code, name: center.name }, token, incident, state, window_ends_at,
      };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return null;
}

/** Call the center that has the press. */
export async function callDirectly<T>(direct: DirectReceipt, step: string, body: unknown): Promise<T> {
  const answer = await post(`${direct.origin}/api/sos/${direct.incident}/${step}`, body, direct.token);
  return (await answer.json()) as T;
}

/** How the page follows its incident at the center: an EventSource could not carry the token. */
export function directStream(direct: DirectReceipt): { url: string; options: Options } {
  const headers = { authorization: `Bearer ${direct.token}` };
  return {
    url: `${direct.origin}/api/sos/${direct.incident}/stream`,
    options: { source: (url) => new FetchSource(url, headers), headers },
  };
}

async function post(url: string, body: unknown, token: string): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'accept-language': language() };
  if (token !== '') headers['authorization'] = `Bearer ${token}`;
  const signal = AbortSignal.timeout(patience);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST', headers, body: JSON.stringify(body), credentials: 'omit', cache: 'no-store', keepalive: true, signal,
    });
  } catch {
    throw new Problem(signal.aborted ? 'timeout' : 'unreachable', 0, 'unreachable');
  }
  if (answer.ok) return answer;
  throw problemFrom(answer.status, await answer.json().catch(() => undefined));
}
