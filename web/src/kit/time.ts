/**
 * Time on a page: the server's clock, ages, and wall-clock text in Korea's time zone.
 *
 * A phone's clock may be minutes off; countdowns and ages are therefore counted on the server's clock, whose
 * offset from ours is learnt from every frame and answer that carries a time.
 */

let offset = 0;

/** Learn the server's clock from an ISO time it has just sent. */
export function learnClock(now: string): void {
  const server = Date.parse(now);
  if (Number.isFinite(server)) offset = server - Date.now();
}

/** Learn from an HTTP Date header, which has whole seconds only: used when nothing finer disagrees by less than 2 s. */
export function learnClockCoarsely(date: string | null): void {
  if (date === null) return;
  const server = Date.parse(date);
  if (!Number.isFinite(server)) return;
  const coarse = server + 500 - Date.now();
  if (Math.abs(coarse - offset) > 2000) offset = coarse;
}

/** Milliseconds since the epoch on the server's clock, as well as we know it. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** How far our clock is from the server's, in milliseconds (positive: ours is slow). */
export function clockOffset(): number {
  return offset;
}

/** Age of an ISO time in whole seconds, never negative. */
export function ageSeconds(at: string, now: number = serverNow()): number {
  const then = Date.parse(at);
  if (!Number.isFinite(then)) return 0;
  return Math.max(0, Math.floor((now - then) / 1000));
}

export type AgeUnit = 'second' | 'minute' | 'hour' | 'day';

/** Split an age into the one unit a person would say. */
export function ageParts(seconds: number): { value: number; unit: AgeUnit } {
  if (seconds < 60) return { value: seconds, unit: 'second' };
  if (seconds < 3600) return { value: Math.floor(seconds / 60), unit: 'minute' };
  if (seconds < 86400) return { value: Math.floor(seconds / 3600), unit: 'hour' };
  return { value: Math.floor(seconds / 86400), unit: 'day' };
}

const zone = 'Asia/Seoul';
const clockFormat = new Intl.DateTimeFormat('en-GB', {
  timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});

/** `HH:MM:SS` in Korea, or an empty text for an unreadable time. */
export function clock(at: string | number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : clockFormat.format(date);
}

/** Date and time to the minute in Korea, in the reader's language. */
export function dateTime(at: string, language: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return new Intl.DateTimeFormat(language === 'ko' ? 'ko-KR' : 'en-GB', {
    timeZone: zone, year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }).format(date);
}
