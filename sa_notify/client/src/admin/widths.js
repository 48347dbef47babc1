/* Columns don't move while values change. */

/** Keep the columns at least as wide as they are. */
export function lockWidths(table) {
  const lock = () => {
    const headers = [...table.querySelectorAll("thead th")];
    for (const header of headers) header.style.minWidth = "";
    const widths = headers.map((header) => header.offsetWidth);
    headers.forEach((header, index) => { header.style.minWidth = `${widths[index]}px`; });
  };
  lock();
  window.addEventListener("resize", lock);
}
