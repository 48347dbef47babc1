/* What a form began with, kept over a submission that comes back with errors: such a page shows what was entered. */

const PREFIX = "sa-notify:";

/** `bases` are readings by field. */
export function remember(key, bases) {
  try {
    sessionStorage.setItem(PREFIX + key, JSON.stringify(bases));
  } catch {
    // full, or refused: the form that comes back takes the record as it is then for its beginning
  }
}

/** What was remembered, once; else {}. */
export function recall(key) {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    sessionStorage.removeItem(PREFIX + key);
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
