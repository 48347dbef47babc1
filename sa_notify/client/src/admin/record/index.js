/*
 * Makes pages of one record live: details and edit form, each as a page and in a modal. What their template has to
 * contain:
 *
 *   <template data-sa-notify-record="details|edit"   anywhere in the page, or in the modal; its presence switches this on
 *             data-sa-token="..."                    subscribes to the record as this page shows it
 *             data-sa-key="..."                      the record's key
 *             data-sa-url="..."                      where the page, or the modal's content, is loaded from
 *             data-sa-posted></template>             only where the form came back with errors
 *   <div data-sa-notify-details data-sa-columns="[[column, label], ...]">   around the table of details, or
 *   <td data-sa-column="<column>">                   on the elements that hold values, in a template of one's own
 *
 * The one row that arrives is {column: html} of details, and {field: {label, html}} of a form, html being the field as
 * a form opened now would render it. No row: the record is gone.
 *
 * What this module adds:
 *   <li id="sa-notify-status" role="status">, or <div id="sa-notify-modal-status"> in a modal's header
 *   <div class="sa-notify-notice" role="status">     says what changed in the form, or that the record is gone
 *   <div class="sa-notify-conflict" role="group">    beside a field that somebody else changed: keep mine, take theirs
 */

import { DetailsPage } from "./details.js";
import { EditPage } from "./edit.js";
import { markOf } from "./mark.js";

const PAGES = { details: DetailsPage, edit: EditPage };
const hosts = new WeakSet();

/** Make the record's page live, and modals as they are opened. `api` is window.saNotify. */
export function startRecords(api) {
  begin(api);
  if (document.readyState !== "loading") return;
  document.addEventListener("DOMContentLoaded", () => begin(api), { once: true });
}

function begin(api) {
  for (const host of [document, ...document.querySelectorAll(".modal-content")]) {
    if (hosts.has(host) || (host === document && !markOf(document))) continue;
    hosts.add(host);
    new Host(api, host);
  }
}

/** What a record's page is in: the document, or a modal whose content comes and goes. */
class Host {
  #mark = null;
  #page = null;

  constructor(api, root) {
    Object.assign(this, { api, root });
    this.#look();
    if (root === document) return;
    // Flask-Admin loads the content when the modal opens, by jQuery, whose events are not the browser's
    new MutationObserver(() => this.#look()).observe(root, { childList: true });
    window.jQuery?.(root.closest(".modal")).on("hidden.bs.modal", () => this.#stop());
  }

  #look() {
    const mark = markOf(this.root);
    if (mark?.element === this.#mark) return;
    this.#stop();
    this.#mark = mark?.element;
    const Page = mark && PAGES[mark.kind];
    if (Page) this.#page = new Page(this.api, mark);
  }

  #stop() {
    this.#page?.stop();
    this.#page = null;
  }
}
