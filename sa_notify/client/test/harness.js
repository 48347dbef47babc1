/* A Realtime with one fake connection, and the server's side of the protocol in a few words. */

import { apiOf } from "../src/api.js";
import { checkOf } from "../src/crc32.js";
import { Realtime } from "../src/realtime.js";
import { fakeIo } from "./fake_socket.js";

export function harness(settings) {
  const { io, made } = fakeIo();
  const api = apiOf(new Realtime(io, settings));
  return { api, made, get socket() { return made[0].socket; } };
}

/** Subscribe on a connection that is up; what the callback, onError and onState were given. */
export function follow(stage, what = ["q", { a: 1 }], options = {}) {
  const log = { calls: [], errors: [], states: [] };
  log.handle = stage.api.subscribe(...what, (view) => log.calls.push(view), {
    onError: (error) => log.errors.push(error),
    onState: (state) => log.states.push(state),
    ...options,
  });
  log.last = () => log.calls.at(-1);
  return log;
}

/** Acknowledge the oldest `event` that waits for it. */
export function answer(socket, event, reply) {
  const index = socket.sent.findIndex((one) => one.event === event);
  if (index < 0) throw new Error(`no ${event} waits: ${JSON.stringify(socket.sent)}`);
  const [{ ack, data }] = socket.sent.splice(index, 1);
  ack(reply);
  return data;
}

export function snapshot(id, key, version, keys, extra = {}) {
  const rows = keys.map((rowkey) => [rowkey, { id: rowkey }]);
  return { id, key, version, rows, total: keys.length, check: checkOf(keys), ...extra };
}

/** A diff whose check is that of `after`. */
export function diff(key, base, ops, after, extra = {}) {
  return { key, base, version: base + 1, ops, total: after.length, check: checkOf(after), ...extra };
}

/** A subscription that is live at version 1 with these rowkeys. */
export function live(keys, stage = harness(), what = ["q", { a: 1 }], options = {}) {
  const log = follow(stage, what, options);
  if (!stage.socket.connected) stage.socket.up();
  const { id } = answer(stage.socket, "subscribe", { ok: true, key: "k" });
  stage.socket.fire("snapshot", snapshot(id, "k", 1, keys));
  return { stage, socket: stage.socket, log, id };
}
