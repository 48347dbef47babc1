import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { live } from "./harness.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.reset());

const beat = (alive) => ({ epoch: "e", position: 1, live: alive });

test("the server's word that it is not up to date is shown at once, and taken back by the next", () => {
  const { stage, socket, log } = live(["1"]);
  const overall = [];
  stage.api.onState((state) => overall.push(state));
  socket.fire("heartbeat", beat(false));
  assert.deepEqual([log.handle.state, stage.api.state], ["stale", "stale"]);
  socket.fire("heartbeat", beat(true));
  assert.deepEqual(overall, ["stale", "live"]);
});

test("five seconds without a heartbeat are stale", () => {
  const { socket, log } = live(["1"]);
  mock.timers.tick(4999);
  assert.equal(log.handle.state, "live");
  socket.fire("heartbeat", beat(true));
  mock.timers.tick(4999);
  assert.equal(log.handle.state, "live");
  mock.timers.tick(1);
  assert.equal(log.handle.state, "stale");
  socket.fire("heartbeat", beat(true));
  assert.equal(log.handle.state, "live");
});

test("no heartbeat is missed where there is no subscription", () => {
  const { stage, log } = live(["1"]);
  log.handle.unsubscribe();
  mock.timers.tick(60000);
  const second = live(["1"], stage);
  assert.equal(second.log.handle.state, "live");
  mock.timers.tick(5000);
  assert.equal(second.log.handle.state, "stale");
});

test("a new connection starts with a clean slate", () => {
  const { stage, socket, log, id } = live(["1"]);
  socket.fire("heartbeat", beat(false));
  socket.down();
  mock.timers.tick(60000);
  assert.equal(log.handle.state, "reconnecting");
  socket.up();
  socket.sent.splice(0)[0].ack({ ok: true, key: "k" });
  socket.fire("snapshot", { id, key: "k", version: 1, rows: [], total: 0, check: 0 });
  assert.equal(stage.api.state, "live");
});

test("whoever stopped listening is not told", () => {
  const { stage, socket } = live(["1"]);
  const heard = [];
  const stop = stage.api.onState((state) => heard.push(state));
  stop();
  socket.fire("heartbeat", beat(false));
  assert.deepEqual(heard, []);
});
