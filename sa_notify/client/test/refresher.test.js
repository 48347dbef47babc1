import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Refresher } from "../src/admin/refresher.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.reset());

const settle = () => new Promise((resolve) => { setImmediate(resolve); });

/** A page that stays wrong for as long as `wrong` says, fetched until nobody asks any more. */
function page() {
  const stage = { wrong: true, fetches: 0, troubled: false };
  stage.refresher = new Refresher({
    refresh: async () => { stage.fetches += 1; },
    wanted: () => stage.wrong,
    troubled: (isTroubled) => { stage.troubled = isTroubled; },
  });
  stage.pass = async () => {
    for (let second = 0; second < 60; second += 1) {
      mock.timers.tick(1000);
      await settle();
    }
  };
  return stage;
}

test("a page that fetches don't make right says so, and is fetched no more until something is new", async () => {
  const stage = page();
  stage.refresher.request();
  await stage.pass();
  assert.deepEqual([stage.fetches, stage.troubled], [6, true]);
  stage.refresher.request();
  await stage.pass();
  assert.equal(stage.fetches, 6);
  stage.refresher.renewed();
  stage.refresher.request();
  await stage.pass();
  assert.deepEqual([stage.fetches, stage.troubled], [12, true]);
});

test("a page that came right without a fetch is in trouble no more", async () => {
  const stage = page();
  stage.refresher.request();
  await stage.pass();
  stage.wrong = false;
  stage.refresher.renewed();
  assert.equal(stage.troubled, false);
});
