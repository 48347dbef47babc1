/* Flask-Admin's inline editing (x-editable, which is jQuery's). */

const EDITABLE = "[data-role^='x-editable'], .editable";

/** The element of a cell that x-editable edits, or null. */
export function editableIn(cell) {
  return cell.querySelector(EDITABLE);
}

/** Whether somebody is editing in this cell: it is left alone until the editor closes. */
export function isHeld(cell) {
  return cell.querySelector(".editable-open") !== null;
}

export function closeEditors(node) {
  const open = node.querySelectorAll(".editable-open");
  if (open.length) window.jQuery(open).editable("hide");
}

/** Have `closed()` called whenever an editor in the table has closed. */
export function onEditorClosed(table, closed) {
  // x-editable's own "hidden" event does not bubble, and rows come and go
  const observer = new MutationObserver((changes) => {
    const wasOpen = ({ target, oldValue }) => /\beditable-open\b/.test(oldValue) && !target.classList.contains("editable-open");
    if (changes.some(wasOpen)) closed();
  });
  observer.observe(table, { subtree: true, attributeFilter: ["class"], attributeOldValue: true });
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

/** Refuse to edit a cell whose raw value is not known. */
export function lock(cell) {
  const editable = editableIn(cell);
  if (editable.classList.contains("editable")) window.jQuery(editable).editable("disable");
}
