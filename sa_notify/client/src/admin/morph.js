/* Makes parts of the page those of a fetched one, and leaves alone what the user is at. */

import { Idiomorph } from "idiomorph";
import { markGone } from "./changed.js";
import { closeEditors, isOther, isOtherEditor, remake, remakeAlone, renew } from "./editable.js";
import { flash } from "./flash.js";
import { isHeld, putOff } from "./hold.js";
import { WHOLE, dress, withOwnIds } from "./ids.js";

const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;

const callbacks = {
  beforeNodeMorphed(old, fresh) {
    if (!isElement(old)) return true;
    if (old.isEqualNode(fresh)) return false;
    if (old.matches(WHOLE) && isHeld(old)) {
      putOff(old);
      return false;
    }
    if (old.tagName === "TD" && isOtherEditor(old, fresh)) {
      remake(old, fresh);
      return false;
    }
    if (!old.classList.contains("editable")) return true;
    if (old.classList.contains("editable-open")) putOff(old.parentElement);
    else if (isOther(old, fresh)) remakeAlone(old, fresh);
    else renew(old, fresh);
    return false;
  },
  beforeNodeRemoved(node) {
    if (!isElement(node)) return true;
    if (node.matches(".popover, .tooltip")) return false;
    if (node.tagName === "TR" && isHeld(node)) {
      markGone(node);
      return false;
    }
    closeEditors(node);
    return true;
  },
  beforeAttributeUpdated(name, element, kind) {
    if (name === "checked" || name === "data-sa-flash") return false;
    // the widths that were locked
    if (name === "style" && element.tagName === "TH") return false;
    // Bootstrap's tooltips move the title away
    if (kind === "remove" && /^(data-original-title|aria-describedby)$/.test(name)) return false;
    return !(name === "title" && element.hasAttribute("data-original-title"));
  },
  afterNodeAdded(node) {
    if (!isElement(node)) return;
    dress(node);
    if (node.tagName === "TR") flash(node);
  },
};

/** Morph one element into its counterpart of another document. */
export function morph(old, fresh) {
  if (old && fresh) withOwnIds([old, fresh], () => Idiomorph.morph(old, fresh, { callbacks }));
}

/** Morph what is in an element into this HTML. */
export function morphInside(element, html) {
  Idiomorph.morph(element, html, { morphStyle: "innerHTML", callbacks });
}
