/* The list's table: which rows it shows, and what the server rendered into its cells. */

import { markChanged, markGone, unmark } from "./changed.js";
import { sameOrder } from "./compare.js";
import { editableIn } from "./editable.js";
import { fill } from "./fill.js";
import { flash } from "./flash.js";
import { isHeld, isPutOff } from "./hold.js";
import { cellId, label, rowId } from "./label.js";
import { normal } from "./html.js";
import { morph } from "./morph.js";

/** The name under which a row carries its look, beside its columns. */
const LOOK = "";

export function tableOf(root) {
  return root.querySelector("table.model-list");
}

export class ListTable {
  // what the server rendered, by cell id: scripts of the page may have dressed it up since, and a held cell waits
  #rendered = new Map();
  // looks that a fetched page did not have either, by rowkey: it was newer, or looks otherwise each time
  #accepted = new Map();

  constructor(root) {
    this.element = tableOf(root);
    label(root);
    this.#rendered = this.#read(this.element);
  }

  /** The rowkeys in the order shown. */
  get keys() {
    return this.#rows("tr[data-sa-key]:not([data-sa-gone])").map((row) => row.dataset.saKey);
  }

  /** Whether it has rows that are not the list's own, which nobody but the page itself can tell. */
  get hasMore() {
    const rows = this.#rows("tr:not([data-sa-key])").filter((row) => !row.closest("thead"));
    return rows.length > (this.keys.length ? 0 : 1); // the words for an empty list
  }

  /** Write what can be written from the window; whether the table shows the window then. */
  shows(view) {
    return this.write(view).length === 0 && this.aged(view).length === 0 && sameOrder(this.keys, view.keys);
  }

  /**
   * Make the cells show what the window says.
   * Gives the editable cells that don't, and that nobody is editing: their raw value is not in the window, only the
   * page has it.
   */
  write({ keys, rows }) {
    return keys.flatMap((rowkey, index) => Object.entries(rows[index])
      .map(([column, html]) => [document.getElementById(cellId(rowkey, column)), html])
      .filter(([cell, html]) => cell && !this.#writeCell(cell, html))
      .map(([cell]) => cell));
  }

  /**
   * The rows whose buttons and editors are others than the window says, and that nobody is at: only the page has
   * them.
   */
  aged({ keys, rows }) {
    return keys.flatMap((rowkey, index) => {
      const row = document.getElementById(rowId(rowkey));
      const look = rows[index][LOOK] ?? "";
      return !row || isHeld(row) || this.#looks(row, look) ? [] : [row];
    });
  }

  #looks(row, look) {
    if (isPutOff(row)) return false;
    return look === (row.dataset.saLook ?? "") || look === this.#accepted.get(row.dataset.saKey);
  }

  /** The page was fetched after this window came: what it looks like is right. */
  accept(view) {
    if (view) this.#accepted = new Map(view.keys.map((rowkey, index) => [rowkey, view.rows[index][LOOK] ?? ""]));
  }

  /** Make the table that of a fetched page. */
  show(root) {
    const fresh = tableOf(root);
    const rendered = this.#read(fresh); // before the morph takes its nodes
    morph(this.element, fresh);
    this.#adopt(rendered);
    const gone = [...this.#rendered.keys()].filter((id) => !rendered.has(id));
    for (const id of gone) this.#rendered.delete(id);
    this.#checkToggle();
  }

  /** Make one row that of a fetched page, where it is. */
  showRow(row, fresh) {
    const rendered = this.#read(fresh.parentElement, `[id=${CSS.escape(fresh.id)}]`);
    morph(row, fresh);
    this.#adopt(rendered);
  }

  /** Cells show this now: flash what is new. */
  #adopt(rendered) {
    for (const [id, html] of rendered) {
      if (this.#rendered.has(id) && this.#rendered.get(id) !== html) flash(document.getElementById(id));
      this.#rendered.set(id, html);
    }
  }

  /** Show what the window says where an editable cell's raw value can't be had. */
  writeShown(cell, html) {
    const editable = editableIn(cell);
    editable.innerHTML = normal(html);
    this.#rendered.set(cell.id, normal(html));
    flash(cell);
  }

  /** Take rows away that are there no more, except under somebody's hands. */
  keep(rowkeys) {
    const there = new Set(rowkeys);
    for (const row of this.#rows("tr[data-sa-key]")) {
      if (there.has(row.dataset.saKey)) delete row.dataset.saGone;
      else if (isHeld(row)) markGone(row);
      else row.remove();
    }
  }

  /** Take the marks from what was let go, and rows that are there no more. */
  release() {
    for (const row of this.#rows("tr[data-sa-key]")) {
      if (isHeld(row)) continue;
      if (row.dataset.saGone === undefined) unmark(row);
      else row.remove();
    }
  }

  #rows(selector) {
    return [...this.element.querySelectorAll(selector)];
  }

  #read(table, row = "tr[data-sa-key]") {
    const cells = [...table.querySelectorAll(`${row} > td[id]`)];
    return new Map(cells.map((cell) => [cell.id, this.#isHeldHere(cell.id) ? this.#rendered.get(cell.id) : renderedIn(cell)]));
  }

  #isHeldHere(id) {
    const shown = document.getElementById(id);
    return shown !== null && isHeld(shown);
  }

  /** Whether the cell was right, could be made so, or has to wait. */
  #writeCell(cell, html) {
    if (this.#rendered.get(cell.id) === html) return true;
    const now = normal(html);
    if (this.#rendered.get(cell.id) === now) return true;
    if (isHeld(cell)) return this.#hold(cell, now);
    if (editableIn(cell)) return false;
    fill(cell, now);
    this.#rendered.set(cell.id, now);
    flash(cell);
    return true;
  }

  #hold(cell, now) {
    if (markChanged(cell, now)) flash(cell);
    return true;
  }

  /** The box that ticks all is ticked no more once a row came that is not. */
  #checkToggle() {
    const toggle = this.element.querySelector("input.action-rowtoggle");
    if (toggle?.checked) toggle.checked = this.#rows("input.action-checkbox").every((box) => box.checked);
  }
}

/** What `normal` gives for the HTML that the cell was parsed from; to parse again could change it, and be reported. */
function renderedIn(cell) {
  return (editableIn(cell) ?? cell).innerHTML.trim();
}
