import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOf } from "../src/crc32.js";
import { HeldWindow, Mismatch } from "../src/held.js";

/* A generator with a seed, so that a failure can be run again. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function list(pick, alphabet) {
  const keys = [...alphabet].sort(() => pick(2) - 0.5).slice(0, pick(alphabet.length + 1));
  return keys.map((rowkey) => [rowkey, { rowkey, a: pick(3), b: pick(3) }]);
}

/* Plain and wasteful: take out what left, then put each position right from the left. */
function opsBetween(before, after) {
  const target = new Map(after);
  const keys = before.map(([rowkey]) => rowkey);
  const ops = keys.filter((rowkey) => !target.has(rowkey)).map((rowkey) => ["remove", rowkey]);
  const now = keys.filter((rowkey) => target.has(rowkey));
  const old = new Map(before);
  after.forEach(([rowkey, row], position) => {
    if (!old.has(rowkey)) {
      ops.push(["insert", position, rowkey, row]);
      now.splice(position, 0, rowkey);
      return;
    }
    if (now[position] !== rowkey) {
      now.splice(now.indexOf(rowkey), 1);
      now.splice(position, 0, rowkey);
      ops.push(["move", rowkey, position]);
    }
    const changed = Object.entries(row).filter(([column, value]) => old.get(rowkey)[column] !== value);
    if (changed.length) ops.push(["update", rowkey, Object.fromEntries(changed)]);
  });
  return ops;
}

const ALPHABET = ["1", "2", "10", "-3", '["a","1"]', '["a","2"]', "é", "😀", "__proto__", "constructor", ""];

test("any list becomes any other by the ops between them", () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const pick = random(seed);
    const before = list(pick, ALPHABET);
    const after = list(pick, ALPHABET);
    const held = new HeldWindow({ rows: before, version: 7, total: null });
    const check = checkOf(after.map(([rowkey]) => rowkey));
    held.apply({ base: 7, version: 8, ops: opsBetween(before, after), total: seed, check });
    const view = held.view();
    assert.deepEqual(view.keys.map((rowkey, index) => [rowkey, view.rows[index]]), after, `seed ${seed}`);
    assert.deepEqual([view.total, view.version], [seed, 8]);
  }
});

const of = (...keys) => new HeldWindow({ rows: keys.map((rowkey) => [rowkey, { a: 1, b: 1 }]), version: 1 });
const ops = (...list_) => ({ base: 1, version: 2, ops: list_ });

test("a move's position is that after taking the row out", () => {
  const held = of("1", "2", "3");
  held.apply(ops(["move", "1", 2]));
  assert.deepEqual(held.keys, ["2", "3", "1"]);
});

test("an update keeps the columns it does not name, and replaces the row object", () => {
  const held = of("1");
  const [before] = held.view().rows;
  held.apply(ops(["update", "1", { a: 2 }]));
  assert.deepEqual(held.view().rows, [{ a: 2, b: 1 }]);
  assert.deepEqual(before, { a: 1, b: 1 });
});

test("what can't follow from what is held is a Mismatch", () => {
  const impossible = [
    ["remove", "9"], ["update", "9", {}], ["move", "9", 0], ["insert", 0, "1", {}], ["insert", 4, "9", {}],
    ["insert", -1, "9", {}], ["insert", "0", "9", {}], ["move", "1", 3], ["swap", "1", "2"], ["toString"],
  ];
  for (const op of impossible) {
    assert.throws(() => of("1", "2", "3").apply(ops(op)), Mismatch, JSON.stringify(op));
  }
  assert.throws(() => of("1").apply({ base: 2, version: 3, ops: [] }), Mismatch);
  assert.throws(() => of("1").apply({ ...ops(), check: 1 }), Mismatch);
});

test("a view's arrays belong to the caller", () => {
  const held = of("1", "2");
  held.view().keys.length = 0;
  held.view().rows.length = 0;
  assert.equal(held.view().keys.length, 2);
});
