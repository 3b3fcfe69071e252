/** Marks of an incident in words, the weightiest first. */
import { has, t } from '../kit/i18n.ts';
import type { IncidentView } from '../kit/types.ts';

/** Marks that say how the alarm came are told elsewhere or need no words. */
const silent = new Set(['window_skipped']);
const order = ['agency_direct', 'rerouted', 'no_position', 'garbled_position', 'outside_boundaries', 'unknown_person', 'expired_login', 'unknown_device'];

export interface Mark {
  id: string;
  text: string;
}

export function marksOf(view: IncidentView): Mark[] {
  const weight = (mark: string): number => {
    const at = order.indexOf(mark);
    return at < 0 ? order.length : at;
  };
  return view.marks
    .filter((mark) => !silent.has(mark))
    .sort((a, b) => weight(a) - weight(b))
    .map((mark) => ({ id: mark, text: has(`staff.mark.${mark}`) ? t(`staff.mark.${mark}`) : mark }));
}

/** What to call the person. */
export function personName(view: IncidentView): string {
  return view.person?.name || t('staff.person.unknown');
}
