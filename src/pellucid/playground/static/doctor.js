// What keeps the network from learning, as the library's doctor finds it, in plain words beside the layer concerned.

import { isOpen } from "./drawer.js";
import { element } from "./dom.js";
import { select } from "./selection.js";
import { ask, latest, on } from "./state.js";
import { t } from "./strings.js";

export function buildDoctor(part) {
  const look = async () => {
    const found = await ask("diagnose");
    if (found) show(part, found);
  };
  on("tab language experiment", () => isOpen("doctor") && latest.experiment && look());
}

function show(part, { subject, findings, examined }) {
  part.replaceChildren(
    element("p", { className: "hint" }, subject),
    ...(findings.length ? findings.map(finding) : [element("p", { className: "good" }, t("healthy"))]),
    element("p", { className: "hint" }, t("examined", { what: examined.join(", ") })),
    element("button", { type: "button", id: "diagnose", onclick: () => latest.experiment && ask("diagnose").then((found) => found && show(part, found)) }, t("refresh")),
  );
}

function finding({ name, layer, neurons, explanation, mend }) {
  const dense = latest.experiment.layers[layer]?.type === "Dense" ? layer : layer - 1;
  const known = Number.isInteger(layer) && latest.experiment.layers[dense]?.type === "Dense";
  const places = known ? (neurons ?? []).slice(0, 8) : [];
  return element("article", { className: "finding" }, element("h3", {}, name), element("p", {}, explanation), mend ? element("code", {}, mend) : null,
    element("div", { className: "row" }, places.map((neuron) => element("button", { type: "button", onclick: () => select({ kind: "neuron", layer, dense, neuron }) }, `${t("neuron")} ${neuron + 1}`))));
}
