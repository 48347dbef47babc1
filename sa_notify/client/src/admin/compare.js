/* How far the rows shown are from those that should be. */

export function sameOrder(one, other) {
  return one.length === other.length && one.every((rowkey, index) => rowkey === other[index]);
}

/**
 * How many changes lead from the rowkeys shown to the fresh ones: a row that came and one that it pushed off the
 * page are one change; a row that only stands elsewhere is one too.
 */
export function changesBetween(shown, fresh) {
  const isShown = new Set(shown);
  const isFresh = new Set(fresh);
  const entered = fresh.filter((rowkey) => !isShown.has(rowkey)).length;
  const left = shown.filter((rowkey) => !isFresh.has(rowkey)).length;
  const place = new Map(fresh.map((rowkey, index) => [rowkey, index]));
  const stayed = shown.filter((rowkey) => isFresh.has(rowkey)).map((rowkey) => place.get(rowkey));
  return Math.max(entered, left) + stayed.length - longestRise(stayed);
}

/** The length of the longest increasing subsequence. */
function longestRise(numbers) {
  const tails = [];
  for (const number of numbers) {
    const found = tails.findIndex((tail) => tail >= number);
    tails[found < 0 ? tails.length : found] = number;
  }
  return tails.length;
}
