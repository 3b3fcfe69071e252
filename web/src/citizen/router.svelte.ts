/**
 * Which screen is shown. A sub-screen is one entry in the browser's history, so Back leaves it as people expect; the
 * home screen and an open incident add nothing.
 */

export type Screen = 'home' | 'register' | 'settings' | 'shake' | 'guardians' | 'pin' | 'profile' | 'looks';

interface Entry {
  screen: Screen;
  step: number;
  depth: number;
}

const start: Entry = { screen: 'home', step: 0, depth: 0 };

class Router {
  #entry = $state.raw<Entry>(start);
  /** A step back is under way; the browser answers later, and a second one would leave the page. */
  #leaving = false;

  constructor() {
    // What a sub-screen held is gone after a reload, so a fresh page always begins at home.
    history.replaceState(start, '');
    window.addEventListener('popstate', (event) => {
      this.#leaving = false;
      const entry = event.state as Entry | null;
      this.#entry = entry?.screen === undefined ? start : entry;
    });
  }

  get screen(): Screen {
    return this.#entry.screen;
  }

  get step(): number {
    return this.#entry.step;
  }

  go(screen: Screen, step = 0): void {
    this.#entry = { screen, step, depth: this.#entry.depth + 1 };
    history.pushState(this.#entry, '');
  }

  back(): void {
    this.#leave(1);
  }

  home(): void {
    this.#leave(this.#entry.depth);
  }

  #leave(steps: number): void {
    if (this.#leaving || this.#entry.depth === 0) return;
    this.#leaving = true;
    history.go(-steps);
  }
}

export const router = new Router();
