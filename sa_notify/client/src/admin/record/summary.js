/* Which fields somebody else changed, at the top of the form. */

import { element } from "./conflict.js";
import { strong } from "./notice.js";

const SENTENCES = [
  ["updated", "Updated here:"],
  ["conflict", "Keep yours or take theirs:"],
  ["apart", "Changed, but shown by a reload only:"],
];

/** `{state, fields}` for each sentence, in order; empty where nothing is to be said. */
export function sentences(fields) {
  const found = SENTENCES.map(([state, words]) => ({ words, fields: fields.filter((field) => field.state === state) }));
  return found.filter((sentence) => sentence.fields.length);
}

/** Say it, or nothing. */
export function summarise(notice, fields) {
  const said = sentences(fields);
  if (!said.length) {
    notice.quiet();
    return;
  }
  const asks = fields.some(({ state }) => state === "conflict" || state === "apart");
  notice.say(asks ? "warning" : "info", signature(said), () => [
    closer(() => dismiss(notice, fields)),
    strong("Someone else changed this record."),
    ...said.flatMap((sentence) => [` ${sentence.words} `, ...names(sentence.fields), "."]),
  ]);
}

function signature(said) {
  return JSON.stringify(said.map((sentence) => [sentence.words, sentence.fields.map(({ name }) => name)]));
}

function names(fields) {
  return fields.flatMap((field, index) => [...(index ? [", "] : []), linkTo(field)]);
}

function linkTo(field) {
  const link = element("button", "sa-notify-link", field.label);
  link.type = "button";
  link.addEventListener("click", () => field.focus());
  return link;
}

function closer(close) {
  const button = element("button", "close");
  button.type = "button";
  button.setAttribute("aria-label", "Close");
  button.append(Object.assign(element("span", "", "\u00d7"), { ariaHidden: "true" }));
  button.addEventListener("click", close);
  return button;
}

/** What is decided is said no more; what is open stays beside its field. */
function dismiss(notice, fields) {
  for (const field of fields) if (field.state === "updated") field.hush();
  notice.hide(signature(sentences(fields)));
}
