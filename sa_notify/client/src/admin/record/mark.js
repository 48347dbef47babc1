/* What the server says about a record's page, in <template data-sa-notify-record>. */

const SELECTOR = "template[data-sa-notify-record]";

/** `{element, modal, kind, token, key, url, posted}` of a document (modals apart) or of a modal's content; or null. */
export function markOf(root) {
  const isHere = (one) => root.nodeType !== Node.DOCUMENT_NODE || !one.closest(".modal-content");
  const element = [...root.querySelectorAll(SELECTOR)].find(isHere);
  if (!element) return null;
  const { saNotifyRecord: kind, saToken: token, saKey: key, saUrl: url, saPosted: posted } = element.dataset;
  const modal = element.closest(".modal-content");
  return { element, modal, root: modal ?? root, kind, token, key, url, posted: posted !== undefined };
}

/** The tab bar that follows the mark on a page. */
export function barOf({ element }) {
  const sibling = element.nextElementSibling;
  return sibling?.matches("ul") ? sibling : null;
}

/** Put something where the page's, or the modal's, content begins. */
export function putFirst(mark, node) {
  const body = mark.modal?.querySelector(".modal-body");
  if (body) body.prepend(node);
  else (barOf(mark) ?? mark.element).after(node);
}
