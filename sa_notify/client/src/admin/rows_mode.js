/* Mode "rows": the rows on the page are kept right; that others came, left or moved is only counted. */

import { changesBetween } from "./compare.js";
import { Banner } from "./banner.js";
import { lock } from "./editable.js";
import { Ended } from "./page.js";
import { Refresher } from "./refresher.js";

export class RowsMode {
  #rows = null;
  #list = null;
  #firstTotal = null;
  #handles = [];

  constructor(page) {
    this.page = page;
    this.banner = new Banner(page.top, () => this.#showAll());
    this.refresher = new Refresher({
      refresh: () => this.#endedOr(() => this.#renewRows()),
      wanted: () => page.going && this.#isWrong(),
      troubled: (isTroubled) => page.troubled(isTroubled),
    });
    page.onReleased(() => this.#check());
    page.onEnded(() => this.banner.count(0));
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
    this.page.list.keep(view.keys);
    this.#check();
    this.#count();
  }

  #check() {
    if (this.#isWrong()) this.refresher.request();
  }

  #isWrong() {
    if (!this.#rows) return false;
    const wrong = this.page.changing(() => this.page.list.write(this.#rows));
    return wrong.length > 0 || this.page.list.aged(this.#rows).length > 0;
  }

  /** Editable cells need their raw value, and buttons their markup, which only the page has. */
  async #renewRows() {
    const asked = this.#rows;
    const { root, marker } = await this.page.fetch();
    this.#handles[1].token = marker.token;
    this.page.changing(() => this.#showRows(root));
    this.page.list.accept(asked);
  }

  #showRows(root) {
    const { list } = this.page;
    const wrong = list.write(this.#rows).map((cell) => cell.parentElement);
    for (const row of new Set([...wrong, ...list.aged(this.#rows)])) {
      const fresh = root.getElementById(row.id);
      if (fresh) list.showRow(row, fresh);
      else this.#showLocked(row);
    }
  }

  /** The row has left the page's query, so that its raw values can't be had: show it, but don't let it be edited. */
  #showLocked(row) {
    const { list } = this.page;
    const index = this.#rows.keys.indexOf(row.dataset.saKey);
    const only = { keys: [row.dataset.saKey], rows: [this.#rows.rows[index]] };
    for (const cell of list.write(only)) {
      list.writeShown(cell, this.#rows.rows[index][columnOf(cell)]);
    }
    for (const cell of row.cells) lock(cell);
    delete row.dataset.saLook;
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
    this.banner.count(Math.max(changesBetween(this.page.list.keys, keys), counted));
  }

  async #showAll() {
    const { hasFocus } = this.banner;
    this.banner.busy(true);
    try {
      await this.#endedOr(async () => {
        this.page.show(await this.page.fetchPatiently());
        for (const handle of this.#handles) this.page.unsubscribe(handle);
        this.banner.count(0);
        if (hasFocus) this.page.focus();
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

function columnOf(cell) {
  return cell.id.slice(`${cell.parentElement.id}:col-`.length);
}
