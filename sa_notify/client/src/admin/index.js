/*
 * Makes a Flask-Admin list page live. What the page's template has to contain:
 *
 *   <template data-sa-notify-bar                  in block model_menu_bar, before the tabs; its presence switches
 *             data-sa-mode="query|rows"           this module on
 *             data-sa-token="..."                 subscribes to the list as the page's URL selects it
 *             data-sa-rows-token="..."></template>   mode "rows" only: exactly the rows rendered, by their keys
 *   <tr><template data-sa-key="<rowkey>" data-sa-look="<digest>"></template>...   first in block list_row
 *   <div id="sa-notify-pager">...</div>           around block list_pager
 *   <table class="... model-list">                Flask-Admin's own, with <td class="col-<column>"> cells
 *   <link rel="stylesheet" href=".../sa_notify.css">
 *   <script src=".../sa_notify.js"></script>      in block tail; may have data-path, data-namespace
 *
 * A request with the header "X-SA-Notify: 1" is this module's own fetch of the page: it must answer with the whole
 * page, without flashed messages (they belong to the page the user opens next).
 *
 * Rows arrive as [rowkey, {column: html of the cell as the page renders it}], where rowkey equals data-sa-key; the
 * column "" is data-sa-look, a digest of what else can change in a row, where anything can: buttons, what editors offer.
 * total is the number in the tab, or null where the view does not count.
 *
 * In a template of one's own,
 *
 *   <any id="..." data-sa-live>                   is fetched with the list at each change; where the template has none of
 *                                                 Flask-Admin's blocks these are all, and it begins with
 *   <template data-sa-notify-bar data-sa-parts data-sa-token="..."></template>   (sa_notify/admin/live.html), in place
 *                                                 of which the dot stands; of parts,
 *   <any id="..." data-sa-key="<rowkey>">         flashes when it changes, and is left alone while somebody is at it
 *
 * What this module adds to the page:
 *   <tr id="sa-row:<rowkey>" data-sa-key="<rowkey>">, <td id="sa-row:<rowkey>:col-<column>">; ids inside cells are
 *     left alone, because x-editable takes the field's name from them
 *   td[data-sa-flash], tr[data-sa-flash]          for a second after a change
 *   <li id="sa-notify-status" role="status" data-state="live|reconnecting|stale|ended">   last in the tab bar
 *   tr[data-sa-gone], .sa-notify-changed          what somebody was editing has left the page, or changed
 *   <div role="status"><div id="sa-notify-banner" data-count="N" hidden><button>   above the tabs, mode "rows"
 */

import { hasList } from "./list.js";
import { markerOf } from "./marker.js";
import { Page } from "./page.js";
import { QueryMode } from "./query_mode.js";
import { startRecords } from "./record/index.js";
import { RowsMode } from "./rows_mode.js";

/** Make the page live, if it is a page of a realtime view. `api` is window.saNotify. */
export function startAdmin(api) {
  startRecords(api);
  if (start(api) || document.readyState !== "loading") return;
  document.addEventListener("DOMContentLoaded", () => start(api), { once: true });
}

function start(api) {
  const marker = markerOf(document);
  if (!marker || !hasList(document, marker)) return false;
  const page = new Page(api);
  if (marker.mode === "rows" && !marker.isParts) new RowsMode(page);
  else new QueryMode(page);
  return true;
}
