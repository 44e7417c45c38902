// The network: each neuron with its own map over the data's plane, each edge as strong as its weight.

import { element, find, keepingFocus, number, vector } from "./dom.js";
import { field, select } from "./fields.js";
import { drawMap, symmetric } from "./palette.js";
import { select as choose, selected } from "./selection.js";
import { ask, emit, latest, on } from "./state.js";
import { t } from "./strings.js";

const MOST_HIDDEN = 8;
const TOP = 74; // room for what stands above a column
const SIDE = 54; // half of what stands there, and a margin
let columns = []; // {layer, dense, neurons: [{button, canvas, x, y}], x}
let edges = []; // {path, touch, weight, at}

// The columns that are shown: the inputs, then every layer with maps, each with the Dense that feeds it.
export function shownLayers(experiment) {
  const shown = [{ layer: -1, dense: null, neurons: experiment.inputs.length, count: experiment.shown_inputs }];
  let dense = null;
  for (const { index, type, text, neurons, shown: count, has_map: mapped } of experiment.layers) {
    if (type === "Dense") dense = index;
    if (mapped) shown.push({ layer: index, dense, neurons, count, type, text });
  }
  const last = shown.at(-1);
  const before = shown.at(-2);
  if (before?.dense === last.dense) shown.splice(-2, 1); // the last Dense and its activation are one column
  return shown;
}

export function buildNetwork() {
  const rebuild = () => latest.experiment && latest.options && keepingFocus(build);
  let shape = "";
  on("experiment", (frame) => {
    const next = JSON.stringify([frame.layers, frame.inputs, frame.configuration.network]);
    if (next !== shape) rebuild();
    shape = next;
  });
  on("options language", rebuild);
  const closeSheets = (event) => document.querySelectorAll(".layer-settings[open]").forEach((each) => each.contains(event.target) && event.key !== "Escape" ? null : (each.open = false));
  document.addEventListener("pointerdown", closeSheets);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeSheets(event));
  on("draw", draw);
  on("selected operation closed_step", light);
  new ResizeObserver(() => columns.length && place()).observe(find("#graph"));
}

function build() {
  const { experiment } = latest;
  const drawing = vector("svg", { class: "edges", role: "group", "aria-label": t("weights") });
  drawing.addEventListener("keydown", walk);
  const stage = element("div", { className: "stage" }, drawing);
  columns = shownLayers(experiment).map((shown, column) => {
    const neurons = Array.from({ length: shown.count }, (_, neuron) => makeNeuron(shown, neuron));
    const head = header(column, shown);
    stage.append(head, ...neurons.map((each) => each.button));
    return { ...shown, head, neurons };
  });
  edges = columns.slice(1).flatMap((to, column) => columns[column].neurons.flatMap((_, i) => (to.dense === null ? [] : to.neurons).map((__, j) => makeEdge(drawing, to.dense, i, j, column))));
  edges[0]?.touch.setAttribute("tabindex", 0);
  find("#graph").replaceChildren(stage);
  place();
  emit("built");
}

function makeNeuron({ layer, dense }, neuron) {
  const canvas = element("canvas", { width: 32, height: 32 });
  const name = layer < 0 ? latest.experiment.inputs[neuron] : `${t("neuron")} ${neuron + 1}`;
  const properties = { className: "neuron", id: `neuron-${layer}-${neuron}`, title: name, ariaLabel: layer < 0 ? name : `${name}, ${t("layer")} ${dense ?? layer}` };
  if (layer >= 0 && dense !== null) return { button: element("button", { ...properties, type: "button", onclick: () => choose({ kind: "neuron", layer, dense, neuron }) }, canvas), canvas };
  const button = element("div", { ...properties, role: "img" }, canvas); // what was given, or embedded: no sum of weights
  if (layer < 0) button.append(element("span", { className: "input-name" }, name));
  return { button, canvas };
}

