/* Columns don't move while values change. */

/**
 * Keep the columns at least as wide as they are.
 * Gives what to call after a change: where a wider value made the table scroll sideways, they are measured anew.
 */
export function lockWidths(table, frame) {
  const scrolls = () => frame.scrollWidth > frame.clientWidth + 1;
  const lock = () => {
    const headers = [...table.querySelectorAll("thead th")];
    for (const header of headers) header.style.minWidth = "";
    // rounded down, to what browsers lay out by: any more and the table scrolls sideways
    const widths = headers.map((header) => Math.floor(header.getBoundingClientRect().width * 64) / 64);
    didScroll = scrolls();
    headers.forEach((header, index) => { header.style.minWidth = `${widths[index]}px`; });
  };
  let didScroll = false;
  let isAsked = false;
  lock();
  window.addEventListener("resize", lock);
  return () => {
    if (isAsked) return;
    isAsked = true;
    // once for all changes of a frame, since asking has the browser lay out the page
    requestAnimationFrame(() => {
      isAsked = false;
      if (!didScroll && scrolls()) lock();
    });
  };
}
