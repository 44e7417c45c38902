// What keeps the network from learning, as the library's doctor finds it, in plain words, with the way to each neuron.

import { isOpen } from "./drawer.js";
import { element, find, keepingFocus } from "./dom.js";
import { concerned, moment } from "./marks.js";
import { ask, latest, latestOnly, on } from "./state.js";
import { t } from "./strings.js";

const MOST_SHOWN = 8;
let examined = null;

export function buildDoctor(part) {
  const look = latestOnly(() => ask("diagnose"));
  on("tab language experiment", () => isOpen("doctor") && latest.experiment && look());
  on("progress", (frame) => isOpen("doctor") && !frame.playing && moment() !== examined && look());
  on("findings", (frame) => {
    examined = moment();
    keepingFocus(() => show(part, frame, look));
  });
}

function show(part, { subject, findings, examined: what }, look) {
  part.replaceChildren(
    element("p", { className: "hint" }, subject),
    ...(findings.length ? findings.map(finding) : [element("p", { className: "good" }, t("healthy"))]),
    element("p", { className: "hint" }, t("examined", { what: what.join(", ") })),
    element("div", { className: "row" }, element("button", { type: "button", id: "diagnose", onclick: () => look() }, t("refresh"))),
  );
}

function finding(found, index) {
  const { name, severity, explanation, mend } = found;
  const places = concerned(found).slice(0, MOST_SHOWN);
  const to = (neuron) => element("button", { type: "button", id: `finding-${index}-${neuron.id}`, onclick: () => find(`#${neuron.id}`)?.focus() }, neuron.ariaLabel);
  return element("article", { className: `finding ${severity}` }, element("h3", {}, name), element("p", {}, explanation), mend ? element("code", {}, mend) : null,
    element("div", { className: "row" }, places.map(to)));
}