function makeEdge(drawing, dense, i, j, column) {
  const path = vector("path", { class: "edge" });
  const touch = vector("path", { class: "touch", id: `edge-${dense}-${i}-${j}`, role: "button", tabindex: -1 });
  const weight = `${dense}.weight`;
  touch.addEventListener("click", () => choose({ kind: "weight", parameter: weight, at: [i, j] }));
  touch.setAttribute("aria-label", `${t("weight")} ${weight}[${i}, ${j}]`);
  const title = vector("title");
  touch.append(title);
  drawing.append(path, touch);
  const edge = { path, touch, weight, at: [i, j], column, i, j };
  for (const come of ["pointerenter", "focus"]) touch.addEventListener(come, () => (title.textContent = `${t("weight")} ${number(valueOf(edge))}`));
  return edge;
}

// One edge is in the order of the Tab key; arrows walk to the others: up and down beside it, left and right a layer on.
function walk(event) {
  const at = edges.findIndex((each) => each.touch === event.target);
  const { column } = edges[at];
  if (event.key === "Enter" || event.key === " ") event.target.dispatchEvent(new MouseEvent("click"));
  const across = { ArrowLeft: column - 1, ArrowRight: column + 1 }[event.key];
  const next = { ArrowUp: edges[at - 1], ArrowDown: edges[at + 1] }[event.key] ?? edges.find((each) => each.column === across);
  if (next) {
    event.target.setAttribute("tabindex", -1);
    next.touch.setAttribute("tabindex", 0);
    next.touch.focus();
  } else if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  event.stopPropagation();
}

const valueOf = ({ weight, column, i, j }) => latest.progress?.weights[weight]?.[i * columns[column + 1].count + j] ?? 0;

function header(column, { neurons, count: shown, type, text }) {
  const { data, network: { hidden } } = latest.experiment.configuration;
  const layer = hidden[column - 1];
  if (column === 0) return element("div", { className: "column-head" }, element("b", {}, t("inputs")));
  if (data.kind === "model") return element("div", { className: "column-head" }, element("b", {}, shown < neurons ? `${shown} / ${neurons}` : String(neurons)), element("small", {}, type === "ActivationLayer" ? text.split("(")[0] : type));
  if (!layer) return element("div", { className: "column-head" }, element("b", {}, t("output")), hidden.length < MOST_HIDDEN ? addLayer(hidden) : null);
  const change = (changes) => ask("set_network", { network: { hidden: hidden.map((each, index) => (index === column - 1 ? { ...each, ...changes } : each)) } });
  const options = Object.fromEntries(latest.options.sections.hidden.map((option) => [option.name, option]));
  const width = options.width.control;
  const id = `layer-${column}`;
  const settings = element("details", { className: "layer-settings", id: `${id}-details`, open: find(`#${id}-details`)?.open ?? false }, element("summary", { title: t("layer_settings"), ariaLabel: t("layer_settings"), id: `${id}-settings` }, "⋯"),
    element("div", { className: "sheet" },
      field(options.dropout, layer.dropout, (dropout) => change({ dropout }), `${id}-dropout`),
      field(options.normalization, layer.normalization, (normalization) => change({ normalization }), `${id}-normalization`),
      latest.options.families.Activation[layer.activation.type].map((each) => field(each, layer.activation[each.name], (value) => change({ activation: { ...layer.activation, [each.name]: value } }), `${id}-${each.name}`)),
      element("button", { type: "button", id: `${id}-remove`, onclick: () => ask("set_network", { network: { hidden: hidden.filter((_, index) => index !== column - 1) } }) }, t("remove_layer"))));
  const activation = select(`${id}-activation`, "activation", Object.keys(latest.options.families.Activation), layer.activation.type, (type) => change({ activation: { type } }));
  const count = (text, by, label, allowed) => element("button", { type: "button", id: `${id}-${label}`, ariaLabel: t(label), title: t(label), disabled: !allowed, onclick: () => change({ width: neurons + by }) }, text);
  return element("div", { className: "column-head" },
    element("div", { className: "widths" }, count("−", -1, "fewer", neurons > width.low), element("b", { title: t("neurons") }, String(neurons)), count("+", 1, "further", neurons < width.high), settings),
    activation);
}

function addLayer(hidden) {
  const layer = hidden.at(-1) ?? {};
  return element("button", { type: "button", id: "add-layer", onclick: () => ask("set_network", { network: { hidden: [...hidden, layer] } }) }, t("add_layer"));
}

