/* What of a page follows the database: Flask-Admin's table, or the parts that a template names. */

import { Parts, hasParts } from "./parts.js";
import { ListTable, tableOf } from "./table.js";

/** Whether a page with this marker has one. */
export function hasList(root, marker) {
  return marker.isParts ? hasParts(root) : tableOf(root) !== null;
}

/** The list of the page that is open. */
export function listOf(marker) {
  return marker.isParts ? new Parts() : new ListTable(document);
}
