import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { answer, follow, harness, live, snapshot } from "./harness.js";

const expired = { ok: false, error: { code: "expired_token", message: "too old" } };
const bad = { ok: false, error: { code: "bad_token", message: "not ours" } };

test("an expired token is renewed and the subscription goes on", async () => {
  let asked = 0;
  const renewToken = async () => `fresh ${(asked += 1)}`;
  const { socket, log } = live(["1"], harness(), [{ token: "old" }], { renewToken });
  for (const refusal of [expired, bad]) {
    socket.down();
    socket.up();
    answer(socket, "subscribe", refusal);
    await setImmediate();
    const { token } = answer(socket, "subscribe", { ok: true, key: "k" });
    assert.equal(token, `fresh ${asked}`);
    socket.fire("snapshot", snapshot(1, "k", 1, ["1"]));
    assert.equal(log.handle.state, "live");
  }
  assert.deepEqual([asked, log.errors], [2, []]);
});

test("a renewed token that is refused too ends it", async () => {
  const stage = harness();
  const ended = follow(stage, [{ token: "old" }], { renewToken: async () => "fresh" });
  stage.socket.up();
  answer(stage.socket, "subscribe", expired);
  await setImmediate();
  answer(stage.socket, "subscribe", bad);
  await setImmediate();
  assert.deepEqual([ended.errors, stage.socket.taken()], [[bad.error], []]);
});

test("no new token, or a failing renewToken, ends it with the server's reason", async (t) => {
  t.mock.method(console, "error", () => {});
  for (const renewToken of [async () => null, async () => { throw new Error("away"); }, undefined]) {
    const stage = harness();
    const log = follow(stage, [{ token: "old" }], { renewToken });
    stage.socket.up();
    answer(stage.socket, "subscribe", expired);
    await setImmediate();
    assert.deepEqual([log.errors, log.handle.state], [[expired.error], "stale"]);
  }
});

test("a token that comes after the connection has changed is used when the old one is refused again", async () => {
  let give;
  const stage = harness();
  const log = follow(stage, [{ token: "old" }], { renewToken: () => new Promise((resolve) => { give = resolve; }) });
  stage.socket.up();
  answer(stage.socket, "subscribe", expired);
  stage.socket.down();
  stage.socket.up();
  give("late");
  await setImmediate();
  assert.equal(answer(stage.socket, "subscribe", expired).token, "old");
  give("later");
  await setImmediate();
  assert.equal(answer(stage.socket, "subscribe", { ok: true, key: "k" }).token, "later");
  assert.deepEqual(log.errors, []);
});

test("nothing is asked for what was unsubscribed while its token was renewed", async () => {
  const stage = harness();
  const log = follow(stage, [{ token: "old" }], { renewToken: async () => "fresh" });
  stage.socket.up();
  answer(stage.socket, "subscribe", expired);
  log.handle.unsubscribe();
  await setImmediate();
  assert.deepEqual([stage.socket.taken(), log.errors], [[], []]);
});

test("a token given by the page is the next one used", () => {
  const { socket, log } = live(["1"], harness(), [{ token: "old" }]);
  log.handle.token = "newer";
  socket.down();
  socket.up();
  assert.deepEqual(socket.taken(), [["subscribe", { id: 1, token: "newer" }]]);
});
