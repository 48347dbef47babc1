/* A page of details: values change in place. */

import { Away, fetchRoot } from "../fetch.js";
import { fill } from "../fill.js";
import { flash } from "../flash.js";
import { normal } from "../html.js";
import { morph } from "../morph.js";
import { Refresher } from "../refresher.js";
import { keepingSelection } from "../selection.js";
import { cellsOf, tableOf } from "./cells.js";
import { Followed } from "./followed.js";
import { Notice } from "./notice.js";

export class DetailsPage {
  #cells;
  #shown;
  #record = null;
  // the columns that have no element of their own, as they were when the table was fetched last
  #fetched = "{}";

  constructor(api, mark) {
    this.mark = mark;
    this.table = tableOf(mark.root);
    this.#cells = cellsOf(mark.root);
    this.#shown = new Map([...this.#cells].map(([column, cell]) => [column, normal(cell.innerHTML)]));
    this.notice = new Notice(mark);
    this.refresher = new Refresher({
      refresh: () => this.#refresh(),
      wanted: () => this.followed.going && this.#record !== null && this.#apart() !== this.#fetched,
      troubled: (isTroubled) => this.followed.troubled(isTroubled),
    });
    this.followed = new Followed(api, mark, (record) => this.#receive(record));
  }

  stop() {
    this.refresher.stop();
    this.followed.end();
  }

  #receive(record) {
    this.#record = record;
    this.table?.toggleAttribute("data-sa-gone", record === null);
    if (record === null) {
      this.notice.gone();
      return;
    }
    this.notice.quiet();
    for (const [column, html] of Object.entries(record)) this.#write(this.#cells.get(column), column, normal(html));
    this.refresher.renewed();
    if (this.#apart() === this.#fetched) return;
    if (this.table) this.refresher.request();
    else this.#giveUp();
  }

  #write(cell, column, html) {
    if (!cell || this.#shown.get(column) === html) return;
    this.#shown.set(column, html);
    keepingSelection(() => fill(cell, html));
    flash(cell);
  }

  // -- a template of one's own shows columns where nobody can tell

  #apart() {
    return JSON.stringify(Object.fromEntries(Object.entries(this.#record).filter(([column]) => !this.#cells.has(column))));
  }

  async #refresh() {
    const apart = this.#apart();
    const root = await fetchRoot(this.mark.url);
    const fresh = root && tableOf(root);
    // a record that is gone, or access that is lost, is told by the subscription
    if (!fresh) throw new Away("the page has no record to show");
    morph(this.table, fresh);
    flash(this.table);
    this.#fetched = apart;
  }

  #giveUp() {
    console.warn("saNotify: this page's template has no block details_table: mark its values with data-sa-column");
    this.stop();
  }
}
