/** The one way a page calls its node: JSON in, JSON or a `Problem` out, always within a time limit. */
import { language } from './i18n.ts';
import { Problem, problemFrom } from './problem.ts';
import { learnClockCoarsely } from './time.ts';
import type { NodeInfo } from './types.ts';

export { Problem } from './problem.ts';

export interface CallOptions {
  /** Milliseconds until the call counts as failed. */
  timeout?: number;
  signal?: AbortSignal;
  /** Let the request outlive the page (an SOS on a page that is being closed). */
  keepalive?: boolean;
}

const defaultTimeout = 10_000;
let node: Promise<NodeInfo> | null = null;

/** What this node is; asked once and kept. */
export function nodeInfo(): Promise<NodeInfo> {
  node ??= call<NodeInfo>('GET', '/api/node').catch((error: unknown) => {
    node = null;
    throw error;
  });
  return node;
}

/** Read a cookie that scripts may see. */
export function cookie(name: string): string | null {
  for (const part of document.cookie.split('; ')) {
    const at = part.indexOf('=');
    if (part.slice(0, at) === name) return decodeURIComponent(part.slice(at + 1));
  }
  return null;
}

async function csrfToken(): Promise<string | null> {
  return cookie((await nodeInfo()).csrf_cookie);
}

/** Whether a call needs the token: everything that changes something, except the SOS itself, which nothing may hold up. */
function needsToken(method: string, path: string): boolean {
  return method !== 'GET' && !(method === 'POST' && path.startsWith('/api/sos'));
}

export async function call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': language() };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (needsToken(method, path)) {
    const token = await csrfToken();
    if (token !== null) headers['x-csrftoken'] = token;
  }
  const timeout = AbortSignal.timeout(options.timeout ?? defaultTimeout);
  const init: RequestInit = {
    method,
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    keepalive: options.keepalive ?? false,
  };
  if (body !== undefined) init.body = JSON.stringify(body);

  let answer: Response;
  let parsed: unknown;
  try {
    answer = await fetch(path, init);
    parsed = await readBody(answer);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (timeout.aborted) throw new Problem('timeout', 0, 'timeout');
    throw new Problem('unreachable', 0, 'unreachable');
  }
  learnClockCoarsely(answer.headers.get('date'));
  if (!answer.ok) throw problemFrom(answer.status, parsed);
  return parsed as T;
}

async function readBody(answer: Response): Promise<unknown> {
  if (answer.status === 204) return undefined;
  const text = await answer.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A proxy's HTML error page: the status alone says what happened.
    if (!answer.ok) return undefined;
    throw new Problem('unreadable-answer', answer.status, 'unreadable answer');
  }
}

export const api = {
  get: <T>(path: string, options?: CallOptions) => call<T>('GET', path, undefined, options),
  post: <T>(path: string, body?: unknown, options?: CallOptions) => call<T>('POST', path, body ?? {}, options),
  put: <T>(path: string, body: unknown, options?: CallOptions) => call<T>('PUT', path, body, options),
  delete: <T>(path: string, options?: CallOptions) => call<T>('DELETE', path, undefined, options),
};

/** Whether the node really answers; `navigator.onLine` only knows whether a cable is plugged in. */
export async function reachable(timeout = 4000): Promise<boolean> {
  try {
    await call<undefined>('GET', '/api/probe', undefined, { timeout });
    return true;
  } catch (error) {
    if (error instanceof Problem) return !error.unreachable;
    throw error;
  }
}
