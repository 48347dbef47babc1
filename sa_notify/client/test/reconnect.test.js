import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { answer, diff, follow, harness, live, snapshot } from "./harness.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.reset());

test("every connection subscribes again with the same numbers; the rows stay until new ones come", () => {
  const { stage, socket, log } = live(["1"]);
  const second = live(["1"], stage, ["other"]);
  socket.down();
  assert.deepEqual([log.handle.state, stage.api.state], ["reconnecting", "reconnecting"]);
  socket.up();
  assert.deepEqual(socket.sent.map(({ event, data }) => [event, data.id]), [["subscribe", 1], ["subscribe", 2]]);
  assert.equal(log.handle.state, "stale");
  socket.fire("diff", diff("k", 1, [["remove", "1"]], []));
  assert.equal(log.calls.length, 1, "a diff for what was held before the break is not applied");
  answer(socket, "subscribe", { ok: true, key: "n" });
  socket.fire("snapshot", snapshot(1, "n", 1, ["1", "2"]));
  assert.deepEqual([log.handle.state, second.log.handle.state, stage.api.state], ["live", "stale", "stale"]);
  assert.deepEqual(log.states, ["stale", "live", "reconnecting", "stale", "live"]);
});

test("an unsubscribed one is not subscribed again, nor told of while the connection is down", () => {
  const { socket, log } = live(["1"]);
  socket.down();
  log.handle.unsubscribe();
  assert.deepEqual(socket.taken(), []);
  socket.up();
  assert.deepEqual(socket.taken(), []);
});

test("an answer that belongs to an earlier connection is nothing", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  const [{ ack }] = stage.socket.sent.splice(0);
  stage.socket.down();
  stage.socket.up();
  ack({ ok: false, error: { code: "forbidden", message: "" } });
  assert.deepEqual([log.errors, log.handle.error], [[], null]);
  assert.equal(stage.socket.sent.length, 1);
});

test("where Socket.IO gives up (the server closed the namespace), it is tried again, later and later", () => {
  const { socket } = live(["1"]);
  socket.down({ active: false });
  assert.equal(socket.connects, 0);
  mock.timers.tick(1000);
  assert.equal(socket.connects, 1);
  socket.active = false;
  socket.fire("connect_error", new Error("refused"));
  mock.timers.tick(999);
  assert.equal(socket.connects, 1);
  mock.timers.tick(1001);
  assert.equal(socket.connects, 2);
});

test("while Socket.IO tries by itself, nothing is added", () => {
  const { stage, socket } = live(["1"]);
  socket.down();
  socket.fire("connect_error", new Error("away"));
  mock.timers.tick(60000);
  assert.deepEqual([socket.connects, stage.api.state], [0, "reconnecting"]);
});

test("a query that fails after it worked is asked again, and told once", () => {
  const { socket, log } = live(["1"]);
  const error = { code: "query_failed", message: "the database is away" };
  socket.fire("closed", { key: "k", error });
  assert.deepEqual([log.handle.state, log.handle.error], ["stale", error]);
  for (const wait of [1000, 2000, 4000]) {
    mock.timers.tick(wait);
    answer(socket, "subscribe", { ok: false, error });
  }
  assert.deepEqual(log.errors, [error]);
  mock.timers.tick(8000);
  answer(socket, "subscribe", { ok: true, key: "k2" });
  socket.fire("snapshot", snapshot(1, "k2", 1, ["1"]));
  assert.deepEqual([log.handle.state, log.handle.error], ["live", null]);
});

test("a request that came too soon is made again when it may be, and nobody is told", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  const error = { code: "too_many", message: "", retry_after: 2 };
  answer(stage.socket, "subscribe", { ok: false, error });
  mock.timers.tick(1999);
  assert.deepEqual(stage.socket.taken(), []);
  mock.timers.tick(1001);
  answer(stage.socket, "subscribe", { ok: true, key: "k" });
  stage.socket.fire("snapshot", snapshot(1, "k", 1, ["1"]));
  assert.deepEqual([log.handle.state, log.errors], ["live", []]);
});

test("rows that are asked for again too soon are asked for when they may be", () => {
  const { socket, log } = live(["1"]);
  socket.fire("diff", { key: "k", base: 1, version: 2, ops: [], check: 1 });
  const data = answer(socket, "resync", { ok: false, error: { code: "too_many", message: "", retry_after: 1 } });
  assert.equal(data.why, "check");
  mock.timers.tick(1501);
  answer(socket, "resync", { ok: true });
  socket.fire("snapshot", snapshot(1, "k", 2, ["1"]));
  assert.equal(log.handle.state, "live");
});

test("a query that fails at first is not asked again", () => {
  const stage = harness();
  const log = follow(stage);
  stage.socket.up();
  answer(stage.socket, "subscribe", { ok: false, error: { code: "query_failed", message: "" } });
  mock.timers.tick(60000);
  assert.deepEqual([stage.socket.taken(), log.errors.length], [[], 1]);
});
