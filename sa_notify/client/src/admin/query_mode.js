/* Mode "query": the page follows its filters, sorts, search and page number. */

import { sameOrder } from "./compare.js";
import { Ended } from "./page.js";
import { Refresher } from "./refresher.js";

export class QueryMode {
  #view = null;
  // rows came or went: the pager and the words for an empty list may be others, though the rows shown are right
  #turned = false;
  #total = null;

  constructor(page) {
    this.page = page;
    this.refresher = new Refresher({
      refresh: () => this.#refresh(),
      wanted: () => page.going && (this.#turned || !this.#agrees()),
      troubled: (isTroubled) => page.troubled(isTroubled),
    });
    page.onReleased(() => this.#check());
    this.handle = page.subscribe(page.marker.token, (view) => this.#receive(view), () => this.#renewToken());
  }

  #receive(view) {
    const before = this.#view;
    this.#view = view;
    this.refresher.renewed();
    // rows leave and enter in one stroke, with the page that is fetched: else the table would jump twice
    if (before && (this.page.hasMore || !sameOrder(before.keys, view.keys))) this.#turned = true;
    this.#total ??= view.total;
    this.#check();
  }

  #check() {
    if (this.#view && (!this.#agrees() || this.#turned)) this.refresher.request();
  }

  /** Write what can be written from the window; whether the page shows the window then. */
  #agrees() {
    if (!this.#view) return true;
    const shown = this.page.total ?? this.#total;
    const counts = this.#view.total === null || this.#view.total === shown;
    return this.page.shows(this.#view) && counts;
  }

  async #refresh() {
    this.#turned = false;
    const asked = this.#view;
    try {
      this.#show(await this.page.fetch(), asked);
    } catch (error) {
      if (error instanceof Ended) this.refresher.stop();
      else throw error;
    }
  }

  #show(fetched, asked) {
    this.page.show(fetched);
    this.page.list.accept(asked);
    this.handle.token = fetched.marker.token;
    this.#total = asked?.total ?? null;
    this.#agrees();
  }

  async #renewToken() {
    const fetched = await this.page.fetchPatiently();
    return fetched.marker.token;
  }
}
