/* What a list page shows, as lines that can be compared: the tab, the table, the pager, and whatever follows the database. */
(root) => {
  const EDITABLE = /^(editable|editable-click|editable-empty|editable-disabled|editable-unsaved)$/;
  // of the library, of Bootstrap's tooltips, of x-editable, and what is another at every request
  const SKIPPED = /^(data-sa-flash|data-sa-key|data-sa-look|data-csrf|data-original-title|title|data-template|style|aria-describedby)$/;

  const attribute = (element, { name, value }) => {
    if (SKIPPED.test(name)) return "";
    if (name === "id" && value.startsWith("sa-row:")) return "";
    if (name === "value" && element.name === "csrf_token") return "";
    if (name === "class") value = value.split(/\s+/).filter((word) => word && !EDITABLE.test(word)).join(" ");
    if (name === "class" && value === "") return "";
    return ` ${name}=${JSON.stringify(value)}`;
  };

  const written = (node) => {
    if (node.nodeType === 3) return node.data;
    if (node.nodeType !== 1) return `<!${node.nodeValue}>`;
    if (node.tagName === "TEMPLATE" && node.parentElement?.tagName === "TR") return "";
    const title = node.getAttribute("data-original-title") || node.getAttribute("title");
    const attributes = [...node.attributes].map((each) => attribute(node, each)).filter(Boolean).sort().join("");
    const inner = [...(node.content ?? node).childNodes].map(written).join("");
    return `<${node.localName}${attributes}${title ? ` TITLE=${JSON.stringify(title)}` : ""}>${inner}</>`;
  };

  const cell = (td) => written(td).replace(/^(<[^>]*>)\s+/, "$1").replace(/\s+<\/>$/, "</>");
  const lines = [];
  lines.push(`tab ${root.querySelector("ul.nav-tabs a.nav-link.active")?.textContent.trim()}`);
  for (const row of root.querySelectorAll("table.model-list tr")) {
    lines.push(`row ${row.dataset.saKey ?? row.querySelector("template[data-sa-key]")?.dataset.saKey ?? ""}`);
    for (const td of row.cells) lines.push(`  ${cell(td)}`);
  }
  const pager = root.querySelector("#sa-notify-pager");
  if (pager) lines.push(`pager ${written(pager).replace(/\s+/g, " ")}`);
  for (const part of root.querySelectorAll("[data-sa-live]")) {
    lines.push(...written(part).split(/(?=<article)/).map((line) => line.replace(/\s+/g, " ").trim()));
  }
  return lines;
}
