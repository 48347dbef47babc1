/* A Socket.IO client that a test plays the server of. */

export class FakeSocket {
  constructor() {
    this.connected = false;
    this.active = true;
    this.handlers = {};
    this.sent = [];
    this.connects = 0;
  }

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
  }

  emit(event, data, ack) {
    this.sent.push({ event, data, ack });
  }

  connect() {
    this.connects += 1;
    this.active = true;
  }

  // -- what the test does

  fire(event, data) {
    for (const handler of this.handlers[event] ?? []) handler(data);
  }

  up() {
    this.connected = true;
    this.fire("connect");
  }

  down({ active = true } = {}) {
    this.connected = false;
    this.active = active;
    this.fire("disconnect", "transport close");
  }

  /** What was sent since the last call, as [event, data]. */
  taken() {
    const taken = this.sent;
    this.sent = [];
    this.last = taken;
    return taken.map(({ event, data }) => [event, data]);
  }
}

/** An `io` and the sockets it made, with the arguments they were made with. */
export function fakeIo() {
  const made = [];
  const io = (url, options) => {
    const socket = new FakeSocket();
    made.push({ socket, url, options });
    return socket;
  };
  return { io, made };
}
