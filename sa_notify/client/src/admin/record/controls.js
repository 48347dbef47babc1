/* What the controls of a field hold, whichever widget they make: read the same from the page and from HTML. */

import { inertElement } from "../html.js";

const BUTTONS = new Set(["submit", "button", "image", "reset"]);
const BOXES = new Set(["checkbox", "radio"]);

export const isAjax = (control) => control.dataset.role === "select2-ajax";
export const isBox = (control) => BOXES.has(control.type);
export const isSelect = (control) => control.tagName === "SELECT";

/** The controls of a form's field, those of forms within it included. */
export function controlsOf(form, name) {
  const belongs = (control) => control.name === name || control.name.startsWith(`${name}-`);
  return [...form.querySelectorAll("input, select, textarea")].filter((one) => belongs(one) && !BUTTONS.has(one.type));
}

/** Something of a field on the page, which has no controls where it is a list without entries. */
export function traceOf(form, name) {
  const id = CSS.escape(name);
  return form.querySelector(`[id="${id}"]`) ?? controlsOf(form, name)[0] ?? form.querySelector(`label[for="${id}"]`);
}

/** The controls of a field that the server has rendered. */
export function controlsIn(html, name) {
  return controlsOf(inertElement("form", html), name);
}

/** Copies of a page's controls as the server rendered them, whatever has been entered since. */
export function asRendered(controls) {
  // not an inert one: in a document that is not shown, Chromium resets nothing
  const form = document.createElement("form");
  form.append(...controls.map((control) => control.cloneNode(true)));
  form.reset();
  const copies = [...form.children];
  // the value of a hidden control is its attribute: this one's is told by another
  for (const copy of copies.filter(isAjax)) copy.value = chosen(copy).map(([id]) => id).join(separatorOf(copy));
  return copies;
}

/** What controls hold, as text that is equal for equal content. */
export function readingOf(controls, { rendered = false } = {}) {
  const values = new Map();
  for (const control of controls) {
    values.set(control.name, [...(values.get(control.name) ?? []), ...valuesOf(control, rendered)]);
  }
  const entries = [...values].filter(([, list]) => list.length).map(([name, list]) => [name, list.sort()]);
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The values of one control. */
export function valuesOf(control, rendered = false) {
  if (isBox(control)) return control.checked ? [control.value] : [];
  // a browser selects the first choice where the server selected none
  if (isSelect(control)) return optionsOf(control, rendered).map((option) => option.value);
  if (isAjax(control)) return control.value.split(separatorOf(control)).filter(Boolean);
  if (control.type === "file") return control.value ? [control.value] : [];
  return [control.value];
}

/** What people read in rendered controls. `shown` are the page's own (at least one), for the words beside its boxes. */
export function textOf(controls, shown) {
  const [first] = shown;
  if (shown.length === 1 && first.type === "checkbox") return controls[0]?.checked ? "checked" : "not checked";
  if (isBox(first)) return controls.filter(({ checked }) => checked).map(({ value }) => wordsOf(shown, value)).join(", ");
  return controls.map(textOfOne).filter(Boolean).join(", ");
}

function textOfOne(control) {
  if (isSelect(control)) return optionsOf(control, true).map(({ text }) => text.trim()).join(", ");
  if (isAjax(control)) return chosen(control).map(([, text]) => text).join(", ");
  return control.type === "password" ? "a value that is not shown" : control.value;
}

function wordsOf(boxes, value) {
  const [label] = boxes.find((box) => box.value === value)?.labels ?? [];
  return label?.textContent.trim() || value;
}

function optionsOf(select, rendered) {
  return [...select.options].filter((option) => (rendered ? option.defaultSelected : option.selected));
}

/** `[[id, text], ...]` that the server chose in a control that asks it for choices. */
function chosen(control) {
  const found = JSON.parse(control.dataset.json ?? "null");
  if (!found) return [];
  return control.dataset.multiple ? found : [found];
}

function separatorOf(control) {
  return control.dataset.separator ?? ",";
}
