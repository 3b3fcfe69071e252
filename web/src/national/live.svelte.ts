/** The page's live picture, and the truth about its line. */
import { follow, type Connection, type Stream } from '../kit/stream.ts';
import { apply, applyStatus, fromSnapshot, nothingKnown, type Change, type Picture } from './picture.ts';

export class LivePicture {
  picture: Picture = $state.raw(nothingKnown);
  connection: Connection = $state.raw({ state: 'connecting', since: null });
  #stream: Stream | null = null;

  start(unauthorized: () => void): () => void {
    this.#stream = follow<Picture, Change>(
      '/api/national/stream',
      { empty: nothingKnown, fromSnapshot, apply, applyStatus },
      {
        state: (picture) => (this.picture = picture),
        connection: (connection) => (this.connection = connection),
        unauthorized,
      },
    );
    return () => this.#stream?.close();
  }

  retry(): void {
    this.#stream?.retry();
  }
}
