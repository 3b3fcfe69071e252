import { createSubscriber } from 'svelte/reactivity';
import { serverNow } from './time.ts';

/**
 * A clock for templates: reading `now()` in a component makes it redraw every second, and one timer serves the
 * whole page for as long as somebody reads it.
 */
const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

/** Milliseconds on the server's clock; redraws its reader each second. */
export function now(): number {
  subscribe();
  return serverNow();
}
