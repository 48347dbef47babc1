"""The items application with what the fault lane looks at: a page for browsers, metrics, fewer limits."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()


from flask import Response
from prometheus_client import generate_latest

from tests.apps import parted  # noqa: F401  (registers a query)
from tests.apps.items import create_app

_PAGE = """
<p id="state"></p><p id="marker"></p><ol id="rows"></ol>
<script src="/sa_notify/static/sa_notify.js"></script>
<script>
  window.saw = {state: "none", marker: -1, rows: [], faults: []};
  saNotify.onState((state) => { saw.state = state; document.getElementById("state").textContent = state; });
  saNotify.subscribe("owners", {}, ({rows}) => {
    const marker = Number(rows[0].name);
    if (marker < saw.marker) saw.faults.push(`marker ${marker} after ${saw.marker}`);
    saw.marker = marker;
    document.getElementById("marker").textContent = marker;
  });
  saNotify.subscribe("page", {limit: 20, sort: "priority"}, ({rows}) => {
    saw.rows = rows.map((row) => row.id);
    document.getElementById("rows").replaceChildren(...rows.map((row) => {
      const item = document.createElement("li");
      item.textContent = `${row.id} ${row.title}`;
      return item;
    }));
  });
</script>
"""

app = create_app()
app.add_url_rule("/faults", "faults", lambda: _PAGE)
app.add_url_rule("/metrics", "metrics", lambda: Response(generate_latest(), mimetype="text/plain"))
