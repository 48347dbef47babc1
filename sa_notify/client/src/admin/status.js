/* The dot in the tab bar, and its words. */

const TEXT = {
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Not up to date",
  ended: "Not live any more: reload the page",
};

export class Status {
  /** Last in `bar`, a list of tabs, or before `fallback` where there is none. */
  constructor(bar, fallback, id = "sa-notify-status") {
    this.element = document.createElement(bar ? "li" : "div");
    Object.assign(this.element, { id, className: "sa-notify-status" });
    this.element.setAttribute("role", "status");
    this.text = this.element.appendChild(document.createElement("span"));
    if (bar) bar.append(this.element);
    else fallback.before(this.element);
    this.show("reconnecting");
  }

  show(state) {
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.element.title = TEXT[state];
    this.text.textContent = TEXT[state];
  }
}
