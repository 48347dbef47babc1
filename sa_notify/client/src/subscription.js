/* One subscription: what it holds, and what it asks for when that can't be right. */

import { Backoff } from "./backoff.js";
import { HeldWindow } from "./held.js";

const RENEWABLE = new Set(["expired_token", "bad_token"]);
/** Worth asking again by itself once the subscription has worked: a database that restarts fails queries for a while. */
const PASSING = new Set(["query_failed"]);

export class Subscription {
  #held = null;
  #awaiting = true; // a snapshot, without which nothing is proven
  #resyncing = false;
  #acknowledged = false;
  #asking = false;
  #renewed = false;
  #backoff = new Backoff(1000, 30000);
  #timer = null;

  /** `what` is `{query, params}` or `{token}`; `realtime` is who owns the connection and is told of changes. */
  constructor(realtime, id, what, callback, options) {
    Object.assign(this, { realtime, id, what, callback, options });
    this.key = null;
    this.error = null;
    this.ended = false;
    this.gone = false;
  }

  /** Whether the server knows this subscription. */
  get acknowledged() {
    return this.#acknowledged;
  }

  /** Whether the answer is still to come. */
  get asking() {
    return this.#asking;
  }

  /** Whether the rows held were the right ones when they came, and every diff since fitted. */
  get proven() {
    return !this.#awaiting && !this.ended;
  }

  /** Subscribe, on a connection that does not know this subscription. */
  ask() {
    clearTimeout(this.#timer);
    this.key = null;
    this.#awaiting = true;
    this.#resyncing = this.#acknowledged = false;
    this.#asking = true;
    this.realtime.ask("subscribe", { id: this.id, ...this.what }, (answer) => this.#answered(answer));
  }

  /** The connection is gone, and with it what the server knew. */
  disconnected() {
    clearTimeout(this.#timer);
    this.#acknowledged = this.#asking = false;
    this.#awaiting = true;
  }

  /** Handlers may overtake each other on the server, so `unsubscribe` waits for the answer to `subscribe`. */
  unsubscribe() {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.#timer);
    if (this.#acknowledged && !this.#asking) this.realtime.ask("unsubscribe", { id: this.id });
  }

  snapshot(data) {
    const second = this.#resyncing;
    this.key = data.key;
    this.error = null;
    this.#held = new HeldWindow(data);
    this.#awaiting = this.#resyncing = this.#renewed = false;
    this.#backoff.reset();
    if (!this.#held.matches(data.check)) this.#distrust(second);
    this.#call(null);
  }

  diff(data) {
    if (this.gone || this.#awaiting || data.version <= this.#held.version) return;
    try {
      this.#held.apply(data);
    } catch (error) {
      this.#resync(error.message, error.failedCheck);
      return;
    }
    this.#call(data.ops);
  }

  closed(error) {
    if (this.gone) return;
    this.#acknowledged = false;
    this.#awaiting = true;
    this.#refused(error);
  }

  #answered(answer) {
    this.#asking = false;
    if (!answer?.ok) {
      if (!this.gone) this.#refused(answer?.error ?? { code: "bad_request", message: "no answer of the protocol" });
      return;
    }
    if (this.gone) {
      this.realtime.ask("unsubscribe", { id: this.id });
      return;
    }
    this.#acknowledged = true;
    // a snapshot that came first may name a newer key
    this.key ??= answer.key;
    this.realtime.acknowledged(this);
  }

  #refused(error) {
    if (RENEWABLE.has(error.code) && this.options.renewToken && !this.#renewed) {
      this.#renew(error);
    } else if (error.retry_after) {
      this.#timer = setTimeout(() => this.ask(), spread(error.retry_after));
    } else if (PASSING.has(error.code) && this.#held) {
      if (this.error?.code !== error.code) this.#report(error);
      this.#timer = setTimeout(() => this.ask(), this.#backoff.next());
    } else {
      this.ended = true;
      this.#report(error);
    }
    this.realtime.changed();
  }

  async #renew(error) {
    const { connection } = this.realtime;
    const { number } = connection;
    this.#renewed = true;
    let token = null;
    try {
      token = await this.options.renewToken();
    } catch (thrown) {
      console.error("saNotify: renewToken failed", thrown);
    }
    if (this.gone || this.ended) return;
    if (!token) {
      this.#refused(error);
      return;
    }
    this.what = { token };
    // a connection that came up meanwhile has asked with the old token, and will be refused
    if (connection.number === number) this.ask();
    else this.#renewed = false;
  }

  #resync(why, failedCheck) {
    console.warn(`saNotify: asking for the rows again: ${why}`);
    this.#awaiting = this.#resyncing = true;
    this.#askForRows({ id: this.id, ...(failedCheck && { why: "check" }) });
    this.realtime.changed();
  }

  #askForRows(request) {
    this.realtime.ask("resync", request, (answer) => {
      if (answer?.ok || this.gone || !this.#resyncing) return;
      const wait = answer?.error?.retry_after;
      if (!wait) this.ask();
      else this.#timer = setTimeout(() => this.#askForRows(request), spread(wait));
    });
  }

  /** A snapshot whose rowkeys don't give its checksum is asked for once more, then shown as not proven. */
  #distrust(second) {
    if (!second) this.#resync("the snapshot's checksum differs", true);
    else this.#awaiting = true;
  }

  #report(error) {
    this.error = error;
    const { onError } = this.options;
    guarded(() => (onError ? onError(error) : console.error(`saNotify: ${error.code}: ${error.message}`)));
  }

  #call(ops) {
    this.realtime.changed();
    if (!this.gone) guarded(() => this.callback(this.#held.view(ops)));
  }
}

/** Milliseconds for seconds, and up to half as long again: of many, not all come back at once. */
function spread(seconds) {
  return seconds * 1000 * (1 + Math.random() / 2);
}

/** Call what belongs to the page: its failure is its own. */
export function guarded(call) {
  try {
    call();
  } catch (error) {
    console.error("saNotify: a callback failed", error);
  }
}
