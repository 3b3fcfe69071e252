/** One line of the ladder log as a sentence. */
import { has, t, tValue } from '../kit/i18n.ts';
import { particle } from '../staff/words.ts';
import type { Entry } from './picture.ts';

const finerBy: Record<string, string> = { rung: 'step', ownership_assigned: 'reason', state: 'state' };
const strong = new Set(['agency_direct', 'exhausted', 'down', 'no_ack', 'handover_failed']);

export function sentence(entry: Entry, nameOf: (code: string) => string): string {
  const center = entry.data['name'] ?? nameOf(entry.data['code'] ?? '');
  const finer = entry.data[finerBy[entry.kind] ?? ''] ?? '';
  const key = `national.log.${entry.kind}.${finer}`;
  return t(has(key) ? key : `national.log.${entry.kind}`, {
    center, ro: particle(center, 'ro'), i: particle(center, 'i'), agency: tValue('staff.agency', entry.data['agency'] ?? ''),
  });
}

/** Why, in a few words; empty when the sentence says it all. */
export function because(entry: Entry): string {
  const said = entry.data['because'] ?? '';
  const why = said === '' || entry.data['step'] === 'no_answer' ? '' : t(`national.because.${said}`);
  const rule = entry.data['rule'] ?? '';
  return [why, rule === '' ? '' : t('national.log.rule', { rule })].filter((part) => part !== '').join(' · ');
}

export function isGrave(entry: Entry): boolean {
  return strong.has(entry.data[finerBy[entry.kind] ?? ''] ?? '');
}
