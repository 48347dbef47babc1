/* Whether the server says, at this time, that what it sent is up to date. */

/** The server beats every 2 s; after this long without one, nothing is proven. */
export const SILENCE_MS = 5000;

export class Heartbeat {
  #timer = null;
  #told = true;
  #silent = false;

  constructor(changed) {
    this.changed = changed;
  }

  get live() {
    return this.#told && !this.#silent;
  }

  /** From now on beats should come. */
  expect() {
    this.#silent = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#silent = true;
      this.changed();
    }, SILENCE_MS);
  }

  beat({ live }) {
    this.#told = live;
    this.expect();
    this.changed();
  }

  /** No beats are due, and what the last one said is of the past: there is no connection. */
  stop() {
    clearTimeout(this.#timer);
    this.#told = true;
    this.#silent = false;
  }
}
