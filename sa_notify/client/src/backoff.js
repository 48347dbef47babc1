/* How long to wait before trying again. */

/** Doubling delays from `first` to `most` milliseconds, each spread over its upper half so that clients don't march in step. */
export class Backoff {
  constructor(first, most) {
    this.first = first;
    this.most = most;
    this.tries = 0;
  }

  next() {
    const delay = Math.min(this.most, this.first * 2 ** this.tries);
    this.tries += 1;
    return delay * (0.5 + Math.random() / 2);
  }

  reset() {
    this.tries = 0;
  }
}
