/* The list page that is open, and what both modes do with it. */

import { followEditors } from "./editable.js";
import { fetchPage, fetchPatiently } from "./fetch.js";
import { onReleased } from "./hold.js";
import { listOf } from "./list.js";
import { barOf, countTab, markerOf, placeOf, shownTotal } from "./marker.js";
import { morph } from "./morph.js";
import { hasParts, showParts } from "./parts.js";
import { keepingSelection } from "./selection.js";
import { Status } from "./status.js";
import { lockWidths } from "./widths.js";

const PAGER = "#sa-notify-pager";
const WORST_FIRST = ["reconnecting", "stale", "live"];

/** What is followed has come to its end: the page has to be loaded again. */
export class Ended extends Error {}

export class Page {
  #handles = new Set();
  #troubled = false;
  #ended = false;
  #settle;
  #whenEnded = () => {};

  constructor(api) {
    this.api = api;
    this.marker = markerOf(document);
    this.list = listOf(this.marker); // labels the document
    this.total = this.#totalOf(document);
    this.frame = this.list.element.closest(".table-responsive") ?? this.list.element;
    this.status = new Status(barOf(document), this.marker.isParts ? placeOf(document) : this.frame);
    this.#settle = this.marker.isParts ? () => {} : lockWidths(this.list.element, this.frame);
  }

  get going() {
    return !this.#ended;
  }

  /** Subscribe with a token of the page. `renewToken()` gives another when it is too old. */
  subscribe(token, callback, renewToken) {
    const handle = this.api.subscribeToken(token, callback, {
      renewToken,
      onState: () => this.#showState(),
      onError: (error) => this.#refused(handle, error),
    });
    this.#handles.add(handle);
    this.#showState();
    return handle;
  }

  unsubscribe(handle) {
    handle.unsubscribe();
    this.#handles.delete(handle);
  }

  /** Whether it shows more than rows, count and pager of what follows the database: it is fetched at each change. */
  get hasMore() {
    return hasParts(document) || this.list.hasMore;
  }

  /** What a banner is put before. */
  get top() {
    return placeOf(document);
  }

  /** Have `released()` called when somebody has let go of a part of the list. */
  onReleased(released) {
    onReleased(this.frame.parentElement, () => {
      this.list.release();
      released();
    });
  }

  /** Have `ended()` called when nothing more is followed. */
  onEnded(ended) {
    this.#whenEnded = ended;
  }

  /** Put the focus on the list, from which somebody can go on. */
  focus() {
    this.frame.tabIndex = -1;
    this.frame.focus({ preventScroll: true });
  }

  /** Write what can be written from the window; whether the list shows the window then. */
  shows(view) {
    return this.changing(() => this.list.shows(view));
  }

  /** The page as it is now; ends everything where it is no live list any more. */
  async fetch() {
    return this.#orEnd(await fetchPage());
  }

  /** The same, however long the server is away. */
  async fetchPatiently() {
    return this.#orEnd(await fetchPatiently(() => this.going));
  }

  /** Make the page that is open the fetched one: rows, pager and count. */
  show({ root, marker }) {
    this.marker = marker;
    this.total = this.#totalOf(root);
    this.changing(() => {
      this.#showCount(countTab(root));
      morph(document.querySelector(PAGER), root.querySelector(PAGER));
      if (!this.marker.isParts) showParts(root);
      this.list.show(root);
    });
  }

  /** Whether the page can't be made right at this time. */
  troubled(isTroubled) {
    this.#troubled = isTroubled;
    this.#showState();
  }

  end() {
    this.#ended = true;
    for (const handle of this.#handles) handle.unsubscribe();
    this.status.show("ended");
    this.#whenEnded();
  }

  /** Change the list, and leave alone what is the person's. */
  changing(change) {
    const result = keepingSelection(change);
    this.#settle();
    followEditors(this.list.element);
    return result;
  }

  #totalOf(root) {
    return this.marker.isParts ? null : shownTotal(root);
  }

  #orEnd(page) {
    if (this.#ended) throw new Ended();
    if (page) return page;
    this.end();
    throw new Ended();
  }

  #refused(handle, error) {
    console.warn(`saNotify: ${error.code}: ${error.message}`);
    if (handle.ended) this.end();
  }

  #showCount(fresh) {
    const tab = countTab(document);
    if (tab && fresh && tab.textContent !== fresh.textContent) tab.textContent = fresh.textContent;
  }

  #showState() {
    if (this.#ended) return;
    const states = [...this.#handles].map((handle) => handle.state);
    if (this.#troubled) states.push("stale");
    this.status.show(WORST_FIRST.find((state) => states.includes(state)) ?? "live");
  }
}
