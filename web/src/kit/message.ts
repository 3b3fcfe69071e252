import { has, t } from './i18n.ts';
import { Problem } from './problem.ts';

/** What to tell a person about an error: our words when we have them, else the server's sentence. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Problem)) throw error;
  const key = `kit.problem.${error.slug}`;
  if (has(key)) return t(key);
  return error.detail || error.title || t('kit.problem.unknown');
}
