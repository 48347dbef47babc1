import assert from "node:assert/strict";
import { test } from "node:test";

import { withoutRefused } from "../src/admin/policy.js";

const HTML = `<p title="a > b onclick=&quot;x&quot;" onclick="return f('>');" data-on="1">text onclick="kept" </p>
<button onclick='g()' class=x>a</button><img src=x onerror=h()><a href="javascript:void(0)">b</a>`;

function withDocument(element, run) {
  globalThis.document = { querySelector: () => element };
  try {
    return run();
  } finally {
    delete globalThis.document;
  }
}

test("handlers are taken out of tags alone, where the page's own are refused", () => {
  const html = withDocument({ onclick: null }, () => withoutRefused(HTML));
  assert.equal(html, `<p title="a > b onclick=&quot;x&quot;" data-on="1">text onclick="kept" </p>
<button class=x>a</button><img src=x><a href="javascript:void(0)">b</a>`);
});

test("elsewhere a page stays as it is", () => {
  assert.equal(withDocument({ onclick() {} }, () => withoutRefused(HTML)), HTML);
  assert.equal(withDocument(null, () => withoutRefused(HTML)), HTML);
});
