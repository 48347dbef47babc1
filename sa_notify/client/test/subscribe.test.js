import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, diff, follow, harness, live, snapshot } from "./harness.js";

test("the first subscription makes the one socket, websocket only", () => {
  const stage = harness();
  assert.equal(stage.made.length, 0);
  follow(stage);
  follow(stage);
  assert.deepEqual(stage.made.map(({ url, options }) => [url, options]), [
    ["/realtime", { transports: ["websocket"], path: "/socket.io" }],
  ]);
  assert.deepEqual(stage.socket.sent, [], "nothing is sent, or kept by Socket.IO, before the connection is up");
});

test("configure names another server, before the first subscription only", () => {
  const stage = harness({ path: "/from/tag" });
  stage.api.configure({ url: "https://live.example/" });
  follow(stage);
  assert.deepEqual([stage.made[0].url, stage.made[0].options.path], ["https://live.example/realtime", "/from/tag"]);
  assert.throws(() => stage.api.configure({ url: "x" }), /before the first/);
});

test("what is asked: a query with parameters, or a token, each with a number of its own", () => {
  const stage = harness();
  follow(stage, ["open_todos", { owner: 5 }]);
  follow(stage, ["all"]);
  follow(stage, [{ token: "signed" }]);
  stage.api.subscribeToken("other", () => {});
  stage.socket.up();
  assert.deepEqual(stage.socket.taken(), [
    ["subscribe", { id: 1, query: "open_todos", params: { owner: 5 } }],
    ["subscribe", { id: 2, query: "all", params: {} }],
    ["subscribe", { id: 3, token: "signed" }],
    ["subscribe", { id: 4, token: "other" }],
  ]);
});

test("mistakes of the page are errors at once", () => {
  const { api } = harness();
  assert.throws(() => api.subscribe("q", {}), TypeError);
  assert.throws(() => api.subscribe({}, () => {}), TypeError);
});

test("snapshot and diffs reach the callback in order", () => {
  const { socket, log } = live(["1", "2"]);
  socket.fire("diff", diff("k", 1, [["update", "1", { a: 5 }], ["remove", "2"]], ["1"], { total: 9 }));
  assert.deepEqual(log.calls, [
    { rows: [{ id: "1" }, { id: "2" }], keys: ["1", "2"], total: 2, diff: null, version: 1 },
    { rows: [{ id: "1", a: 5 }], keys: ["1"], total: 9, diff: [["update", "1", { a: 5 }], ["remove", "2"]], version: 2 },
  ]);
});

test("a snapshot may come before the acknowledgement, and may come again and replace everything", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  stage.socket.fire("snapshot", snapshot(1, "k2", 4, ["1"]));
  answer(stage.socket, "subscribe", { ok: true, key: "k1" });
  stage.socket.fire("diff", diff("k2", 4, [["insert", 0, "7", {}]], ["7", "1"]));
  stage.socket.fire("snapshot", snapshot(1, "k3", 1, ["8"]));
  stage.socket.fire("diff", diff("k2", 5, [["remove", "7"]], ["1"]));
  assert.deepEqual(log.calls.map(({ keys }) => keys), [["1"], ["7", "1"], ["8"]]);
  assert.equal(log.handle.state, "live");
});

test("the end may come before the acknowledgement; what is closed otherwise is nobody's", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  stage.socket.fire("closed", { key: "k1", error: { code: "forbidden", message: "no" } });
  answer(stage.socket, "subscribe", { ok: true, key: "k1" });
  assert.equal(log.handle.ended, true);
  assert.equal(log.handle.error.code, "forbidden");

  stage.socket.fire("closed", { key: "k2", error: { code: "forbidden", message: "no" } });
  const second = follow(stage);
  answer(stage.socket, "subscribe", { ok: true, key: "k2" });
  assert.equal(second.handle.ended, false);
});

test("snapshots of unknown numbers and diffs of unknown keys are nobody's", () => {
  const { socket, log } = live(["1"]);
  socket.fire("snapshot", snapshot(99, "k", 1, []));
  socket.fire("diff", diff("other", 1, [["remove", "1"]], []));
  assert.equal(log.calls.length, 1);
  assert.deepEqual(socket.taken(), []);
});

