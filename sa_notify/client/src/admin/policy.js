/* A Content Security Policy that refuses inline handlers, as Flask-Admin's buttons have them. */

const VALUE = String.raw`(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+))?`;
const ATTRIBUTE = new RegExp(String.raw`\s+([^\s=>"'/]+)${VALUE}`, "g");
const TAG = new RegExp(String.raw`<[a-z][^\s>/]*(?:\s+[^\s=>"'/]+${VALUE})+\s*/?>`, "gi");

/**
 * A fetched page's HTML without the handlers that are refused on the page that is open: they would not run either,
 * and parsing alone would report each of them to the site once more.
 */
export function withoutRefused(html) {
  const own = document.querySelector("[onclick]");
  const areRefused = own !== null && own.onclick === null;
  return areRefused ? html.replace(TAG, withoutHandlers) : html;
}

function withoutHandlers(tag) {
  return tag.replace(ATTRIBUTE, (attribute, name) => (/^on/i.test(name) ? "" : attribute));
}
