/* What a record's page says at its top; read out when it changes. */

import { putFirst } from "./mark.js";

const GONE = "This record was deleted, or you may no longer see it.";

export class Notice {
  #said = null;

  constructor(mark) {
    this.element = document.createElement("div");
    this.element.className = "sa-notify-notice";
    this.element.setAttribute("role", "status");
    putFirst(mark, this.element);
  }

  /** The record is gone; `more` says what that means here. */
  gone(more = "") {
    this.say("danger", "gone", () => [strong(GONE), more && ` ${more}`].filter(Boolean));
  }

  quiet() {
    this.hide(null);
  }

  /** Take it away; `what` is not said again. */
  hide(what) {
    this.say(null, null, () => []);
    this.#said = what;
  }

  /** Show what `parts()` makes, unless it is what is shown: `what` tells. `level` is one of Bootstrap's alerts. */
  say(level, what, parts) {
    if (this.#said === what) return;
    this.#said = what;
    this.element.className = level ? `sa-notify-notice alert alert-${level}` : "sa-notify-notice";
    this.element.replaceChildren(...parts());
  }
}

export function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}
