/* The list's table: which rows it shows, and what the server rendered into its cells. */

import { flash } from "./flash.js";
import { cellId, label, rowId } from "./label.js";
import { closeEditors, editableIn, isHeld } from "./editable.js";
import { normal } from "./html.js";

export function tableOf(root) {
  return root.querySelector("table.model-list");
}

export class ListTable {
  // what the server rendered, by cell id: scripts of the page may have dressed it up since, and a held cell waits
  #rendered = new Map();

  constructor(root) {
    this.element = tableOf(root);
    label(root);
    this.#rendered = this.read(this.element);
  }

  /** The rowkeys in the order shown. */
  get keys() {
    return [...this.element.querySelectorAll("tr[data-sa-key]")].map((row) => row.dataset.saKey);
  }

  /** What the server rendered into a labelled table's cells; to be asked before a morph takes its nodes. */
  read(table) {
    const cells = [...table.querySelectorAll("tr[data-sa-key] > td[id]")];
    return new Map(cells.map((cell) => [cell.id, this.#isHeldHere(cell.id) ? this.#rendered.get(cell.id) : renderedIn(cell)]));
  }

  /** The table shows now what was read from another: flash what is new. */
  adopt(rendered) {
    const before = this.#rendered;
    this.#rendered = rendered;
    for (const [id, html] of rendered) {
      if (before.has(id) && before.get(id) !== html) flash(document.getElementById(id));
    }
  }

  /**
   * Make the cells show what the window says.
   * Gives the editable cells that don't: their raw value is not in the window, only the page has it.
   */
  write({ keys, rows }) {
    const wrong = [];
    keys.forEach((rowkey, index) => {
      for (const [column, html] of Object.entries(rows[index])) {
        const cell = document.getElementById(cellId(rowkey, column));
        if (cell && !this.#writeCell(cell, html)) wrong.push(cell);
      }
    });
    return wrong;
  }

  remove(rowkeys) {
    for (const rowkey of rowkeys) {
      const row = document.getElementById(rowId(rowkey));
      if (!row) continue;
      closeEditors(row);
      row.remove();
    }
  }

  #isHeldHere(id) {
    const shown = document.getElementById(id);
    return shown !== null && isHeld(shown);
  }

  /** Whether the cell was right, or could be made so. */
  #writeCell(cell, html) {
    if (this.#rendered.get(cell.id) === html) return true;
    const now = normal(html);
    if (this.#rendered.get(cell.id) === now) return true;
    if (editableIn(cell)) return false;
    const [, before, after] = /^(\s*)[^]*?(\s*)$/.exec(cell.innerHTML);
    cell.innerHTML = before + now + after;
    window.faForm?.applyGlobalStyles(cell);
    this.#rendered.set(cell.id, now);
    flash(cell);
    return true;
  }

  /** Make one cell that of a fetched page. */
  morphCell(cell, fresh, morph) {
    const html = renderedIn(fresh);
    morph(cell, fresh);
    this.#rendered.set(cell.id, html);
    flash(cell);
  }

  /** Show what the window says where an editable cell's raw value can't be had. */
  writeShown(cell, html) {
    const editable = editableIn(cell);
    editable.innerHTML = normal(html);
    this.#rendered.set(cell.id, normal(html));
    flash(cell);
  }
}

function renderedIn(cell) {
  return normal((editableIn(cell) ?? cell).innerHTML);
}
