/**
 * The message catalogue. Korean comes first; a key that is missing in the chosen language falls back to Korean, and a
 * key that is in no catalogue shows itself, which the catalogue test never lets happen.
 *
 * Catalogues are flat JSON files `locales/<namespace>.<language>.json` whose keys start with the namespace. A page
 * registers the namespaces it uses: `addMessages({ko, en})`. Plain values may hold `{name}` placeholders; a key used
 * with a `count` may have a `.one` form next to it.
 */
import { createSubscriber } from 'svelte/reactivity';
import kitEn from './locales/kit.en.json' with { type: 'json' };
import kitKo from './locales/kit.ko.json' with { type: 'json' };
import { recall, remember } from './storage.ts';

export type Language = 'ko' | 'en';
export type Params = Record<string, string | number>;
type Messages = Record<string, string>;

const storageKey = 'ansim.language';
const catalogue: Record<Language, Messages> = { ko: { ...kitKo }, en: { ...kitEn } };
let current: Language = initialLanguage();
let redraw: () => void = () => {};
const subscribe = createSubscriber((update) => {
  redraw = update;
  return () => {
    redraw = () => {};
  };
});

function initialLanguage(): Language {
  const stored = recall(storageKey);
  if (stored === 'ko' || stored === 'en') return stored;
  const preferred = typeof navigator === 'undefined' ? 'ko' : (navigator.language ?? 'ko');
  return preferred.toLowerCase().startsWith('en') ? 'en' : 'ko';
}

/** Add one namespace's messages in both languages. */
export function addMessages(messages: Record<Language, Messages>): void {
  Object.assign(catalogue.ko, messages.ko);
  Object.assign(catalogue.en, messages.en);
}

/** The language in use; its readers redraw when it changes. */
export function language(): Language {
  subscribe();
  return current;
}

/** Choose the language, remember it on this device and tell assistive technology. */
export function setLanguage(next: Language): void {
  current = next;
  remember(storageKey, next);
  document.documentElement.lang = next;
  redraw();
}

/** Apply the chosen language to the document; each page calls it once at its start. */
export function startLanguage(): void {
  document.documentElement.lang = current;
}

/** Whether a key exists, for texts that depend on a value the server sends. */
export function has(key: string): boolean {
  return key in catalogue.ko;
}

/** The text of a key in the current language. */
export function t(key: string, params: Params = {}): string {
  const lang = language();
  const exact = params['count'] === 1 ? `${key}.one` : key;
  const text = catalogue[lang][exact] ?? catalogue[lang][key] ?? catalogue.ko[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : String(value);
  });
}

/** The text of `prefix.value` for a value that the server sends, else of `fallback`, else the value itself. */
export function tValue(prefix: string, value: string, fallback?: string): string {
  const key = `${prefix}.${value}`;
  if (has(key)) return t(key);
  return fallback === undefined ? value : t(fallback);
}
