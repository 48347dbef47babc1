/* HTML that is looked at without being run. */

const inert = document.implementation.createHTMLDocument("");

/** An element of a document in which nothing is run or loaded. */
export function inertElement(tag, html = "") {
  const element = inert.createElement(tag);
  element.innerHTML = html;
  return element;
}

/** HTML as the browser would give it back. */
export function normal(html) {
  return inertElement("td", html).innerHTML.trim();
}
