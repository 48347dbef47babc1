/* All subscriptions of a page, over one connection. */

import { Connection } from "./connection.js";
import { Heartbeat } from "./heartbeat.js";
import { Subscription, guarded } from "./subscription.js";

const WORST_FIRST = ["reconnecting", "stale", "live"];

export class Realtime {
  #subscriptions = new Map();
  #shown = new Map();
  #listeners = new Set();
  #state = "live";
  #lastId = 0;
  /** Closed by key, of which nobody knew yet: the end may overtake the acknowledgement. */
  #closedEarly = new Map();
  #heartbeat = new Heartbeat(() => this.changed());

  /** `io` is socket.io-client's; `settings` are `{url, path, namespace}`. */
  constructor(io, settings = {}) {
    this.io = io;
    this.settings = { url: "", path: "/socket.io", namespace: "/realtime", ...settings };
    this.connection = null;
  }

  /** Where the server is; before the first subscription only. */
  configure({ url, path, namespace }) {
    if (this.connection) throw new Error("saNotify.configure() comes before the first subscribe()");
    for (const [name, value] of Object.entries({ url, path, namespace })) {
      if (value !== undefined) this.settings[name] = value;
    }
  }

  /** The worst state of all subscriptions; "live" where there is none. */
  get state() {
    return this.#state;
  }

  /** Have `listener(state)` called at each change of `state`; gives the function that ends it. */
  onState(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscribe(what, callback, options = {}) {
    if (typeof callback !== "function") throw new TypeError("saNotify.subscribe needs a callback function");
    this.#lastId += 1;
    const subscription = new Subscription(this, this.#lastId, what, callback, options);
    this.#subscriptions.set(subscription.id, subscription);
    this.#shown.set(subscription.id, "reconnecting");
    this.connection ??= this.#connect();
    if (this.connection.online) subscription.ask();
    this.changed();
    return this.#handle(subscription);
  }

  #handle(subscription) {
    const stateOf = () => this.#stateOf(subscription);
    return {
      unsubscribe: () => this.#unsubscribe(subscription),
      get state() { return stateOf(); },
      get error() { return subscription.error; },
      /** Whether no more will come: the server has refused it. */
      get ended() { return subscription.ended; },
      /** The token that the next subscription (after a reconnection) is made with. */
      set token(token) { subscription.what = { token }; },
    };
  }

  #connect() {
    const { url, path, namespace } = this.settings;
    return new Connection(this.io, url.replace(/\/+$/, "") + namespace, path, this);
  }

  #unsubscribe(subscription) {
    subscription.unsubscribe();
    this.#subscriptions.delete(subscription.id);
    this.#shown.delete(subscription.id);
    this.changed();
  }

  #any(test) {
    return [...this.#subscriptions.values()].some(test);
  }

  // -- what subscriptions say

  ask(event, data, answered) {
    this.connection.ask(event, data, answered);
  }

  /** The server beats for clients that have a subscription: the first begins the watch. */
  acknowledged(subscription) {
    if (!this.#any((one) => one !== subscription && one.acknowledged)) this.#heartbeat.expect();
    const error = this.#closedEarly.get(subscription.key);
    if (!this.#any((one) => one.asking)) this.#closedEarly.clear();
    if (error) subscription.closed(error);
    this.changed();
  }

  /** Tell whoever listens what has become of the states. */
  changed() {
    let worst = "live";
    for (const subscription of [...this.#subscriptions.values()]) {
      const state = this.#stateOf(subscription);
      worst = WORST_FIRST.find((one) => one === state || one === worst);
      if (this.#shown.get(subscription.id) !== state && !subscription.gone) {
        this.#shown.set(subscription.id, state);
        if (subscription.options.onState) guarded(() => subscription.options.onState(state));
      }
    }
    if (worst === this.#state) return;
    this.#state = worst;
    for (const listener of [...this.#listeners]) guarded(() => listener(worst));
  }

  #stateOf(subscription) {
    if (subscription.ended) return "stale";
    if (!this.connection?.online) return "reconnecting";
    return subscription.proven && this.#heartbeat.live ? "live" : "stale";
  }

  // -- what the connection says

  connected() {
    this.#heartbeat.stop();
    this.#closedEarly.clear();
    for (const subscription of [...this.#subscriptions.values()]) {
      if (!subscription.ended) subscription.ask();
    }
    this.changed();
  }

  disconnected() {
    this.#heartbeat.stop();
    for (const subscription of this.#subscriptions.values()) subscription.disconnected();
    this.changed();
  }

  snapshot(data) {
    const subscription = this.#subscriptions.get(data.id);
    if (subscription && !subscription.ended) subscription.snapshot(data);
  }

  diff(data) {
    for (const subscription of this.#with(data.key)) subscription.diff(data);
  }

  closed({ key, error }) {
    const found = this.#with(key);
    for (const subscription of found) subscription.closed(error);
    if (!found.length && this.#any((one) => one.asking)) this.#closedEarly.set(key, error);
  }

  heartbeat(data) {
    if (this.#subscriptions.size) this.#heartbeat.beat(data);
  }

  #with(key) {
    return [...this.#subscriptions.values()].filter((one) => one.key === key && !one.ended);
  }
}
