/* One Socket.IO connection that is kept up. */

import { Backoff } from "./backoff.js";

const EVENTS = ["snapshot", "diff", "closed", "heartbeat"];

export class Connection {
  #backoff = new Backoff(1000, 30000);
  #timer = null;

  /**
   * `receiver` has `connected()`, `disconnected()` and a method for each event of the wire.
   */
  constructor(io, url, path, receiver) {
    this.socket = io(url, { transports: ["websocket"], path });
    /** Grows with each connection, so that an answer can be told to belong to an earlier one. */
    this.number = 0;
    this.receiver = receiver;
    this.socket.on("connect", () => this.#up());
    this.socket.on("disconnect", () => this.#down());
    this.socket.on("connect_error", () => this.#down());
    for (const event of EVENTS) this.socket.on(event, (data) => receiver[event](data));
    // a page that the browser keeps for "back" would come back as live as it went
    globalThis.addEventListener?.("pagehide", () => this.socket.disconnect());
    globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && this.#reconnect());
  }

  get online() {
    return this.number > 0 && this.socket.connected;
  }

  /**
   * Ask, and have `answered` called with the acknowledgement if it comes over the same connection.
   * Socket.IO would keep what is sent while it is down and send it beside the new subscriptions: nothing is.
   */
  ask(event, data, answered = () => {}) {
    if (!this.online) return;
    const { number } = this;
    this.socket.emit(event, data, (answer) => {
      if (this.number === number && this.online) answered(answer);
    });
  }

  #up() {
    this.number += 1;
    this.#backoff.reset();
    this.receiver.connected();
  }

  #down() {
    // Socket.IO tries again by itself, except where the server has refused or closed the namespace
    if (!this.socket.active) this.#retry();
    this.receiver.disconnected();
  }

  #retry() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.socket.connect(), this.#backoff.next());
  }

  #reconnect() {
    clearTimeout(this.#timer);
    this.socket.connect();
  }
}
