/* Flask-Admin's inline editing (x-editable, which is jQuery's). */

import { dress } from "./ids.js";

const EDITABLE = "[data-role^='x-editable'], .editable";
/** Attributes that are others although the editor is the same one: those that `renew` looks after. */
const RENEWED = new Set(["class", "data-value", "data-csrf", "data-template", "title", "style"]);

/** The element of a cell that x-editable edits, or null. */
export function editableIn(cell) {
  return cell.querySelector(EDITABLE);
}

export function closeEditors(node) {
  const open = node.querySelectorAll(".editable-open");
  if (open.length) window.jQuery(open).editable("hide");
}

/** Have editors that are open follow their cells to where those are now. */
export function followEditors(node) {
  // Popper, which places them, measures again when the window is another
  if (node.querySelector(".editable-open")) window.dispatchEvent(new Event("resize"));
}

/**
 * Make an editable element that of the fetched page without replacing it.
 * jQuery caches data-* attributes and x-editable keeps its own value: an editor opened on a changed attribute alone
 * would show the old value and save it over the new one.
 */
export function renew(old, fresh) {
  const was = old.getAttribute("data-value");
  const now = fresh.getAttribute("data-value");
  for (const { name, value } of fresh.attributes) {
    // Flask-Admin takes a date's data-template away, because Bootstrap's popover would use it
    if (name !== "class" && name !== "data-template") old.setAttribute(name, value);
  }
  const element = window.jQuery(old);
  element.removeData("csrf");
  if (old.classList.contains("editable-disabled")) element.editable("enable");
  if (was === now) return;
  element.editable("setValue", now, true);
  if (!fresh.dataset.source) old.textContent = fresh.textContent;
}

/** Whether the fetched cell's editor is another than a value could make it: it offers other choices. */
export function isOtherEditor(cell, fresh) {
  const [old, now] = [editableIn(cell), editableIn(fresh)];
  return old && now ? isOther(old, now) : old !== now;
}

/** The same of two editable elements: another row's, too, where rows have no keys. */
export function isOther(old, fresh) {
  return [...fresh.attributes].some(({ name, value }) => !RENEWED.has(name) && old.getAttribute(name) !== value);
}

/** Make a cell the fetched one with its editor, which x-editable can't be told anything but a value of. */
export function remake(cell, fresh) {
  const hadFocus = cell.contains(document.activeElement);
  const editable = editableIn(cell);
  if (editable?.classList.contains("editable")) window.jQuery(editable).editable("destroy");
  cell.innerHTML = fresh.innerHTML;
  dress(cell);
  if (hadFocus) editableIn(cell)?.focus();
}

/** The same for an editable element, where it stands among others. */
export function remakeAlone(old, fresh) {
  window.jQuery(old).editable("destroy");
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  old.innerHTML = fresh.innerHTML;
  dress(old.parentElement);
}

/** Refuse to edit a cell whose raw value is not known. */
export function lock(cell) {
  const editable = editableIn(cell);
  if (editable?.classList.contains("editable")) window.jQuery(editable).editable("disable");
}
