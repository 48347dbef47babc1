import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, checkOf } from "../src/crc32.js";

test("it is CRC-32: the catalogue's check value", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test("the check of rowkeys is what zlib.crc32 gives for each followed by a newline, in UTF-8", () => {
  // python: zlib.crc32("".join(key + "\n" for key in keys).encode())
  assert.equal(checkOf([]), 0);
  assert.equal(checkOf(["1", "2", "3"]), 2002736344);
  assert.equal(checkOf(['["a","1"]', '["é","😀"]']), 811644234);
});

test("order counts", () => assert.notEqual(checkOf(["1", "2"]), checkOf(["2", "1"])));
