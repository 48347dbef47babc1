/* Mode "rows": the rows on the page are kept right; that others came, left or moved is only counted. */

import { changesBetween } from "./compare.js";
import { Banner } from "./banner.js";
import { isHeld, lock } from "./editable.js";
import { morph } from "./morph.js";
import { Ended } from "./page.js";
import { Refresher } from "./refresher.js";

export class RowsMode {
  #rows = null;
  #list = null;
  #firstTotal = null;
  #handles = [];

  constructor(page) {
    this.page = page;
    this.banner = new Banner(page.frame, () => this.#showAll());
    this.refresher = new Refresher({
      refresh: () => this.#endedOr(() => this.#renewCells()),
      wanted: () => page.going && this.#wrong().length > 0,
      troubled: (isTroubled) => page.troubled(isTroubled),
    });
    page.onEditorClosed(() => this.#check());
    this.#subscribe();
  }

  #subscribe() {
    const { token, rowsToken } = this.page.marker;
    this.#rows = this.#list = this.#firstTotal = null;
    this.#handles = [
      this.page.subscribe(rowsToken, (view) => this.#receiveRows(view), () => this.#renewRowsToken()),
      this.page.subscribe(token, (view) => this.#receiveList(view), () => this.#renewToken()),
    ];
  }

  // -- the rows shown

  #receiveRows(view) {
    this.#rows = view;
    this.refresher.renewed();
    const there = new Set(view.keys);
    this.page.table.remove(this.page.table.keys.filter((rowkey) => !there.has(rowkey)));
    this.#check();
    this.#count();
  }

  #check() {
    if (this.#wrong().length) this.refresher.request();
  }

  #wrong() {
    return this.#rows ? this.page.table.write(this.#rows).filter((cell) => !isHeld(cell)) : [];
  }

  /** Editable cells need their raw value, which only the page has. */
  async #renewCells() {
    const { root, marker } = await this.page.fetch();
    this.#handles[1].token = marker.token;
    for (const cell of this.#wrong()) {
      const fresh = root.getElementById(cell.id);
      if (fresh) this.page.table.morphCell(cell, fresh, morph);
      else this.#showLocked(cell);
    }
  }

  /** The row has left the page's query, so that its raw value can't be had: show it, but don't let it be edited. */
  #showLocked(cell) {
    const { saKey } = cell.parentElement.dataset;
    const row = this.#rows.rows[this.#rows.keys.indexOf(saKey)];
    const column = cell.id.slice(`${cell.parentElement.id}:col-`.length);
    this.page.table.writeShown(cell, row[column]);
    lock(cell);
  }

  // -- the others

  #receiveList(view) {
    this.#list = view;
    this.#firstTotal ??= view.total;
    this.#count();
  }

  #count() {
    if (!this.#list || !this.#rows) return;
    const { keys, total } = this.#list;
    const counted = total === null ? 0 : Math.abs(total - (this.page.total ?? this.#firstTotal));
    this.banner.count(Math.max(changesBetween(this.page.table.keys, keys), counted));
  }

  async #showAll() {
    this.banner.busy(true);
    try {
      await this.#endedOr(async () => {
        this.page.show(await this.page.fetchPatiently());
        for (const handle of this.#handles) this.page.unsubscribe(handle);
        this.banner.count(0);
        this.#subscribe();
      });
    } finally {
      this.banner.busy(false);
    }
  }

  // -- tokens

  async #renewToken() {
    const { marker } = await this.page.fetchPatiently();
    return marker.token;
  }

  /** A new token is for the rows of the page it came with, so that page is shown. */
  async #renewRowsToken() {
    const fetched = await this.page.fetchPatiently();
    this.page.show(fetched);
    this.#handles[1].token = fetched.marker.token;
    return fetched.marker.rowsToken;
  }

  async #endedOr(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      this.refresher.stop();
    }
  }
}
