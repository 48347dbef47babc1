/* The window as this client holds it: rowkeys in order, and their rows. */

import { checkOf } from "./crc32.js";

/** What arrived can't follow from what is held; the mend is a resync. */
export class Mismatch extends Error {
  /** Whether the checksum told: what the server counts as a fault. */
  get failedCheck() {
    return this.message.startsWith(CHECKSUM);
  }
}

const CHECKSUM = "another checksum";

export class HeldWindow {
  constructor({ rows, version, total = null }) {
    this.keys = rows.map(([rowkey]) => rowkey);
    this.rows = new Map(rows);
    this.version = version;
    this.total = total;
  }

  /** Whether each rowkey is there once, and they are those that `check` was computed from (if one came). */
  matches(check) {
    if (this.rows.size !== this.keys.length) return false;
    return check === undefined || check === checkOf(this.keys);
  }

  /**
   * Make the window that of `diff.version`.
   * A Mismatch leaves it half changed: only a snapshot can follow.
   */
  apply({ base, version, ops, total = null, check }) {
    if (base !== this.version) throw new Mismatch(`holds version ${this.version}, the diff is for ${base}`);
    for (const op of ops) this.#applyOne(op);
    this.version = version;
    this.total = total;
    if (!this.matches(check)) throw new Mismatch(`${CHECKSUM} of the rowkeys of version ${version}`);
  }

  /** What a callback is given; arrays of its own, and rows that are replaced rather than changed. */
  view(diff = null) {
    const rows = this.keys.map((rowkey) => this.rows.get(rowkey));
    return { rows, keys: [...this.keys], total: this.total, diff, version: this.version };
  }

  #applyOne([name, ...rest]) {
    const apply = OPS.get(name);
    if (!apply) throw new Mismatch(`unknown op ${JSON.stringify(name)}`);
    apply(this, ...rest);
  }
}

const OPS = new Map(Object.entries({
  remove(held, rowkey) {
    held.keys.splice(indexOf(held, rowkey), 1);
    held.rows.delete(rowkey);
  },
  insert(held, position, rowkey, row) {
    if (held.rows.has(rowkey)) throw new Mismatch(`insert of ${rowkey}, which is held already`);
    place(held, position, rowkey);
    held.rows.set(rowkey, row);
  },
  move(held, rowkey, position) {
    held.keys.splice(indexOf(held, rowkey), 1);
    place(held, position, rowkey);
  },
  update(held, rowkey, changed) {
    indexOf(held, rowkey);
    held.rows.set(rowkey, { ...held.rows.get(rowkey), ...changed });
  },
}));

function indexOf(held, rowkey) {
  if (!held.rows.has(rowkey)) throw new Mismatch(`${rowkey} is not held`);
  return held.keys.indexOf(rowkey);
}

function place(held, position, rowkey) {
  if (!Number.isInteger(position) || position < 0 || position > held.keys.length) {
    throw new Mismatch(`position ${position} in ${held.keys.length} rows`);
  }
  held.keys.splice(position, 0, rowkey);
}
