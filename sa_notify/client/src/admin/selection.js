/* The text that somebody has selected. */

/** Change the page, and have selected afterwards what was before, as far as it is still there. Gives what `change` does. */
export function keepingSelection(change) {
  const selection = document.getSelection();
  const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = selection;
  const result = change();
  if (isCollapsed || !anchorNode.isConnected || !focusNode.isConnected) return result;
  const [start, end] = [within(anchorNode, anchorOffset), within(focusNode, focusOffset)];
  const isKept = selection.anchorNode === anchorNode && selection.anchorOffset === start
    && selection.focusNode === focusNode && selection.focusOffset === end;
  if (!isKept) selection.setBaseAndExtent(anchorNode, start, focusNode, end);
  return result;
}

function within(node, offset) {
  return Math.min(offset, node.data?.length ?? node.childNodes.length);
}