test("one diff serves all subscriptions of its key, each from its own version on", () => {
  const { stage, socket, log } = live(["1"]);
  socket.fire("diff", diff("k", 1, [["insert", 1, "2", {}]], ["1", "2"]));
  const second = follow(stage);
  answer(socket, "subscribe", { ok: true, key: "k" });
  socket.fire("diff", diff("k", 2, [["insert", 2, "3", {}]], ["1", "2", "3"]));
  assert.deepEqual(second.calls, [], "it has no snapshot yet");
  socket.fire("snapshot", snapshot(2, "k", 3, ["1", "2", "3"]));
  socket.fire("diff", diff("k", 2, [["insert", 2, "3", {}]], ["1", "2", "3"]));
  socket.fire("diff", diff("k", 3, [["remove", "1"]], ["2", "3"]));
  assert.deepEqual(log.calls.map(({ version }) => version), [1, 2, 3, 4]);
  assert.deepEqual(second.calls.map(({ version }) => version), [3, 4]);
  assert.deepEqual(log.last().keys, second.last().keys);
  assert.deepEqual(socket.taken(), []);
});

test("a callback that throws harms nobody else", (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const { stage, socket, log } = live(["1"]);
  stage.api.subscribe("q", () => { throw new Error("mine"); });
  answer(socket, "subscribe", { ok: true, key: "k" });
  socket.fire("snapshot", snapshot(2, "k", 1, ["1"]));
  socket.fire("diff", diff("k", 1, [["remove", "1"]], []));
  assert.deepEqual(log.last().keys, []);
  assert.equal(reported.mock.callCount(), 2);
});

test("a refusal ends the subscription and is told, to the console where nobody listens", (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const stage = harness();
  const log = follow(stage);
  stage.api.subscribe("q", () => {});
  stage.socket.up();
  const error = { code: "unknown_query", message: "no such" };
  answer(stage.socket, "subscribe", { ok: false, error });
  answer(stage.socket, "subscribe", { ok: false, error });
  assert.deepEqual(log.errors, [error]);
  assert.deepEqual([log.handle.state, log.handle.error], ["stale", error]);
  assert.match(reported.mock.calls[0].arguments[0], /unknown_query: no such/);
  stage.socket.down();
  stage.socket.up();
  assert.deepEqual(stage.socket.taken(), []);
});

test("closed ends every subscription of its key", () => {
  const { stage, socket, log } = live(["1"]);
  const second = live(["1"], stage).log;
  const error = { code: "forbidden", message: "not any more" };
  socket.fire("closed", { key: "k", error });
  socket.fire("closed", { key: "k", error });
  socket.fire("diff", diff("k", 1, [["remove", "1"]], []));
  assert.deepEqual([log.errors, second.errors], [[error], [error]]);
  assert.deepEqual([log.calls.length, second.calls.length, stage.api.state], [1, 1, "stale"]);
});

test("unsubscribe waits for the answer to subscribe, and nothing is called afterwards", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  log.handle.unsubscribe();
  assert.deepEqual(stage.socket.sent.map(({ event }) => event), ["subscribe"]);
  stage.socket.fire("snapshot", snapshot(1, "k", 1, ["1"]));
  answer(stage.socket, "subscribe", { ok: true, key: "k" });
  assert.deepEqual(stage.socket.taken(), [["unsubscribe", { id: 1 }]]);
  log.handle.unsubscribe();
  assert.deepEqual([stage.socket.taken(), log.calls, log.errors], [[], [], []]);
});

test("a refusal of what was unsubscribed meanwhile is told to nobody", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  log.handle.unsubscribe();
  answer(stage.socket, "subscribe", { ok: false, error: { code: "forbidden", message: "" } });
  assert.deepEqual([stage.socket.taken(), log.errors], [[], []]);
});

test("unsubscribing from inside a callback stops the rest of that diff", () => {
  const { stage, socket } = live(["1"]);
  const second = live(["1"], stage);
  stage.api.onState(() => {});
  const calls = [];
  const first = stage.api.subscribe("q", (view) => { calls.push(view.version); first.unsubscribe(); });
  answer(socket, "subscribe", { ok: true, key: "k" });
  socket.fire("snapshot", snapshot(3, "k", 1, ["1"]));
  socket.fire("diff", diff("k", 1, [["remove", "1"]], []));
  assert.deepEqual([calls, second.log.last().version], [[1], 2]);
  assert.deepEqual(socket.taken(), [["unsubscribe", { id: 3 }]]);
});

test("unsubscribing when told of a state comes before the rows that brought it", () => {
  const stage = harness();
  const options = { onState: (state) => { if (state === "live") log.handle.unsubscribe(); } };
  const log = follow(stage, ["q"], options);
  stage.socket.up();
  answer(stage.socket, "subscribe", { ok: true, key: "k" });
  stage.socket.fire("snapshot", snapshot(1, "k", 1, ["1"]));
  assert.deepEqual([stage.socket.taken(), log.calls], [[["unsubscribe", { id: 1 }]], []]);
});
