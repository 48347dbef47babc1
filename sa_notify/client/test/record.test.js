import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { recall, remember } from "../src/admin/record/memory.js";
import { sentences } from "../src/admin/record/summary.js";
import { verdict } from "../src/admin/record/verdict.js";

const said = (base, mine, theirs, busy = false) => verdict({ base, mine, theirs, busy });

test("what nobody else changed is the user's own", () => {
  assert.equal(said("a", "a", "a"), "none");
  assert.equal(said("a", "b", "a"), "none");
  assert.equal(said("a", "b", "a", true), "none");
});

test("a field that only others changed is updated, unless somebody is at it", () => {
  assert.equal(said("a", "a", "b"), "update");
  assert.equal(said("a", "a", "b", true), "conflict");
});

test("a field that both changed is asked about, unless both have the same", () => {
  assert.equal(said("a", "b", "c"), "conflict");
  assert.equal(said("a", "b", "b"), "agreed");
  assert.equal(said("a", "b", "b", true), "agreed");
});

test("a decision makes theirs the beginning: nothing more is said until they change it again", () => {
  assert.equal(said("theirs", "mine", "theirs"), "none");
  assert.equal(said("theirs", "mine", "newer"), "conflict");
  assert.equal(said("theirs", "mine", "mine"), "agreed");
});

test("the summary names fields by what became of them, and says nothing of the others", () => {
  const field = (name, state) => ({ name, state });
  const fields = [field("a", "conflict"), field("b", "none"), field("c", "updated"), field("d", "updated")];
  const found = sentences(fields).map(({ words, fields: named }) => [words, named.map(({ name }) => name)]);
  assert.deepEqual(found, [["Updated here:", ["c", "d"]], ["Keep yours or take theirs:", ["a"]]]);
  assert.deepEqual(sentences([field("b", "none")]), []);
});

class Storage extends Map {
  getItem(key) { return this.get(key) ?? null; }
  setItem(key, value) { this.set(key, value); }
  removeItem(key) { this.delete(key); }
}

beforeEach(() => { globalThis.sessionStorage = new Storage(); });

test("what a form began with is recalled once, by its record", () => {
  remember("/admin/edit/ 1", { title: "a" });
  assert.deepEqual(recall("/admin/edit/ 2"), {});
  assert.deepEqual(recall("/admin/edit/ 1"), { title: "a" });
  assert.deepEqual(recall("/admin/edit/ 1"), {});
});

test("a browser that keeps nothing, or something else, is no failure", () => {
  sessionStorage.setItem("sa-notify:x", "{");
  assert.deepEqual(recall("x"), {});
  globalThis.sessionStorage = { setItem() { throw new Error("full"); }, getItem() { throw new Error("refused"); } };
  remember("x", {});
  assert.deepEqual(recall("x"), {});
});
