import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../src/connection.js";
import { fakeIo } from "./fake_socket.js";

test("nothing is given to Socket.IO while it is down: it would send it later, beside what is asked then", () => {
  const { io, made } = fakeIo();
  const connection = new Connection(io, "/realtime", "/socket.io", { connected() {}, disconnected() {} });
  connection.ask("unsubscribe", { id: 1 });
  made[0].socket.up();
  made[0].socket.down();
  connection.ask("unsubscribe", { id: 1 });
  assert.deepEqual(made[0].socket.taken(), []);
});
