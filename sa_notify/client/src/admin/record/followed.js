/* One record that is followed: its subscription, and the dot that shows how it stands. */

import { fetchRoot, patiently } from "../fetch.js";
import { Status } from "../status.js";
import { barOf, markOf } from "./mark.js";

export class Followed {
  #ended = false;
  #troubled = false;
  #state = "reconnecting";

  /** `receive(record)` hears of each new state of the record; null when it is gone. */
  constructor(api, mark, receive) {
    Object.assign(this, { url: mark.url, receive });
    this.status = statusOf(mark);
    this.handle = api.subscribeToken(mark.token, ({ rows }) => this.#give(rows[0] ?? null), {
      renewToken: () => this.#renewToken(),
      onState: (state) => this.#show(state),
      onError: (error) => this.#refused(error),
    });
  }

  get going() {
    return !this.#ended;
  }

  /** Whether the page can't be made right at this time. */
  troubled(isTroubled) {
    this.#troubled = isTroubled;
    this.#show(this.#state);
  }

  /** No more will be shown. */
  end() {
    this.#ended = true;
    this.handle.unsubscribe();
    this.status.show("ended");
  }

  #give(record) {
    try {
      this.receive(record);
    } catch (error) {
      // a page that can't show what it is told is not live
      console.error("saNotify: the record could not be shown", error);
      this.end();
    }
  }

  #show(state) {
    this.#state = state;
    if (this.#ended) return;
    this.status.show(this.#troubled && state === "live" ? "stale" : state);
  }

  #refused(error) {
    console.warn(`saNotify: ${error.code}: ${error.message}`);
    if (this.handle.ended) this.end();
  }

  async #renewToken() {
    const root = await patiently(() => fetchRoot(this.url), () => this.going);
    return (root && markOf(root)?.token) ?? null;
  }
}

function statusOf(mark) {
  if (!mark.modal) return new Status(barOf(mark), mark.element);
  const close = mark.modal.querySelector(".modal-header > .close");
  return new Status(null, close ?? mark.element, "sa-notify-modal-status");
}
