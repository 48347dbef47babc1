/* Where a page of details shows its columns. */

/** The part of the page that holds the table, or what a template has in its place. */
export function tableOf(root) {
  return root.querySelector("[data-sa-notify-details]");
}

/**
 * The elements that show columns, by the column's name.
 * They are those that a template marks; else the cells of a table that is as Flask-Admin has it, labels included.
 */
export function cellsOf(root) {
  const marked = [...root.querySelectorAll("[data-sa-column]")];
  if (marked.length) return new Map(marked.map((element) => [element.dataset.saColumn, element]));
  const table = tableOf(root);
  const rows = [...(table?.querySelector("table")?.rows ?? [])];
  const columns = JSON.parse(table?.dataset.saColumns ?? "[]");
  const fits = ({ cells }, index) => cells.length === 2 && cells[0].textContent.trim() === columns[index][1].trim();
  if (rows.length !== columns.length || !rows.every(fits)) return new Map();
  return new Map(columns.map(([name], index) => [name, rows[index].cells[1]]));
}
