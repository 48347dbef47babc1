import assert from "node:assert/strict";
import { test } from "node:test";
import { changesBetween, sameOrder } from "../src/admin/compare.js";

const changes = (shown, fresh) => changesBetween([...shown], [...fresh]);

test("a row that comes and the row it pushes off the page are one change", () => {
  assert.equal(changes("abc", "abc"), 0);
  assert.equal(changes("abc", "xab"), 1);
  assert.equal(changes("abc", "xyz"), 3);
  assert.equal(changes("abc", ""), 3);
  assert.equal(changes("", "ab"), 2);
});

test("a row that stands elsewhere is one change, not as many as it passed", () => {
  assert.equal(changes("abcdef", "fabcde"), 1);
  assert.equal(changes("abcdef", "fedcba"), 5);
  assert.equal(changes("abc", "xca"), 2);
});

test("order is the same when every place is", () => {
  assert.ok(sameOrder([], []));
  assert.ok(!sameOrder(["1"], ["1", "2"]));
  assert.ok(!sameOrder(["1", "2"], ["2", "1"]));
});
