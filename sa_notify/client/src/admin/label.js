/* Gives rows and cells the ids that morphing and updates find them by. */

/** Turn the template's marks into ids; the same on the live document and on a fetched one. */
export function label(root) {
  for (const mark of root.querySelectorAll("tr > template[data-sa-key]")) {
    const row = mark.parentElement;
    row.id = rowId(mark.dataset.saKey);
    row.dataset.saKey = mark.dataset.saKey;
    if (mark.dataset.saLook) row.dataset.saLook = mark.dataset.saLook;
    mark.remove();
    for (const cell of row.cells) {
      const name = nameOf(cell);
      if (name) cell.id = `${row.id}:${name}`;
    }
  }
}

export function rowId(rowkey) {
  return `sa-row:${rowkey}`;
}

export function cellId(rowkey, column) {
  return `${rowId(rowkey)}:col-${column}`;
}

function nameOf(cell) {
  const column = [...cell.classList].find((name) => name.startsWith("col-"));
  if (column) return column;
  if (cell.classList.contains("list-buttons-column")) return "buttons";
  return cell.querySelector("input.action-checkbox") ? "check" : null;
}
