/**
 * The push channel of a page: one EventSource that keeps a folded state true, says plainly when it is not connected
 * and since when, and comes back by itself.
 */
import { backoff } from './backoff.ts';
import { apply, applyStatus, empty, fromSnapshot, type State } from './fold.ts';
import { learnClock } from './time.ts';
import type { Change } from './types.ts';

export { apply, applyStatus, empty, fromSnapshot, type Incident, type State } from './fold.ts';

export interface Connection {
  state: 'connecting' | 'connected' | 'stale';
  /** When the last frame arrived (our clock, ms): what is shown is as old as this. Null before the first frame. */
  since: number | null;
}

export interface Handlers<S = State, C = Change> {
  /** After a snapshot (`change` is null) and after every change. */
  state(state: S, change: C | null): void;
  connection(connection: Connection): void;
  /** The session has ended; the stream has stopped and must be opened again after signing in. */
  unauthorized?(): void;
  /** The stream does not exist (any more); it has stopped. */
  gone?(status: number): void;
}

export interface Stream {
  close(): void;
  /** Try again at once instead of waiting for the next attempt. */
  retry(): void;
}

export interface Options {
  /** Longest wait between two attempts, in milliseconds. */
  most?: number;
  /** Silence after which the line counts as dead, in milliseconds; a live one pings every 5 s. */
  silence?: number;
}

/** How a page folds its frames into what it shows; pure, and frames may overlap. */
export interface Folding<S, C> {
  empty: S;
  fromSnapshot(snapshot: never): S;
  apply(state: S, change: C): S;
  applyStatus(state: S, status: never): S;
}

/** Open a stream of incidents and keep it open until `close`, sign-out, or the stream's end. */
export function open(url: string, handlers: Handlers, options: Options = {}): Stream {
  return follow<State, Change>(url, { empty, fromSnapshot, apply, applyStatus }, handlers, options);
}

/** The same for any stream, folded by the page's own rules. */
export function follow<S, C>(url: string, folding: Folding<S, C>, handlers: Handlers<S, C>, options: Options = {}): Stream {
  const { most = 15_000, silence = 12_000 } = options;
  let state: S = folding.empty;
  let cursor: string | null = null;
  let connection: Connection = { state: 'connecting', since: null };
  let source: EventSource | null = null;
  let attempt = 0;
  let stopped = false;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  const say = (next: Connection): void => {
    const changed = next.state !== connection.state || next.since !== connection.since;
    connection = next;
    if (changed) handlers.connection(next);
  };

  const heard = (): void => {
    attempt = 0;
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(lost, silence);
    say({ state: 'connected', since: Date.now() });
  };

  const lost = (): void => {
    if (stopped) return;
    disconnect();
    // Before the first frame there is nothing old to warn about.
    say({ state: connection.since === null ? 'connecting' : 'stale', since: connection.since });
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, backoff(attempt, 500, most));
    attempt += 1;
  };

  const disconnect = (): void => {
    clearTimeout(silenceTimer);
    source?.close();
    source = null;
  };

  const stop = (): void => {
    stopped = true;
    disconnect();
    clearTimeout(retryTimer);
    window.removeEventListener('online', retry);
    document.removeEventListener('visibilitychange', visible);
  };

  const address = (): string => {
    if (cursor === null) return url;
    return `${url}${url.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
  };

  const connect = (): void => {
    if (stopped) return;
    clearTimeout(retryTimer);
    disconnect();
    const opened = new EventSource(address());
    source = opened;
    silenceTimer = setTimeout(lost, silence);
    opened.addEventListener('open', () => {
      // A resumed stream sends only what was missed, which may be nothing: that it is open says it is up to date.
      if (cursor !== null) heard();
    });
    opened.addEventListener('snapshot', (frame) => {
      const snapshot = JSON.parse(frame.data as string) as { cursor: number | string; now: string };
      cursor = frame.lastEventId || String(snapshot.cursor);
      learnClock(snapshot.now);
      state = folding.fromSnapshot(snapshot as never);
      heard();
      handlers.state(state, null);
    });
    opened.addEventListener('change', (frame) => {
      const change = JSON.parse(frame.data as string) as C;
      if (frame.lastEventId) cursor = frame.lastEventId;
      state = folding.apply(state, change);
      heard();
      handlers.state(state, change);
    });
    opened.addEventListener('status', (frame) => {
      const status = JSON.parse(frame.data as string) as { now: string };
      learnClock(status.now);
      state = folding.applyStatus(state, status as never);
      heard();
      handlers.state(state, null);
    });
    opened.addEventListener('ping', (frame) => {
      learnClock((JSON.parse(frame.data as string) as { now: string }).now);
      heard();
    });
    opened.addEventListener('error', () => {
      if (source === opened) void failed(opened.readyState === EventSource.CLOSED);
    });
  };

  /** An EventSource does not tell why it failed: when the server refused, ask it once how. */
  const failed = async (refused: boolean): Promise<void> => {
    disconnect();
    if (refused) {
      const status = await statusOf(address());
      if (stopped) return;
      if (status === 401) {
        stop();
        say({ state: connection.since === null ? 'connecting' : 'stale', since: connection.since });
        handlers.unauthorized?.();
        return;
      }
      if (status === 403 || status === 404 || status === 410) {
        stop();
        handlers.gone?.(status);
        return;
      }
    }
    lost();
  };

  const retry = (): void => {
    if (stopped || (source !== null && connection.state === 'connected')) return;
    attempt = 0;
    connect();
  };
  const visible = (): void => {
    if (document.visibilityState === 'visible') retry();
  };

  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', visible);
  connect();
  return { close: stop, retry };
}

async function statusOf(url: string): Promise<number> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 5000);
  try {
    const answer = await fetch(url, {
      headers: { accept: 'text/event-stream' }, credentials: 'same-origin', cache: 'no-store', signal: abort.signal,
    });
    return answer.status;
  } catch {
    // No answer at all is an answer here: not reachable.
    return 0;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
