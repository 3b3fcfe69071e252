/** A page with nothing but players, for tests and measurements: `?camera=a&camera=b&quality=sub`. */
import { Player, type PlayerState, type Quality } from '../../../web/src/video/player.ts';

const codeBits = 44;

interface Tile {
  player: Player;
  video: HTMLVideoElement;
  image: HTMLImageElement;
  states: PlayerState[];
  /** Milliseconds from the picture's time code to its display, one for each displayed frame. */
  glass: number[];
  frames: number;
}

/** The time code of a picture (see simulation/picture.py), in milliseconds modulo 2^40; null when damaged. */
function readCode(video: HTMLVideoElement, canvas: HTMLCanvasElement): number | null {
  const cell = Math.max(2, Math.floor(video.videoWidth / 80 / 2) * 2);
  canvas.width = cell * codeBits;
  canvas.height = cell;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(video, 0, video.videoHeight - cell, canvas.width, cell, 0, 0, canvas.width, cell);
  const pixels = context.getImageData(0, Math.floor(cell / 2), canvas.width, 1).data;
  const bits: number[] = [];
  for (let place = 0; place < codeBits; place += 1) bits.push((pixels[4 * (place * cell + cell / 2)] ?? 0) > 125 ? 1 : 0);
  let stamp = 0;
  let sum = 0;
  for (let digit = 0; digit < 10; digit += 1) {
    const value = bits.slice(4 * digit, 4 * digit + 4).reduce((whole, bit) => whole * 2 + bit, 0);
    stamp = stamp * 16 + value;
    sum += value;
  }
  const check = bits.slice(40).reduce((whole, bit) => whole * 2 + bit, 0);
  return check === (sum & 15) ? stamp : null;
}

function watchGlass(tile: Tile): void {
  const canvas = document.createElement('canvas');
  const onFrame = (_now: number, frame: VideoFrameCallbackMetadata): void => {
    tile.frames += 1;
    const code = readCode(tile.video, canvas);
    if (code !== null) {
      const shown = (performance.timeOrigin + frame.expectedDisplayTime) % 2 ** 40;
      tile.glass.push(shown - code);
    }
    tile.video.requestVideoFrameCallback(onFrame);
  };
  tile.video.requestVideoFrameCallback(onFrame);
}

function open(camera: string, quality: Quality): Tile {
  const box = document.createElement('div');
  box.className = 'tile';
  const video = document.createElement('video');
  const image = document.createElement('img');
  image.alt = '';
  image.hidden = true;
  box.append(video, image);
  document.body.append(box);
  const states: PlayerState[] = [];
  const player = new Player(`/api/incidents/test/cameras/${camera}`, { video, image }, quality, (state) => states.push(state));
  const tile: Tile = { player, video, image, states, glass: [], frames: 0 };
  watchGlass(tile);
  return tile;
}

function close(): void {
  for (const tile of tiles.splice(0)) tile.player.close();
  document.body.replaceChildren();
}

const tiles: Tile[] = [];
const asked = new URLSearchParams(location.search);
const openAll = (cameras: string[], quality: Quality): void => {
  for (const camera of cameras) tiles.push(open(camera, quality));
};
Object.assign(window, { tiles, openAll, closeAll: close });
openAll(asked.getAll('camera'), (asked.get('quality') ?? 'sub') as Quality);
