/**
 * One camera on the screen: the newest still at once, live pictures over it as soon as they come, and always the truth
 * about how old the picture is and what is wrong.
 */
import { backoff } from '../kit/backoff.ts';
import { LiveSource } from './mse.ts';

export type Quality = 'sub' | 'main';

/** What a tile can say. `refused` and `ended` are final; every other one mends itself. */
export type Phase =
  | 'opening'
  | 'still'
  | 'live'
  | 'connecting'
  | 'stalled'
  | 'wrong_password'
  | 'unreachable'
  | 'not_found'
  | 'unsupported'
  | 'failed'
  | 'codec'
  | 'offline'
  | 'refused'
  | 'ended';

export interface PlayerState {
  phase: Phase;
  /** Seconds since the picture on the screen was taken; null without one. */
  age: number | null;
  /** Milliseconds from opening to the first picture of each kind. */
  stillAfter: number | null;
  liveAfter: number | null;
  codec: string;
  width: number;
  height: number;
  quality: Quality;
  /** Why a permission was refused or ended, as the node says it. */
  reason: string;
}

export interface Surface {
  video: HTMLVideoElement;
  /** Lies over the video; hidden as soon as that shows something. Also shows cameras that send single pictures. */
  image: HTMLImageElement;
}

interface Told {
  type: 'state' | 'init' | 'time' | 'ended' | 'refused';
  state?: Phase;
  kind?: 'mp4' | 'jpeg';
  mime?: string;
  codec?: string;
  width?: number;
  height?: number;
  media_s?: number;
  age_s?: number;
  reason?: string;
  problem?: { title?: string; detail?: string };
}

const silence = 12_000;

export class Player {
  private readonly path: string;
  private readonly surface: Surface;
  private readonly changed: (state: PlayerState) => void;
  private readonly opened = performance.now();
  private quality: Quality;
  private socket: WebSocket | null = null;
  private source: LiveSource | null = null;
  private kind: 'mp4' | 'jpeg' | null = null;
  private attempt = 0;
  private closed = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the shown picture was taken, on performance.now()'s clock. */
  private takenAt: number | null = null;
  private newest: { media: number; takenAt: number } | null = null;
  private imageUrl = '';
  private frames = 0;
  private state: PlayerState;

  /** `path` is `/api/incidents/{incident}/cameras/{camera}`. */
  constructor(path: string, surface: Surface, quality: Quality, changed: (state: PlayerState) => void) {
    this.path = path;
    this.surface = surface;
    this.quality = quality;
    this.changed = changed;
    this.state = {
      phase: 'opening', age: null, stillAfter: null, liveAfter: null, codec: '', width: 0, height: 0, quality, reason: '',
    };
    void this.showStill();
    this.connect();
  }

  /** How old the picture on the screen is now, in seconds. */
  age(): number | null {
    return this.takenAt === null ? null : Math.max(0, (performance.now() - this.takenAt) / 1000);
  }

  /** Change to the other stream; the picture shown stays until the new one comes. */
  setQuality(quality: Quality): void {
    if (quality === this.quality || this.closed) return;
    this.quality = quality;
    this.freezeFrame();
    this.reconnect(0);
  }

  /** The picture on the screen as a canvas, to freeze or to mark; null without one. */
  snapshot(): HTMLCanvasElement | null {
    const { video, image } = this.surface;
    const shown = image.hidden ? video : image;
    const width = shown instanceof HTMLVideoElement ? shown.videoWidth : shown.naturalWidth;
    const height = shown instanceof HTMLVideoElement ? shown.videoHeight : shown.naturalHeight;
    if (width === 0 || height === 0) return null;
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d')?.drawImage(shown, 0, 0);
    return canvas;
  }

  close(): void {
    this.closed = true;
    this.disconnect();
    clearTimeout(this.retryTimer);
    this.showImage('');
    this.surface.image.hidden = true;
  }

  private say(change: Partial<PlayerState>): void {
    this.state = { ...this.state, ...change, age: this.age(), quality: this.quality };
    this.changed(this.state);
  }

  private async showStill(): Promise<void> {
    let answer: Response;
    try {
      answer = await fetch(`${this.path}/still`, { credentials: 'same-origin', cache: 'no-store' });
      if (!answer.ok) return; // the socket says what is wrong
      const taken = performance.now() - 1000 * Number(answer.headers.get('age') ?? '0');
      const picture = await answer.blob();
      if (this.closed || this.frames > 0) return;
      this.showImage(URL.createObjectURL(picture));
      await this.surface.image.decode();
      if (this.closed || this.frames > 0) return;
      this.takenAt = taken;
      const after = performance.now() - this.opened;
      this.say({ stillAfter: after, phase: this.state.phase === 'opening' || this.state.phase === 'connecting' ? 'still' : this.state.phase });
    } catch (error) {
      if (error instanceof TypeError || error instanceof DOMException) return; // no network, or replaced while decoding
      throw error;
    }
  }

