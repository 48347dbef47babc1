const $ = (id) => document.getElementById(id);

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/* Show a live query's rows in `list`, one <li> for each key; the rows that changed light up, those that moved glide. */
function showIn(list, fill) {
  const items = new Map();
  return ({ rows, keys, diff }) => {
    const before = new Map([...items].map(([key, item]) => [key, item.offsetTop]));
    const touched = new Set((diff ?? []).filter(([op]) => op === "insert" || op === "update")
      .map(([op, ...rest]) => (op === "insert" ? rest[1] : rest[0])));
    for (const [key, item] of items) {
      if (!keys.includes(key)) { item.remove(); items.delete(key); }
    }
    keys.forEach((key, position) => {
      const item = items.get(key) ?? document.createElement("li");
      items.set(key, item);
      item.dataset.key = key;
      if (!diff || touched.has(key)) item.replaceChildren(...fill(rows[position]));
      if (list.children[position] !== item) list.insertBefore(item, list.children[position] ?? null);
    });
    for (const [key, item] of items) {
      if (touched.has(key)) flash(item);
      const moved = (before.get(key) ?? item.offsetTop) - item.offsetTop;
      if (moved) item.animate([{ transform: `translateY(${moved}px)` }, {}], { duration: 250, easing: "ease-out" });
    }
  };
}

function flash(item) {
  item.classList.remove("changed");
  void item.offsetWidth; // starts the animation anew
  item.classList.add("changed");
}

function todo(row) {
  const tick = element("input", "tick");
  tick.type = "checkbox";
  tick.ariaLabel = `Done: ${row.title}`;
  tick.addEventListener("change", () => post(`/todos/${row.id}/done`));
  const priority = element("span", "priority", `P${row.priority}`);
  priority.dataset.priority = row.priority;
  const owner = element("span", "owner", OWNERS[row.owner_id] ?? "");
  const due = element("time", "", row.due);
  due.dateTime = row.due;
  return [tick, element("span", "title", row.title), priority, owner, due];
}

function workload(row) {
  const line = element("div", "");
  line.append(element("span", "", row.name), element("small", "", `${row.open} open, ${row.done} done`));
  const meter = element("meter", "");
  meter.max = Math.max(1, row.open + row.done);
  meter.value = row.done;
  return [line, meter];
}

async function post(url, data = {}) {
  const answer = await fetch(url, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
  });
  if (!answer.ok) alert(`That was not saved (${answer.status}).`);
}

/* The live query of the person chosen; the one before is given up. */
let following;
function follow(owner) {
  following?.unsubscribe();
  $("todos").replaceChildren();
  const show = showIn($("todos"), todo);
  following = saNotify.subscribe("open_todos", owner ? { owner } : {}, (view) => {
    show(view);
    $("count").textContent = `${view.rows.length} of ${view.total} open`;
  });
}

$("filter").addEventListener("click", ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  for (const button of $("filter").children) button.ariaPressed = String(button === target);
  follow(Number(target.dataset.owner) || null);
});

$("add").addEventListener("submit", (event) => {
  event.preventDefault();
  post("/todos", { title: $("title").value, owner: Number($("owner").value) });
  $("title").value = "";
});

function showState(state) {
  $("state").dataset.state = state;
  $("state").textContent = state;
}

follow(null);
saNotify.subscribe("workload", showIn($("workload"), workload));
saNotify.onState(showState);
showState(saNotify.state);
