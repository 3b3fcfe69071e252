/** Every event of an incident as one sentence. */
import { has, t, tValue } from '../kit/i18n.ts';
import type { IncidentView, TimelineEvent } from '../kit/types.ts';
import { particle } from './words.ts';

export interface Sentence {
  text: string;
  /** Free text a person wrote, shown beneath. */
  quote: string;
  /** Who did it, when the sentence does not say so. */
  by: string;
  weight: 'strong' | 'plain' | 'faint';
}

const strong = new Set([
  'alerted', 'duress', 'pressed_again', 'accepted', 'dispatch_requested', 'dispatch_updated', 'closing_proposed', 'closed', 'cancelled',
]);
const faint = new Set(['armed', 'routed', 'delivered', 'seen']);
const bylines = new Set(['note', 'dispatch_requested', 'closed', 'closing_proposed', 'closing_rejected']);
/** Which member of the event tells its finer kind, for kinds that have words for it. */
const variants: Record<string, string> = {
  armed: 'trigger', alerted: 'reason', routed: 'method', ownership_assigned: 'reason', rung: 'step', dispatch_updated: 'status',
};

function text(data: Record<string, unknown>, name: string): string {
  const value = data[name];
  return typeof value === 'string' ? value : '';
}

/** The sentence of one event; a kind this page does not know is shown by its name, never hidden. */
export function sentence(event: TimelineEvent, view: IncidentView): Sentence {
  const { type, data } = event;
  const code = text(data, 'code') || event.node;
  const center = text(data, 'name') || view.parties.find((party) => party.code === code)?.name || (view.owner?.code === code ? view.owner.name : code);
  const request = view.requests.find((item) => item.id === text(data, 'request'));
  const agency = text(data, 'agency') || request?.agency || '';
  const disposition = tValue('staff.disposition', text(data, 'disposition'));
  const params = {
    actor: event.actor.name,
    center,
    ro: particle(center, 'ro'),
    i: particle(center, 'i'),
    agency: tValue('staff.agency', agency),
    disposition,
    disposition_ro: particle(disposition, 'ro'),
    second: text(data, 'second'),
  };
  const base = `staff.event.${type}`;
  const finer = `${base}.${text(data, variants[type] ?? '')}`;
  const key = has(finer) ? finer : base;
  const quote = type === 'note' ? text(data, 'text') : text(data, 'note') || (variants[type] === 'reason' ? '' : text(data, 'reason'));
  return {
    text: has(key) ? t(key, params) : t('staff.event.unknown', { type }),
    quote,
    by: bylines.has(type) ? event.actor.name : '',
    weight: strong.has(type) ? 'strong' : faint.has(type) ? 'faint' : 'plain',
  };
}
