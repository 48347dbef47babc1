/* Puts what the server rendered for a field into the page's own controls, and the widgets on top of them. */

import { isAjax, isBox, isSelect, valuesOf } from "./controls.js";

/** Widgets of Flask-Admin's that follow their control, or are made to. Of others nobody knows what they keep. */
const ROLES = new Set([
  "select2", "select2-tags", "select2-ajax", "datepicker", "daterangepicker", "datetimepicker", "datetimerangepicker",
  "timepicker", "timerangepicker",
]);

const widget = (control, name) => window.jQuery?.(control).data(name);

/** Whether these controls can be given the content of those, and nothing else keeps what they held. */
export function canAdopt(name, controls, fresh) {
  if (!controls.length || !controls.every((control) => control.name === name && isPlain(control))) return false;
  if (controls.every(isBox)) {
    const there = new Set(controls.map(({ value }) => value));
    return fresh.every((box) => isBox(box) && (!box.checked || there.has(box.value)));
  }
  return controls.length === 1 && fresh.length === 1 && isSelect(controls[0]) === isSelect(fresh[0]);
}

export function adopt(controls, fresh) {
  if (controls.every(isBox)) {
    const checked = new Set(fresh.flatMap((box) => valuesOf(box)));
    for (const box of controls) put(box, () => { box.checked = checked.has(box.value); });
    return;
  }
  const [control] = controls;
  put(control, () => write(control, fresh[0]));
  const picker = widget(control, "daterangepicker");
  if (!picker) return;
  picker.updateFromControl();
  // which writes the date as its own reckoning of time zones has it
  control.value = fresh[0].value;
}

/** What people see of a control. */
export function shownOf(control) {
  return widget(control, "select2")?.container?.[0] ?? control;
}

/** Whether somebody is at one of these. */
export function isBusy(controls) {
  const active = document.activeElement;
  return controls.some((control) => shownOf(control).contains(active) || control === active || widget(control, "select2")?.opened?.());
}

export function focusOn(control) {
  if (widget(control, "select2")) window.jQuery(control).select2("focus");
  else control.focus();
}

/** A form within the form, a file and an editor that hides its text area are not. */
function isPlain(control) {
  const { role } = control.dataset;
  if (control.closest(".inline-field") || control.type === "file" || (role && !ROLES.has(role))) return false;
  return isAjax(control) || Boolean(widget(control, "select2")) || getComputedStyle(control).display !== "none";
}

function put(control, change) {
  change();
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

function write(control, fresh) {
  if (isSelect(control)) select(control, fresh);
  else if (isAjax(control)) choose(control, fresh);
  else control.value = fresh.value;
}

function select(control, fresh) {
  const chosen = [...fresh.options].filter((option) => option.defaultSelected);
  const there = new Set([...control.options].map(({ value }) => value));
  for (const { text, value } of chosen) if (!there.has(value)) control.add(new Option(text, value));
  const values = new Set(chosen.map(({ value }) => value));
  for (const option of control.options) option.selected = values.has(option.value);
  if (!values.size) control.selectedIndex = -1;
}

function choose(control, fresh) {
  // select2 asks for the words of its value there
  control.dataset.json = fresh.dataset.json ?? "null";
  control.value = fresh.value;
}
