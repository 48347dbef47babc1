/* Shows for a moment that something changed. */

const FLASH_MS = 1200;
const ends = new WeakMap();

/** Flash a cell or a row. An attribute, since a morph would take a class away again. */
export function flash(element) {
  clearTimeout(ends.get(element));
  element.removeAttribute("data-sa-flash");
  void element.offsetWidth; // the browser has to see it gone for the animation to begin again
  element.setAttribute("data-sa-flash", "");
  ends.set(element, setTimeout(() => element.removeAttribute("data-sa-flash"), FLASH_MS));
}
