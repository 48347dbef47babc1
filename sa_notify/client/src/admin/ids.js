/* Ids inside cells: x-editable takes a field's name from them, so that each row has the same ones. */

/** What is left alone as a whole: a cell, or a row that is no table's. */
export const WHOLE = "td, [data-sa-key]:not(tr)";

const BETWEEN = "\u0001";

/**
 * Have each id inside a cell belong to that cell while `change` runs: a morph takes elements of one id for one, and would
 * put the editor of a row that goes into the row that comes, where it saves into the one that went.
 */
export function withOwnIds(roots, change) {
  for (const root of roots) {
    for (const element of root.querySelectorAll(`:is(${WHOLE}) [id]`)) own(element);
  }
  try {
    return change();
  } finally {
    roots.forEach(restore);
  }
}

/** Give an element of a fetched page its ids again, and Flask-Admin's widgets. */
export function dress(element) {
  restore(element);
  window.faForm?.applyGlobalStyles(element);
}

// the value alone: an attribute that is taken away comes back behind the others
function own(element) {
  element.setAttribute("id", wholeOf(element).id + BETWEEN + element.getAttribute("id"));
}

function restore(root) {
  for (const element of [root, ...root.querySelectorAll(`[id*="${BETWEEN}"]`)]) {
    const id = element.getAttribute("id");
    if (id && wholeOf(element)) element.setAttribute("id", id.slice(id.lastIndexOf(BETWEEN) + 1));
  }
}

function wholeOf(element) {
  return element.parentElement?.closest(WHOLE);
}
