/** A staff page's live picture: the stream's folded state, and the truth about the line. */
import { empty, open, type Connection, type Incident, type State, type Stream } from '../kit/stream.ts';

/** Positions may wait this long for each other (ms); everything else is shown at once. */
const gather = 100;

export class Live {
  state: State = $state.raw(empty);
  connection: Connection = $state.raw({ state: 'connecting', since: null });
  #stream: Stream | null = null;
  #latest: State = empty;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Open the stream; `unauthorized` is called when the session has ended. */
  start(url: string, unauthorized: () => void): void {
    this.stop();
    this.#stream = open(url, {
      state: (state, change) => {
        this.#latest = state;
        if (change?.kind === 'positions') this.#timer ??= setTimeout(() => this.#show(), gather);
        else this.#show();
      },
      connection: (connection) => (this.connection = connection),
      unauthorized,
    });
  }

  stop(): void {
    this.#stream?.close();
    this.#stream = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = empty;
    this.state = empty;
    this.connection = { state: 'connecting', since: null };
  }

  retry(): void {
    this.#stream?.retry();
  }

  incident(id: string | null): Incident | null {
    return id === null ? null : (this.state.incidents[id] ?? null);
  }

  get connected(): boolean {
    return this.connection.state === 'connected';
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.state = this.#latest;
  }
}
