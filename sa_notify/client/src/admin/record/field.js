/* One field of an edit form, between what the user enters and what others save. */

import { flash } from "../flash.js";
import { adopt, canAdopt, focusOn, isBusy, shownOf } from "./adopt.js";
import { Conflict, element } from "./conflict.js";
import { asRendered, controlsIn, controlsOf, readingOf, textOf, traceOf } from "./controls.js";
import { verdict } from "./verdict.js";

export class Field {
  #fresh = null;
  #conflict;
  #note = element("small", "sa-notify-updated form-text", "Updated: someone else saved this.");

  /** `base` is a reading where the page does not show what the form began with; `settled()` is told of decisions. */
  constructor(form, name, label, url, base, settled) {
    Object.assign(this, { form, name, label, settled });
    /** "none", "updated", "conflict", or "apart": what they did can't be put into this page. */
    this.state = "none";
    this.base = base ?? readingOf(asRendered(this.controls), { rendered: true });
    this.#conflict = new Conflict(name, label, url, { keep: () => this.#keep(), take: () => this.#take() });
  }

  /** Whether a form has the field: its rules may leave it out. */
  static isIn(form, name) {
    return traceOf(form, name) !== null;
  }

  /** The reading of a field as the server rendered it. */
  static read(name, html) {
    return readingOf(controlsIn(html, name), { rendered: true });
  }

  get controls() {
    return controlsOf(this.form, this.name);
  }

  /** The record has this now. */
  receive(html) {
    this.#fresh = controlsIn(html, this.name);
    this.settle();
  }

  /** Decide anew: what the record, the page or the user's attention is at may have changed. */
  settle() {
    if (!this.#fresh) return;
    const { controls, base } = this;
    const [mine, theirs] = [readingOf(controls), readingOf(this.#fresh, { rendered: true })];
    const found = verdict({ base, mine, theirs, busy: isBusy(controls) });
    if (found === "update" && canAdopt(this.name, controls, this.#fresh)) this.#update(theirs);
    else if (found === "update" || found === "conflict") this.#ask(controls);
    else this.#rest(theirs, mine);
  }

  /** Say nothing more about it. */
  hush() {
    this.#become("none");
  }

  focus() {
    focusOn(this.controls[0] ?? traceOf(this.form, this.name));
  }

  /** Where notices about the field go. */
  get #place() {
    const trace = traceOf(this.form, this.name);
    return trace.closest(".form-group") ?? trace.parentElement;
  }

  #update(theirs) {
    this.base = theirs; // first: the change that this makes is heard of
    this.#adopt();
    this.#become("updated");
    this.#place.append(this.#note);
  }

  #ask(controls) {
    const canTake = canAdopt(this.name, controls, this.#fresh);
    const simple = controls.length > 0 && controls.every((control) => control.name === this.name);
    this.#become(canTake ? "conflict" : "apart");
    this.#conflict.show(this.#place, simple ? textOf(this.#fresh, controls) : null, canTake);
  }

  #rest(theirs, mine) {
    this.base = theirs;
    if (this.state !== "updated" || mine !== theirs) this.#become("none");
  }

  #keep() {
    this.base = readingOf(this.#fresh, { rendered: true });
    this.#decided();
  }

  #take() {
    this.base = readingOf(this.#fresh, { rendered: true });
    this.#adopt();
    this.#decided();
  }

  #decided() {
    this.#become("none");
    this.focus();
    this.settled();
  }

  #adopt() {
    const { controls } = this;
    adopt(controls, this.#fresh);
    for (const control of controls) flash(shownOf(control));
  }

  #become(state) {
    this.state = state;
    if (state !== "updated") this.#note.remove();
    if (state !== "conflict" && state !== "apart") this.#conflict.hide();
  }
}
