/* The bundle's entry: window.saNotify, and the admin's list page where there is one. */

import { io } from "socket.io-client";
import { startAdmin } from "./admin/index.js";
import { apiOf } from "./api.js";
import { Realtime } from "./realtime.js";

// a page of Flask-Admin that loads the library for its own use as well has it twice
if (!window.saNotify) {
  const { path, namespace } = document.currentScript?.dataset ?? {};
  const given = Object.entries({ path, namespace }).filter(([, value]) => value);
  window.saNotify = apiOf(new Realtime(io, Object.fromEntries(given)));
  startAdmin(window.saNotify);
}
