/**
 * Server-sent events over `fetch`, for a stream on another node that needs a header. It looks like an EventSource that
 * never reconnects by itself, which is how `kit/stream.ts` uses one.
 */
import type { Source } from '../../kit/stream.ts';

export class FetchSource implements Source {
  readyState: number = EventSource.CONNECTING;
  readonly #events = new EventTarget();
  readonly #abort = new AbortController();

  constructor(url: string, headers: Record<string, string>) {
    void this.#run(url, headers);
  }

  addEventListener(type: string, listener: (event: MessageEvent) => void): void {
    this.#events.addEventListener(type, (event) => listener(event as MessageEvent));
  }

  close(): void {
    this.readyState = EventSource.CLOSED;
    this.#abort.abort();
  }

  async #run(url: string, headers: Record<string, string>): Promise<void> {
    let refused = false;
    try {
      const answer = await fetch(url, {
        headers: { accept: 'text/event-stream', ...headers }, credentials: 'omit', cache: 'no-store', signal: this.#abort.signal,
      });
      refused = !answer.ok;
      if (answer.ok && answer.body !== null) await this.#read(answer.body);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      console.info('direct stream', error);
    }
    if (this.#abort.signal.aborted) return;
    this.readyState = refused ? EventSource.CLOSED : EventSource.CONNECTING;
    this.#events.dispatchEvent(new Event('error'));
  }

  async #read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    this.readyState = EventSource.OPEN;
    this.#events.dispatchEvent(new Event('open'));
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (text + value.replaceAll('\r\n', '\n')).split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) this.#tell(frame);
    }
  }

  #tell(frame: string): void {
    const fields: Record<string, string> = {};
    for (const line of frame.split('\n')) {
      const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      fields[name] = name === 'data' && fields['data'] !== undefined ? `${fields['data']}\n${value}` : value;
    }
    if (fields['data'] === undefined) return;
    const init = { data: fields['data'], lastEventId: fields['id'] ?? '' };
    this.#events.dispatchEvent(new MessageEvent(fields['event'] ?? 'message', init));
  }
}
