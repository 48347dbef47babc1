/* Says beside what somebody is editing that it has changed meanwhile. */

/** Mark a cell that is held: it shows `html` elsewhere by now. Gives whether that is news. */
export function markChanged(cell, html) {
  return mark(cell, "Changed to: ", html);
}

/** Mark a row that is held: elsewhere it is on this page no more. */
export function markGone(row) {
  row.dataset.saGone = "";
  const held = row.querySelector(".editable-open")?.closest("td") ?? row.cells[0];
  return mark(held, "This row has left the page", "");
}

/** Take the marks away. */
export function unmark(node) {
  delete node.dataset.saGone;
  for (const note of node.querySelectorAll(".sa-notify-changed")) note.remove();
}

function mark(cell, words, html) {
  const note = cell.querySelector(".sa-notify-changed") ?? document.createElement("div");
  const before = note.innerHTML;
  note.className = "sa-notify-changed";
  note.setAttribute("role", "status");
  note.textContent = words;
  note.insertAdjacentHTML("beforeend", html);
  if (note.innerHTML === before) return false;
  cell.append(note);
  return true;
}
