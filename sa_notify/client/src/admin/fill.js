/* Writes HTML into an element that stays. */

import { inertElement } from "./html.js";
import { dress } from "./ids.js";
import { morphInside } from "./morph.js";

/** Write between the blanks that the template put there; what somebody has selected or is at stays the same node. */
export function fill(element, html) {
  const [, before, after] = /^(\s*)[^]*?(\s*)$/.exec(element.innerHTML);
  const [text] = element.childNodes;
  if (element.childNodes.length === 1 && text.nodeType === Node.TEXT_NODE && !html.includes("<")) {
    text.data = before + inertElement("td", html).textContent + after;
  } else if (isTouched(element)) {
    morphInside(element, before + html + after);
  } else {
    element.innerHTML = before + html + after;
    dress(element);
  }
}

function isTouched(element) {
  const selection = document.getSelection();
  return element.contains(document.activeElement) || (!selection.isCollapsed && selection.containsNode(element, true));
}
