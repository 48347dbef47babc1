/* A list page with a template of its own: its parts that follow the database, each fetched and morphed as a whole. */

import { flash } from "./flash.js";
import { isHeld, partsLeft } from "./hold.js";
import { morph } from "./morph.js";

const PARTS = "[data-sa-live]";
const KEYED = "[data-sa-key]";

export function hasParts(root) {
  return root.querySelector(PARTS) !== null;
}

export function showParts(root) {
  for (const part of document.querySelectorAll(PARTS)) morph(part, root.getElementById(part.id));
}

export class Parts {
  #accepted = null;

  /** The first of them. */
  get element() {
    return document.querySelector(PARTS);
  }

  /** Whether the page was fetched after this window came, and shown but for what somebody is at. */
  shows(view) {
    return view === this.#accepted && partsLeft().every(isHeld);
  }

  accept(view) {
    this.#accepted = view;
  }

  /** Make the parts those of a fetched page; flash what is new of that which says its rowkey. */
  show(root) {
    const before = this.#keyed();
    showParts(root);
    for (const [rowkey, { html, element }] of this.#keyed()) {
      if (before.get(rowkey)?.html !== html) flash(element);
    }
  }

  release() {} // what was left as it was is fetched then

  #keyed() {
    const elements = [...document.querySelectorAll(`:is(${PARTS}) ${KEYED}`)];
    return new Map(elements.map((element) => [element.dataset.saKey, { html: element.innerHTML, element }]));
  }
}
