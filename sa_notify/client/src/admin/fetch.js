/* Pages fetched in the background. */

import { Backoff } from "../backoff.js";
import { label } from "./label.js";
import { markerOf } from "./marker.js";
import { withoutRefused } from "./policy.js";
import { hasList } from "./list.js";

/** The page can't be had at this time; trying again may help. */
export class Away extends Error {}

/**
 * The page as it is now, labelled: `{root, marker}`; null where the answer is no live list any more (a login page,
 * a refusal).
 *
 * A redirect is not followed: it would show somebody a login page in place of rows, or use up a login's "next".
 */
export async function fetchPage() {
  const root = await fetchRoot(location.href);
  const marker = root && markerOf(root);
  if (!marker || !hasList(root, marker)) return null;
  label(root);
  return { root, marker };
}

/** The same, however long the server is away. */
export function fetchPatiently(going) {
  return patiently(fetchPage, going);
}

/** The document at a URL, without running anything in it; null where the answer is a redirect or a refusal. */
export async function fetchRoot(url) {
  const response = await get(url);
  if (response.status >= 500 || response.status === 429) throw new Away(`the page answers ${response.status}`);
  if (!response.ok) return null;
  return new DOMParser().parseFromString(withoutRefused(await text(response)), "text/html");
}

/** Fetch until the server is there. */
export async function patiently(fetching, going) {
  const backoff = new Backoff(1000, 30000);
  for (;;) {
    try {
      return await fetching();
    } catch (error) {
      if (!(error instanceof Away) || !going()) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, backoff.next()); });
  }
}

async function get(address) {
  const headers = { "X-SA-Notify": "1" };
  const [url] = address.split("#");
  try {
    // "manual" tells a redirect (status 0, not ok) from a network that is away, which "error" does not
    return await fetch(url, { headers, credentials: "same-origin", cache: "no-store", redirect: "manual" });
  } catch (error) {
    throw new Away("the page can't be reached", { cause: error });
  }
}

async function text(response) {
  try {
    return await response.text();
  } catch (error) {
    throw new Away("the page broke off", { cause: error });
  }
}
