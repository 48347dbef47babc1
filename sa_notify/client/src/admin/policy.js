/* A Content Security Policy that refuses inline handlers, as Flask-Admin's buttons have them. */

const TAG = /<[a-z][^\s>/]*(?:\s+[^\s=>"']+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+))?)+\s*\/?>/gi;
const HANDLER = /\son[a-z]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+)/gi;

/**
 * A fetched page's HTML without the handlers that are refused on the page that is open: they would not run either,
 * and parsing alone would report each of them to the site once more.
 */
export function withoutRefused(html) {
  const own = document.querySelector("[onclick]");
  const areRefused = own !== null && own.onclick === null;
  return areRefused ? html.replace(TAG, (tag) => tag.replace(HANDLER, "")) : html;
}
