import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { answer, diff, live, snapshot } from "./harness.js";

let warned;
beforeEach(() => {
  mock.restoreAll();
  warned = mock.method(console, "warn", () => {});
});

const broken = {
  "a version that does not meet": diff("k", 3, [], ["1", "2"]),
  "a wrong checksum": diff("k", 1, [["remove", "2"]], ["1", "2"]),
  "an op that can't be": diff("k", 1, [["remove", "9"]], ["1", "2"]),
};

for (const [what, wrong] of Object.entries(broken)) {
  test(`${what} asks for the rows once, and shows stale until they come`, () => {
    const { socket, log, id } = live(["1", "2"]);
    socket.fire("diff", wrong);
    socket.fire("diff", { ...wrong, base: wrong.base + 1, version: wrong.version + 1 });
    const why = what === "a wrong checksum" ? { why: "check" } : {};
    assert.deepEqual(socket.sent.map(({ event, data }) => [event, data]), [["resync", { id, ...why }]]);
    assert.deepEqual([log.handle.state, log.calls.length, warned.mock.callCount()], ["stale", 1, 1]);
    answer(socket, "resync", { ok: true });
    socket.fire("snapshot", snapshot(id, "k", 9, ["5"]));
    socket.fire("diff", diff("k", 9, [["insert", 1, "6", {}]], ["5", "6"]));
    assert.deepEqual([log.handle.state, log.last().keys], ["live", ["5", "6"]]);
    assert.deepEqual(log.calls.map((call) => call.diff === null), [true, true, false]);
  });
}

test("a diff that is older than what is held is no mismatch", () => {
  const { socket, log, id } = live(["1"]);
  socket.fire("snapshot", snapshot(id, "k", 5, ["1"]));
  socket.fire("diff", diff("k", 3, [["remove", "1"]], []));
  assert.deepEqual([socket.taken(), log.handle.state, log.calls.length], [[], "live", 2]);
});

test("each subscription of a key asks for itself", () => {
  const { stage, socket } = live(["1"]);
  live(["1"], stage);
  socket.fire("diff", broken["an op that can't be"]);
  assert.deepEqual(socket.taken(), [["resync", { id: 1 }], ["resync", { id: 2 }]]);
});

test("where the server knows no such subscription, it is made again", () => {
  const { socket, log } = live(["1"]);
  socket.fire("diff", broken["an op that can't be"]);
  answer(socket, "resync", { ok: false, error: { code: "bad_request", message: "no such" } });
  assert.deepEqual(socket.sent.map(({ event, data }) => [event, data.id]), [["subscribe", 1]]);
  answer(socket, "subscribe", { ok: true, key: "new" });
  socket.fire("snapshot", snapshot(1, "new", 1, ["1"]));
  assert.deepEqual([log.handle.state, log.errors], ["live", []]);
});

test("a snapshot with a wrong checksum is asked for again once, then shown as stale", () => {
  const { socket, log, id } = live(["1"]);
  const wrong = snapshot(id, "k", 2, ["1", "2"], { check: 5 });
  socket.fire("snapshot", wrong);
  assert.deepEqual(socket.taken(), [["resync", { id, why: "check" }]]);
  socket.fire("snapshot", wrong);
  assert.deepEqual([socket.taken(), log.handle.state, log.last().keys], [[], "stale", ["1", "2"]]);
  socket.fire("snapshot", snapshot(id, "k", 3, ["2"]));
  assert.equal(log.handle.state, "live");
});
