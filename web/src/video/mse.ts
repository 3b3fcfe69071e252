/**
 * A `<video>` fed by Media Source Extensions: appends fragments, stays at the live edge, keeps little behind.
 * Knows nothing of sockets.
 */

/** What lies behind the picture shown is removed after this many seconds. */
const keepBehind = 8;
/** How far behind the newest fragment the picture should be: enough for one late packet. */
const cushion = 0.08;
/** From here on the picture is sped up … */
const hurryFrom = 0.25;
/** … and from here on it jumps. */
const jumpFrom = 0.9;
const mostWaiting = 24_000_000;

export class LiveSource {
  private readonly video: HTMLVideoElement;
  private readonly fail: (reason: string) => void;
  private readonly media = new MediaSource();
  private readonly url: string;
  private buffer: SourceBuffer | null = null;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private closed = false;

  static plays(mime: string): boolean {
    return typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(mime);
  }

  constructor(video: HTMLVideoElement, mime: string, fail: (reason: string) => void) {
    this.video = video;
    this.fail = fail;
    this.url = URL.createObjectURL(this.media);
    this.media.addEventListener('sourceopen', () => this.opened(mime), { once: true });
    video.addEventListener('error', this.failed);
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    video.src = this.url;
  }

  append(data: Uint8Array): void {
    if (this.closed) return;
    this.waiting.push(data);
    this.waitingBytes += data.byteLength;
    if (this.waitingBytes > mostWaiting) this.fail('overflow');
    else this.next();
  }

  /** Media time at the end of what can be played; null before there is something. */
  get edge(): number | null {
    const ranges = this.buffer?.buffered;
    return ranges && ranges.length > 0 ? ranges.end(ranges.length - 1) : null;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiting = [];
    this.video.removeEventListener('error', this.failed);
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  private readonly failed = (): void => {
    if (!this.closed) this.fail(this.video.error?.message || 'media error');
  };

  private opened(mime: string): void {
    if (this.closed) return;
    this.buffer = this.media.addSourceBuffer(mime);
    this.buffer.mode = 'segments';
    this.buffer.addEventListener('updateend', () => this.updated());
    this.next();
  }

  private updated(): void {
    if (this.closed) return;
    this.chase();
    this.next();
  }

  private next(): void {
    const buffer = this.buffer;
    if (this.closed || !buffer || buffer.updating || this.media.readyState !== 'open') return;
    try {
      if (this.waiting.length > 0) {
        const data = joined(this.waiting);
        this.waiting = [];
        this.waitingBytes = 0;
        buffer.appendBuffer(data);
      } else if (buffer.buffered.length > 0 && this.video.currentTime - buffer.buffered.start(0) > 2 * keepBehind) {
        buffer.remove(0, this.video.currentTime - keepBehind);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error.name : 'append failed');
    }
  }

  /** Stay near the newest picture; over a gap (a viewer that was too slow) only a jump leads. */
  private chase(): void {
    const ranges = this.buffer?.buffered;
    if (!ranges || ranges.length === 0) return;
    const start = ranges.start(ranges.length - 1);
    const edge = ranges.end(ranges.length - 1);
    const behind = edge - this.video.currentTime;
    if (this.video.currentTime < start || behind > jumpFrom || behind < -0.5) {
      this.video.currentTime = Math.max(start, edge - cushion);
    }
    this.video.playbackRate = behind > hurryFrom ? 1.15 : 1;
    if (this.video.paused) void this.video.play().catch(() => undefined);
  }
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
