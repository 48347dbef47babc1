/* Columns don't move while values change. */

/** Keep the columns at least as wide as they are. */
export function lockWidths(table) {
  const lock = () => {
    const headers = [...table.querySelectorAll("thead th")];
    for (const header of headers) header.style.minWidth = "";
    // rounded down, to what browsers lay out by: any more and the table scrolls sideways
    const widths = headers.map((header) => Math.floor(header.getBoundingClientRect().width * 64) / 64);
    headers.forEach((header, index) => { header.style.minWidth = `${widths[index]}px`; });
  };
  lock();
  window.addEventListener("resize", lock);
}
