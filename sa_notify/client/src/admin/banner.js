/* "N changes waiting - Show", above the table. */

export class Banner {
  constructor(before, show) {
    this.element = document.createElement("div");
    this.element.id = "sa-notify-banner";
    this.element.setAttribute("role", "status");
    this.text = this.element.appendChild(document.createElement("span"));
    this.button = this.element.appendChild(document.createElement("button"));
    Object.assign(this.button, { type: "button", textContent: "Show", className: "btn btn-sm btn-primary" });
    this.button.addEventListener("click", show);
    this.count(0);
    before.before(this.element);
  }

  count(number) {
    this.element.hidden = number === 0;
    this.element.dataset.count = number;
    this.text.textContent = number === 1 ? "1 change waiting" : `${number} changes waiting`;
  }

  busy(isBusy) {
    this.button.disabled = isBusy;
  }
}
