/* When to fetch the page: at once, then with pauses, one at a time. */

import { Backoff } from "../backoff.js";

const PAUSE_MS = 250;
/** Many pages hear of a change at the same moment: they ask spread over this. */
const JITTER_MS = 40;
/** A page that disagrees with its window after so many fetches does so for a reason of its own. */
const MOST_IN_VAIN = 6;

export class Refresher {
  #timer = null;
  #running = false;
  #ended = -Infinity;
  #inVain = 0;
  #backoff = new Backoff(1000, 30000);

  /**
   * `refresh()` fetches and shows the page; it rejects when that has to be tried again.
   * `wanted()` says whether there is something to fetch for.
   * `troubled(boolean)` hears whether the page can't be made right at this time.
   */
  constructor({ refresh, wanted, troubled }) {
    Object.assign(this, { refresh, wanted, troubled });
  }

  /** Something new is to be shown: earlier fetches were not in vain. */
  renewed() {
    if (this.#inVain >= MOST_IN_VAIN) this.troubled(false);
    this.#inVain = 0;
  }

  request() {
    if (this.#running || this.#timer !== null || this.#inVain >= MOST_IN_VAIN) return;
    const due = this.#ended + PAUSE_MS * 2 ** Math.max(0, this.#inVain - 1);
    this.#wait(Math.max(0, due - performance.now()) + Math.random() * JITTER_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.request = () => {};
  }

  #wait(delay) {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.wanted()) this.#run();
    }, delay);
  }

  async #run() {
    this.#running = true;
    try {
      await this.refresh();
      this.#backoff.reset();
    } catch (error) {
      console.warn("saNotify: the page could not be fetched", error);
      this.#failed();
      return;
    }
    this.#running = false;
    this.#ended = performance.now();
    this.#inVain += 1;
    const wanted = this.wanted();
    this.troubled(wanted && this.#inVain >= MOST_IN_VAIN);
    if (wanted) this.request();
  }

  #failed() {
    this.#running = false;
    this.troubled(true);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#run();
    }, this.#backoff.next());
  }
}
