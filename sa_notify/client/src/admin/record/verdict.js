/* What becomes of a form's field when somebody else changes the record. */

/**
 * `base` is what the form began with, `mine` what it holds, `theirs` what the record holds; `busy`: somebody is at it.
 * "none": nobody else changed it. "agreed": both have the same. "update": only they changed it. "conflict": both did,
 * or the user is about to.
 */
export function verdict({ base, mine, theirs, busy }) {
  if (theirs === base) return "none";
  if (mine === theirs) return "agreed";
  return mine === base && !busy ? "update" : "conflict";
}
