/* Where somebody's hands are: that is left alone until it is let go. */

const OPEN = ".editable-open, .dropdown-menu.show";
const TYPED = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
const WAS_OPEN = /\b(editable-open|show)\b/;

/** Whether somebody edits in this part of the page, has opened a menu in it or types into it. */
export function isHeld(node) {
  const focused = document.activeElement;
  return node.querySelector(OPEN) !== null || (node.contains(focused) && focused.matches(TYPED));
}

/** What a row looks like while a part of it was left as it was: not like the page that was fetched. */
const UNKNOWN = "?";

/** Leave a part as it is: its row has to be fetched again once it is let go. */
export function putOff(node) {
  (node.closest("tr") ?? node).dataset.saLook = UNKNOWN;
}

export function isPutOff(row) {
  return row.dataset.saLook === UNKNOWN;
}

/** All that was left as it was. */
export function partsLeft() {
  return [...document.querySelectorAll(`[data-sa-look="${UNKNOWN}"]`)];
}

/** Have `released()` called whenever something in this part of the page may have been let go. */
export function onReleased(node, released) {
  // x-editable's own "hidden" event does not bubble, and rows come and go
  const observer = new MutationObserver((changes) => {
    if (changes.some(({ target, oldValue }) => WAS_OPEN.test(oldValue) && !WAS_OPEN.test(target.className))) released();
  });
  observer.observe(node, { subtree: true, attributeFilter: ["class"], attributeOldValue: true });
  // the next element has the focus only afterwards
  node.addEventListener("focusout", () => setTimeout(released));
}
