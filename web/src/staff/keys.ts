/**
 * Keyboard commands of a staff page.
 *
 * Keys are told by their place (`KeyboardEvent.code`), so they work the same while the keyboard is set to Hangul.
 * Single keys can be switched off (WCAG 2.1.4); they never act inside a text field, in a dialog, or with a modifier.
 */

/** Commands by key code, e.g. `{KeyA: accept}`. */
export type Commands = Record<string, () => void>;

const storageKey = 'ansim.single-keys';

export function singleKeys(): boolean {
  return localStorage.getItem(storageKey) !== 'off';
}

export function setSingleKeys(on: boolean): void {
  localStorage.setItem(storageKey, on ? 'on' : 'off');
}

function writes(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type);
}

/** Whether the focused thing uses the arrow keys itself: the map, a scrolling list, radio buttons. */
function usesArrows(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[data-arrows], .maplibregl-canvas, input[type=radio]') !== null;
}

/** The key's name as the tables of commands use it. */
function nameOf(event: KeyboardEvent): string {
  // These two are told by what they write: they lie elsewhere on other keyboards.
  if (event.key === '?') return 'Shift+Slash';
  if (event.key === '/') return 'Slash';
  return event.shiftKey ? `Shift+${event.code}` : event.code;
}

/** Run the command of a key press; answers whether one ran. */
export function press(event: KeyboardEvent, commands: Commands): boolean {
  if (event.defaultPrevented || event.isComposing || event.repeat && !/^(Arrow|Key[JK])/.test(event.code)) return false;
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  if (document.querySelector('dialog[open]') !== null) return false;
  const name = nameOf(event);
  const command = commands[name];
  if (command === undefined) return false;
  if (event.code !== 'Escape') {
    if (writes(event.target)) return false;
    if (event.code.startsWith('Arrow') ? usesArrows(event.target) : !singleKeys() && name !== 'Shift+Slash') return false;
  }
  event.preventDefault();
  command();
  return true;
}
