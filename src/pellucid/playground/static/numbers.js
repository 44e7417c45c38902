// How a chosen number comes about: a weight or a neuron, each formula with the numbers in it, and hands to change it.

import { isOpen } from "./drawer.js";
import { element, keepingFocus, number } from "./dom.js";
import { select, selected } from "./selection.js";
import { ask, latest, latestOnly, on } from "./state.js";
import { t } from "./strings.js";

let part, found = null, row = 0, asked = 0;

export function buildNumbers(box) {
  part = box;
  const look = latestOnly(inspect);
  on("selected", look);
  on("tab", () => isOpen("numbers") && look());
  on("experiment", () => ((row = 0), exists() ? look() : select(null)));
  on("progress", (frame) => (!frame.playing || performance.now() - asked > 500) && selected() && isOpen("numbers") && look());
  on("language", show);
}

// What was chosen may be gone when the network changes.
function exists() {
  const chosen = selected();
  if (!chosen) return true;
  const { layers, parameters } = latest.experiment;
  if (chosen.kind === "neuron") return layers[chosen.dense]?.type === "Dense" && chosen.neuron < layers[chosen.dense].neurons && chosen.layer < layers.length;
  const shape = parameters.find((each) => each.name === chosen.parameter)?.shape;
  return Boolean(shape) && chosen.at.every((index, at) => index < shape[at]);
}

async function inspect() {
  const chosen = selected();
  asked = performance.now();
  if (!chosen) found = null;
  else if (chosen.kind === "weight") found = await ask("inspect_weight", { parameter: chosen.parameter, at: chosen.at }, true);
  else found = await ask("inspect_neuron", { layer: chosen.dense, neuron: chosen.neuron, row }, true);
  asked = performance.now();
  show();
}

function show() {
  if (part.contains(document.activeElement) && document.activeElement.tagName === "INPUT" && document.activeElement.type === "number" && document.activeElement.dataset.touched) return;
  keepingFocus(() => part.replaceChildren(...(!found ? [element("p", { className: "hint" }, t("choose_something"))] : found.frame === "weight" ? weight() : neuron())));
}


function line(name, value, arithmetic) {
  return [element("dt", {}, name), element("dd", {}, value === null ? null : element("b", {}, value), arithmetic ? element("code", {}, arithmetic) : null)];
}

function weight() {
  const { parameter, at } = found;
  const isEdge = at.length === 2;
  const cut = latest.progress.cut.some(([name, [i, j]]) => name === parameter && i === at[0] && j === at[1]);
  const kink = found.left !== null && Math.abs(found.left - found.right) > 1e-6 * Math.max(1, Math.abs(found.left)) ? ` — ${t("kink", { left: number(found.left), right: number(found.right) })}` : "";
  return [
    element("h3", {}, `${t(isEdge ? "weight" : "bias")} ${parameter} [${at.join(", ")}] `, element("small", {}, t("next_batch"))),
    element("div", { className: "row" },
      edit("edit", parameter, at, found.value),
      isEdge ? element("button", { type: "button", id: "cut", onclick: () => ask("cut_edge", { parameter, at, cut: !cut }) }, t(cut ? "mend" : "cut")) : null),
    element("dl", { className: "numbers" },
      line(t("value"), number(found.value, 7)),
      line(t("used_in"), null, found.formula),
      line(t("gradient"), number(found.gradient, 7), found.arithmetic),
      line(t("difference"), number(found.difference, 7) + kink),
      line(t("update"), found.new_value === null ? "–" : number(found.new_value, 7), found.update)),
  ];
}

function edit(id, parameter, at, value) {
  const input = element("input", { type: "number", step: "any", min: -1e6, max: 1e6, id, value: Number(value.toPrecision(7)), ariaLabel: `${parameter} [${at.join(", ")}]` });
  input.addEventListener("input", () => (input.dataset.touched = "yes"));
  input.addEventListener("blur", () => delete input.dataset.touched);
  input.addEventListener("change", () => {
    delete input.dataset.touched;
    if (input.value !== "" && input.checkValidity()) ask("edit_weight", { parameter, at, value: Number(input.value) });
  });
  return input;
}

function neuron() {
  const { layer, neuron: index } = found;
  const frozen = latest.progress.frozen.some(([l, n]) => l === layer && n === index);
  const rows = element("input", { type: "number", id: "neuron-row", min: 0, max: latest.experiment.n_train - 1, value: row });
  rows.addEventListener("change", () => {
    if (!rows.checkValidity() || rows.value === "") return;
    row = Number(rows.value);
    inspect();
  });
  return [
    element("h3", {}, `${t("neuron")} ${index + 1}, ${t("layer")} ${layer}`),
    element("div", { className: "row" },
      element("label", { className: "field", htmlFor: "neuron-row" }, element("span", {}, t("row")), rows),
      element("button", { type: "button", id: "freeze", onclick: () => ask("freeze_neuron", { layer, neuron: index, frozen: !frozen }) }, t(frozen ? "thaw" : "freeze"))),
    element("h4", {}, t("forward")),
    element("dl", { className: "numbers" }, found.steps.map((each) => line(`${each.symbol} ${each.meaning}`, number(each.value, 6), each.arithmetic))),
    element("h4", {}, t("backward")),
    element("dl", { className: "numbers" }, found.gradients.map((each) => line(each.symbol, `${number(each.value, 6)} (${t("difference")} ${number(each.difference, 6)})`, each.arithmetic))),
    element("h4", {}, t("weights_in")),
    weightsOf(layer, index),
  ];
}

function weightsOf(layer, index) {
  const name = `${layer}.weight`;
  const outputs = latest.experiment.layers[layer].shown;
  const inputs = latest.progress.weights[name].length / outputs;
  const { weights, gradients } = latest.progress;
  const item = (parameter, at, value, gradient, label) =>
    element("li", {}, element("button", { type: "button", id: `weight-${at.join("-")}`, onclick: () => select({ kind: "weight", parameter, at }) }, `${label} = ${number(value)}`), element("small", {}, ` ∂ ${number(gradient)}`));
  const items = Array.from({ length: inputs }, (_, i) => item(name, [i, index], weights[name][i * outputs + index], gradients[name][i * outputs + index], `w${i + 1}`));
  const bias = `${layer}.bias`;
  if (weights[bias]) items.push(item(bias, [index], weights[bias][index], gradients[bias][index], "b"));
  return element("ul", { className: "weights" }, items);
}