  private connect(): void {
    if (this.closed) return;
    const url = new URL(`${this.path}/live?quality=${this.quality}`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.socket) return;
      this.heard();
      if (typeof event.data === 'string') this.told(JSON.parse(event.data) as Told);
      else this.fragment(new Uint8Array(event.data));
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lost();
    };
    this.socket = socket;
    this.heard();
  }

  private disconnect(): void {
    clearTimeout(this.silenceTimer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.source?.close();
    this.source = null;
    this.kind = null;
  }

  private heard(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.lost(), silence);
  }

  private lost(): void {
    this.freezeFrame();
    this.say({ phase: this.state.phase === 'live' || this.state.phase === 'still' ? 'offline' : this.state.phase });
    this.reconnect(backoff(this.attempt, 300, 8000));
    this.attempt += 1;
  }

  private reconnect(wait: number): void {
    this.disconnect();
    clearTimeout(this.retryTimer);
    if (!this.closed) this.retryTimer = setTimeout(() => this.connect(), wait);
  }

  private told(message: Told): void {
    switch (message.type) {
      case 'state':
        this.cameraState(message.state ?? 'failed');
        break;
      case 'init':
        this.begin(message);
        break;
      case 'time':
        this.newest = { media: message.media_s ?? 0, takenAt: performance.now() - 1000 * (message.age_s ?? 0) };
        if (this.kind === 'jpeg') this.takenAt = this.newest.takenAt;
        this.say({});
        break;
      case 'ended':
      case 'refused':
        this.finish(message);
        break;
    }
  }

  private finish(message: Told): void {
    const reason = message.reason ?? message.problem?.detail ?? message.problem?.title ?? '';
    this.close(); // no picture stays on the screen without a permission
    this.takenAt = null;
    this.say({ phase: message.type === 'ended' ? 'ended' : 'refused', reason });
  }

  private cameraState(phase: Phase): void {
    if (phase === 'live') return; // it is, when the first picture is on the screen
    if (phase === 'connecting' && (this.state.phase === 'still' || this.takenAt !== null)) {
      if (this.state.phase === 'live') this.freezeFrame();
      this.say({ phase: this.state.phase === 'live' ? 'connecting' : this.state.phase });
      return;
    }
    if (this.state.phase === 'live') this.freezeFrame();
    this.say({ phase });
  }

  private begin(init: Told): void {
    this.freezeFrame();
    this.source?.close();
    this.source = null;
    this.kind = init.kind ?? 'mp4';
    this.say({ codec: init.codec ?? '', width: init.width ?? 0, height: init.height ?? 0 });
    if (this.kind === 'jpeg') return;
    const mime = init.mime ?? '';
    if (!LiveSource.plays(mime)) {
      this.cannotPlay();
      return;
    }
    this.source = new LiveSource(this.surface.video, mime, () => this.lost());
    this.waitForFrame(this.source);
  }

  /** This browser has no decoder: the small stream may have another codec, else say so and keep to stills. */
  private cannotPlay(): void {
    if (this.quality === 'main') {
      this.quality = 'sub';
      this.reconnect(0);
      return;
    }
    this.closed = true;
    this.disconnect();
    this.say({ phase: 'codec' });
  }

  private fragment(data: Uint8Array<ArrayBuffer>): void {
    if (this.kind === 'jpeg') {
      this.showImage(URL.createObjectURL(new Blob([data], { type: 'image/jpeg' })));
      this.takenAt = performance.now();
      this.firstPicture();
    } else {
      this.source?.append(data);
    }
  }

  private waitForFrame(source: LiveSource): void {
    const onFrame = (_now: number, frame: VideoFrameCallbackMetadata): void => {
      if (source !== this.source) return;
      if (this.newest) this.takenAt = this.newest.takenAt + 1000 * (frame.mediaTime - this.newest.media);
      else this.takenAt = performance.now();
      this.surface.image.hidden = true;
      this.firstPicture();
      this.surface.video.requestVideoFrameCallback(onFrame);
    };
    this.surface.video.requestVideoFrameCallback(onFrame);
  }

  private firstPicture(): void {
    this.frames += 1;
    this.attempt = 0;
    if (this.state.phase === 'live') return;
    this.say({ phase: 'live', reason: '', liveAfter: this.state.liveAfter ?? performance.now() - this.opened });
  }

  /** Keep the last picture on the screen while the video element begins anew. */
  private freezeFrame(): void {
    if (this.surface.image.hidden === false || this.frames === 0) return;
    const canvas = this.snapshot();
    if (canvas) this.showImage(canvas.toDataURL('image/jpeg', 0.8));
  }

  private showImage(url: string): void {
    const before = this.imageUrl;
    this.imageUrl = url;
    if (url) this.surface.image.src = url;
    else this.surface.image.removeAttribute('src');
    this.surface.image.hidden = url === '';
    if (before.startsWith('blob:')) URL.revokeObjectURL(before);
  }
}
