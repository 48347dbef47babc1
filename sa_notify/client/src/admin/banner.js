/* "N changes waiting - Show", above the list, where it moves nothing. */

export class Banner {
  constructor(before, show) {
    const place = document.createElement("div");
    place.className = "sa-notify-above";
    // not the banner itself: what begins to be said is read out where the place was there before
    place.setAttribute("role", "status");
    this.element = place.appendChild(document.createElement("div"));
    this.element.id = "sa-notify-banner";
    this.element.className = "alert alert-warning shadow-sm";
    this.text = this.element.appendChild(document.createElement("span"));
    this.button = this.element.appendChild(document.createElement("button"));
    Object.assign(this.button, { type: "button", textContent: "Show", className: "btn btn-sm btn-primary" });
    this.button.addEventListener("click", show);
    this.count(0);
    before.before(place);
  }

  count(number) {
    this.element.hidden = number === 0;
    this.element.dataset.count = number;
    this.text.textContent = number === 1 ? "1 change waiting" : `${number} changes waiting`;
  }

  get hasFocus() {
    return document.activeElement === this.button;
  }

  busy(isBusy) {
    this.button.disabled = isBusy;
  }
}
