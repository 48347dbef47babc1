/* What the server says about a list page, in <template data-sa-notify-bar>. */

const SELECTOR = "template[data-sa-notify-bar]";
const PARTS = "template[data-sa-parts]";

/** `{mode, token, rowsToken, isParts}` of a page, or null where the page is no live list. */
export function markerOf(root) {
  const element = elementOf(root);
  if (!element?.dataset.saToken) return null;
  const { saMode: mode = "query", saToken: token, saRowsToken: rowsToken, saParts: parts } = element.dataset;
  return { mode, token, rowsToken, isParts: parts !== undefined };
}

function elementOf(root) {
  return root.querySelector(PARTS) ?? root.querySelector(SELECTOR);
}

/** What the dot is put before where there is no tab bar, in a template of its own. */
export function placeOf(root) {
  return elementOf(root);
}

/** The tab bar that follows the marker. */
export function barOf(root) {
  const sibling = elementOf(root)?.nextElementSibling;
  return sibling?.matches("ul") ? sibling : null;
}

/** The tab that shows the count: "List (36)". */
export function countTab(root) {
  return barOf(root)?.querySelector("a.nav-link.active") ?? null;
}

/** The number of rows that the page says there are; null where it does not say. */
export function shownTotal(root) {
  const found = /\((\d+)\)\s*$/.exec(countTab(root)?.textContent ?? "");
  if (found) return Number(found[1]);
  // Flask-Admin leaves a count of 0 out
  return root.querySelector("tr[data-sa-key]") ? null : 0;
}
