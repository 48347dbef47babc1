/* window.saNotify */

/** The public functions over a Realtime, usable without `this`. */
export function apiOf(realtime) {
  return {
    /**
     * Follow a live query.
     *
     *   saNotify.subscribe("open_todos", {owner: 5}, ({rows, keys, total, diff, version}) => ..., options?)
     *   saNotify.subscribe({token}, callback, options?)     a token that the server signed into the page
     *
     * `rows` are plain objects in order, `keys` their rowkeys, `diff` the ops since the last call, or null when
     * everything is new. options: `onError({code, message})`, `onState(state)`, `renewToken: async () => token`.
     * Gives `{unsubscribe(), state, error}`; state is "live", "reconnecting" (no connection), or "stale" (connected,
     * but not known to be up to date).
     */
    subscribe(query, ...rest) {
      if (typeof query === "string") {
        const [params, callback, options] = typeof rest[0] === "function" ? [{}, ...rest] : rest;
        return realtime.subscribe({ query, params: params ?? {} }, callback, options);
      }
      if (typeof query?.token !== "string") throw new TypeError("saNotify.subscribe takes a query's name or {token}");
      return realtime.subscribe({ token: query.token }, ...rest);
    },
    /** The same as `subscribe({token}, callback, options)`. */
    subscribeToken: (token, callback, options) => realtime.subscribe({ token }, callback, options),
    /** `{url, path, namespace}` of the server, where they are not the page's own; before the first subscription. */
    configure: (settings) => realtime.configure(settings),
    /** Have `listener(state)` called when `state` changes; gives the function that ends it. */
    onState: (listener) => realtime.onState(listener),
    /** The worst state of all subscriptions. */
    get state() { return realtime.state; },
  };
}
