/* "Changed to ... by someone else": beside a field, with what can be done about it. */

export class Conflict {
  #text;

  /** `keep()` and `take()` are what the buttons do; `url` loads the form anew where a field can't be taken over. */
  constructor(name, label, url, { keep, take }) {
    this.element = element("div", "sa-notify-conflict");
    this.element.id = `sa-notify-conflict-${name}`;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", `${label}: changed by someone else`);
    this.words = this.element.appendChild(element("div"));
    this.keep = this.#button("Keep mine", "btn-secondary", keep);
    this.take = this.#button("Take theirs", "btn-primary", take);
    this.reload = this.element.appendChild(element("a", "btn btn-sm btn-secondary", "Reload, and lose what I entered"));
    this.reload.href = url;
  }

  /** Say to what it changed; `text` is null where that can't be said. */
  show(place, text, canTake) {
    if (this.#text !== text) this.#say(text);
    this.#text = text;
    this.take.hidden = !canTake;
    this.reload.hidden = canTake;
    if (!this.element.isConnected) place.append(this.element);
  }

  hide() {
    this.element.remove();
  }

  #say(text) {
    const theirs = element("span", "sa-notify-theirs", text || "(empty)");
    if (text === null) this.words.replaceChildren("Changed by someone else. This page can't show it.");
    else this.words.replaceChildren("Changed to ", theirs, " by someone else.");
  }

  #button(text, look, act) {
    const button = this.element.appendChild(element("button", `btn btn-sm ${look}`, text));
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }
}

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
