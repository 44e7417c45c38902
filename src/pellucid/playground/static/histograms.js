// Histograms of each parameter array, and of what leaves each layer for the training rows.

import { isOpen } from "./drawer.js";
import { element, number, sharp } from "./dom.js";
import { variable } from "./palette.js";
import { ask, latest, latestOnly, on } from "./state.js";
import { t } from "./strings.js";

let asked = 0;

export function buildHistograms(part) {
  const look = latestOnly(async () => {
    asked = performance.now();
    const found = await ask("show_histograms", {}, true);
    if (found) show(part, found);
  });
  on("tab language experiment", () => isOpen("histograms") && latest.experiment && look());
  on("progress", (frame) => isOpen("histograms") && (!frame.playing || performance.now() - asked > 250) && look());
}

function show(part, { weights, activations }) {
  const figures = (all, name) => element("div", { className: "bars" }, all.map((each) => figure(name(each), each)));
  part.replaceChildren(
    element("h4", {}, t("weights")), figures(weights, (each) => each.parameter),
    element("h4", {}, t("activations")), figures(activations, (each) => `${each.layer} ${latest.experiment.layers[each.layer]?.type ?? ""}`),
  );
  part.querySelectorAll("canvas").forEach((canvas, index) => bars(canvas, [...weights, ...activations][index]));
}

function figure(name, { edges, counts }) {
  const ends = [number(edges[0], 3), number(edges.at(-1), 3)];
  const canvas = element("canvas", { role: "img", ariaLabel: `${name}: ${ends.join(" … ")}, ${Math.max(...counts)}` });
  return element("figure", {}, element("figcaption", {}, name), canvas, element("figcaption", {}, ends.map((end) => element("span", {}, end))));
}

function bars(canvas, { edges, counts }) {
  const made = sharp(canvas);
  if (!made) return;
  const { context, width, height } = made;
  const most = Math.max(1, ...counts);
  const wide = width / counts.length;
  counts.forEach((count, index) => {
    context.fillStyle = variable(edges[index] + edges[index + 1] < 0 ? "--low" : "--high");
    context.fillRect(index * wide, height - (count / most) * height, Math.max(1, wide - 1), (count / most) * height);
  });
}