function place() {
  const box = find("#graph");
  const left = latest.experiment.inputs.some((name) => name.length > 4) ? 100 : SIDE; // room for the names of the inputs
  const spacing = Math.max(104, (box.clientWidth - left - SIDE) / Math.max(1, columns.length - 1));
  const width = spacing * (columns.length - 1) + left + SIDE;
  const most = Math.max(...columns.map((column) => column.neurons.length));
  const size = most <= 8 ? 40 : Math.max(16, Math.min(40, Math.floor(440 / most)));
  const gap = most <= 8 ? 52 : size + 4;
  const height = TOP + most * gap + 12;
  const stage = box.firstElementChild;
  stage.style.width = `${width}px`;
  stage.style.height = `${height}px`;
  const drawing = stage.firstElementChild;
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  columns.forEach((column, index) => {
    const x = left + spacing * index;
    column.head.style.left = `${x}px`;
    column.neurons.forEach((neuron, at) => {
      neuron.x = x;
      neuron.y = TOP + (at + 0.5) * gap;
      neuron.half = size / 2;
      neuron.button.style.left = `${x - size / 2}px`;
      neuron.button.style.top = `${neuron.y - size / 2}px`;
      neuron.button.style.width = neuron.button.style.height = `${size}px`;
    });
  });
  for (const edge of edges) {
    const from = columns[edge.column].neurons[edge.i];
    const to = columns[edge.column + 1].neurons[edge.j];
    const [start, end] = [from.x + from.half, to.x - to.half];
    const middle = (start + end) / 2;
    const route = `M${start} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${end} ${to.y}`;
    edge.path.setAttribute("d", route);
    edge.touch.setAttribute("d", route);
  }
}

function draw() {
  const { maps, frozen, cut } = latest.progress;
  const mapOf = new Map(maps.map(({ layer, neurons }) => [layer, neurons]));
  const still = new Set(frozen.map(([layer, neuron]) => `${layer}-${neuron}`));
  for (const column of columns) {
    const found = mapOf.get(column.layer);
    column.neurons.forEach((neuron, index) => {
      if (found?.[index]) drawMap(neuron.canvas, found[index], symmetric(found[index]));
      neuron.button.classList.toggle("frozen", still.has(`${column.dense}-${index}`));
    });
  }
  const gone = new Set(cut.map(([parameter, [i, j]]) => `${parameter}-${i}-${j}`));
  for (const edge of edges) {
    const value = valueOf(edge);
    const strength = Math.min(9, Math.abs(value) * 3);
    put(edge.path, "stroke-width", Math.max(0.5, strength).toFixed(2));
    put(edge.path, "class", `edge ${value < 0 ? "minus" : "plus"}${gone.has(`${edge.weight}-${edge.i}-${edge.j}`) ? " cut" : ""}${edge.lit ? " lit" : ""}`);
  }
}

// Set an attribute where it differs: setting it to what it is would style the element anew.
function put(drawn, name, value) {
  if (drawn.getAttribute(name) !== value) drawn.setAttribute(name, value);
}

// Light what is chosen, and the layer whose quantity is being computed.
function light() {
  const chosen = selected();
  const layer = latest.operation?.entry.layer;
  const stepping = !latest.progress?.playing && latest.operation?.open;
  for (const column of columns) {
    const here = stepping && (layer === column.layer || (layer === "given" && column.layer === -1) || (layer === column.dense && column === columns.at(-1)));
    column.neurons.forEach((neuron, index) => {
      const isChosen = chosen?.kind === "neuron" && chosen.layer === column.layer && chosen.neuron === index;
      neuron.button.classList.toggle("chosen", isChosen);
      neuron.button.classList.toggle("lit", Boolean(here));
    });
  }
  for (const edge of edges) {
    const isChosen = chosen?.kind === "weight" && chosen.parameter === edge.weight && chosen.at[0] === edge.i && chosen.at[1] === edge.j;
    edge.lit = isChosen || Boolean(stepping && (edge.weight === `${layer}.weight` || layer === "optimizer"));
    edge.path.classList.toggle("lit", edge.lit);
  }
  find("#output").classList.toggle("lit", Boolean(stepping && layer === "loss"));
}
