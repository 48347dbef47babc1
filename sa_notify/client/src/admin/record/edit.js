/* An edit form: what others save meanwhile is put into it, or asked about, field by field. */

import { Field } from "./field.js";
import { Followed } from "./followed.js";
import { recall, remember } from "./memory.js";
import { Notice } from "./notice.js";
import { summarise } from "./summary.js";

const SAVING = "Saving will fail, and what you entered would be lost: copy what you need.";
const SURE = `This record was deleted. ${SAVING} Save all the same?`;
/** After a submission the page is on its way out; if it is still there then, it is shown what it missed. */
const LEAVING_MS = 10_000;

export class EditPage {
  #form = null;
  #fields = new Map();
  #record = undefined;
  #leaving = null;
  #bases;

  constructor(api, mark) {
    this.mark = mark;
    const remembered = recall(this.#key);
    this.#bases = mark.posted ? remembered : null;
    this.notice = new Notice(mark);
    this.followed = new Followed(api, mark, (record) => this.#receive(record));
  }

  stop() {
    clearTimeout(this.#leaving);
    this.followed.end();
  }

  get #url() {
    return new URL(this.mark.url, location.href);
  }

  get #key() {
    return `${this.#url.pathname} ${this.mark.key}`;
  }

  // -- what others do

  #receive(record) {
    this.#record = record;
    if (this.#leaving === null) this.#show();
  }

  #show() {
    if (this.#record === undefined) return;
    if (this.#record === null) {
      for (const field of this.#fields.values()) field.hush();
      this.notice.gone(SAVING);
      return;
    }
    this.#form ??= this.#open(Object.keys(this.#record));
    if (!this.#form) return;
    for (const [name, { label, html }] of Object.entries(this.#record)) this.#field(name, label, html)?.receive(html);
    this.#summarise();
  }

  /** The form, and ears on it; none: the template is one of its own kind. */
  #open(names) {
    const has = (form) => names.some((name) => Field.isIn(form, name));
    const form = [...this.mark.root.querySelectorAll("form")].find(has);
    if (!form) {
      console.warn("saNotify: this page has no form with the view's fields");
      this.followed.end();
      return null;
    }
    // widgets tell of changes through jQuery, which the browser's own listeners don't hear
    window.jQuery(form).on("input change", ({ target }) => this.#touched(target));
    window.jQuery(form).on("focusout", (event) => this.#left(event));
    window.jQuery(form).on("submit", (event) => this.#submitted(event));
    return form;
  }

  #field(name, label, html) {
    const found = this.#fields.get(name);
    if (found || !Field.isIn(this.#form, name)) return found;
    const url = this.#url;
    url.searchParams.delete("modal");
    const field = new Field(this.#form, name, label, url.href, this.#baseOf(name, html), () => this.#summarise());
    this.#fields.set(name, field);
    return field;
  }

  /** Of a form that came back with errors, the page shows what was entered. */
  #baseOf(name, html) {
    return this.#bases && (this.#bases[name] ?? Field.read(name, html));
  }

  // -- what the user does

  #touched(target) {
    for (const field of this.#fields.values()) if (field.controls.includes(target)) field.settle();
    this.#summarise();
  }

  #left({ relatedTarget }) {
    // whoever goes to a notice's buttons wants to press one
    if (relatedTarget?.closest?.(".sa-notify-conflict")) return;
    // the browser tells before the focus is elsewhere
    setTimeout(() => {
      if (this.#record === null || this.#leaving !== null) return;
      for (const field of this.#fields.values()) field.settle();
      this.#summarise();
    });
  }

  #submitted(event) {
    if (event.isDefaultPrevented()) return;
    if (this.#record === null && !window.confirm(SURE)) {
      event.preventDefault();
      return;
    }
    remember(this.#key, Object.fromEntries([...this.#fields.values()].map(({ name, base }) => [name, base])));
    clearTimeout(this.#leaving);
    this.#leaving = setTimeout(() => {
      this.#leaving = null;
      this.#show();
    }, LEAVING_MS);
  }

  #summarise() {
    if (this.#record) summarise(this.notice, [...this.#fields.values()]);
  }
}
