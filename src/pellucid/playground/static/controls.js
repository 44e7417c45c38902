// The controls of data and learning, made anew from the options whenever the experiment changes.

import { element, find, keepingFocus } from "./dom.js";
import { configured, field, select } from "./fields.js";
import { drawKind } from "./kinds.js";
import { ask, latest, latestOnly, on, transport } from "./state.js";
import { drawing, setDrawing } from "./pencil.js";
import { named, say, t } from "./strings.js";

const DRAWN = ["circle", "xor", "gauss", "spiral", "plane", "gauss_regression"];

const setData = latestOnly((data) => ask("set_data", { data }));
const option = (section, name) => latest.options.sections[section].find((each) => each.name === name);

export function buildControls() {
  const rebuild = () => {
    if (!latest.experiment || !latest.options) return;
    if (document.activeElement?.type === "range") return; // it is being dragged
    keepingFocus(() => {
      find("#data > div").replaceChildren(...dataControls());
      find("#learning").replaceChildren(...learningControls());
    });
    document.dispatchEvent(new Event("rebuilt"));
  };
  on("options experiment table language pencil", rebuild);
  document.addEventListener("focusout", (event) => event.target.type === "range" && setTimeout(rebuild));
}

function dataControls() {
  const { data } = latest.experiment.configuration;
  const slides = (names) => names.map((name) => field(option("data", name), data[name], (value) => setData({ [name]: value }), `data-${name}`, { slider: true }));
  const drawn = DRAWN.includes(data.kind) || data.kind === "formula";
  return [
    kinds(data),
    ...(data.kind === "formula" ? [formula(data)] : []),
    ...(data.kind === "table" ? [target(data)] : []),
    ...(data.kind === "model" ? [element("p", {}, t("model_of", { model: data.model, table: data.table }))] : []),
    ...(drawn ? slides(["n_rows", "noise"]) : []),
    ...(data.kind.endsWith("_table") ? [] : slides(["test_share"])),
    ...(["formula", "points", "table"].includes(data.kind) ? [field(option("data", "task"), data.task, (task) => setData({ task }), "data-task")] : []),
    ...(drawn || data.kind === "points" ? [features(data)] : []),
    element("div", { className: "row" },
      drawn ? element("button", { type: "button", id: "new-data", onclick: () => setData({ seed: (data.seed + 1) % 2 ** 31 }) }, t("new_data")) : null,
      pencil(), upload()),
    counts(),
    remarks(),
  ];
}

function kinds(data) {
  const group = element("div", { className: "kinds", role: "radiogroup", ariaLabel: t("kind") });
  for (const kind of latest.options.kinds) {
    if (kind === "table" && !latest.options.tables.length && !latest.table) continue;
    if (kind === "points" && data.kind !== "points") continue;
    if (kind === "model" && !(theModel() && theTable())) continue;
    const input = element("input", { type: "radio", name: "kind", id: `kind-${kind}`, value: kind, checked: kind === data.kind });
    input.addEventListener("change", () => setData(kind === "formula" && !data.formula ? { kind, formula: "x1**2 + x2**2 < 9" } : kind === "table" ? tableOf() : kind === "model" ? modelOf() : { kind }));
    const canvas = element("canvas", { width: 48, height: 48, ariaHidden: "true" });
    drawKind(canvas, kind);
    group.append(element("label", { className: "kind", title: named(kind), htmlFor: input.id }, input, canvas, element("span", {}, named(kind))));
  }
  return group;
}

const theTable = () => latest.table ?? latest.options.tables[0];
const theModel = () => latest.model ?? latest.options.models[0];
const modelOf = () => ({ kind: "model", model: theModel().name, table: theTable().name });

function fits(model, table) {
  const names = table?.columns.map((each) => each.name) ?? [];
  return Boolean(model) && [...model.columns, ...model.targets].every((name) => names.includes(name));
}

function tableOf() {
  const table = theTable();
  return { kind: "table", table: table.name, target: table.targets.at(-1) ?? "" };
}

function formula(data) {
  const input = element("input", { id: "data-formula", value: data.formula, maxLength: 200, spellcheck: false });
  input.addEventListener("change", () => setData({ formula: input.value }));
  return element("label", { className: "field wide", htmlFor: input.id }, element("span", {}, t("formula_is")), input);
}

function target(data) {
  const table = [latest.table, ...latest.options.tables].find((each) => each?.name === data.table);
  return select("data-target", "target", table ? table.targets : [data.target], data.target, (value) => setData({ target: value }), "", (name) => name);
}

function features(data) {
  const group = element("fieldset", { className: "features" }, element("legend", {}, t("features")));
  for (const name of latest.options.features) {
    const box = element("input", { type: "checkbox", id: `feature-${name}`, checked: data.features.includes(name) });
    box.addEventListener("change", () => {
      const chosen = latest.options.features.filter((each) => (each === name ? box.checked : data.features.includes(each)));
      if (chosen.length) setData({ features: chosen });
      else box.checked = true;
    });
    group.append(element("label", { className: "chip", htmlFor: box.id }, box, element("span", {}, name)));
  }
  return group;
}

function pencil() {
  const button = element("button", { type: "button", id: "draw", onclick: () => setDrawing(!drawing()) }, t("draw_points"));
  button.setAttribute("aria-pressed", drawing());
  return button;
}

function upload() {
  const input = element("input", { type: "file", id: "upload", className: "unseen", accept: ".csv,.tsv,.parquet,.jsonl,.ndjson,.pellucid" });
  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
  return element("label", { className: "button", htmlFor: "upload" }, input, t("own_table"));
}

export async function send(file) {
  if (file.size > 64 * 2 ** 20) return say(t("too_large"), "bad");
  const isModel = file.name.toLowerCase().endsWith(".pellucid");
  const frame = await transport.upload(isModel ? "model" : "table", file);
  if (!frame || frame.frame === "error") return say(frame?.message ?? t("gone"), "bad");
  latest[frame.frame] = frame;
  if (fits(theModel(), theTable())) return setData(modelOf());
  if (isModel) return say(t("model_needs", { model: frame.name, columns: [...frame.columns, ...frame.targets].join(", ") }), "bad");
  return setData(tableOf());
}

function counts() {
  const { n_train: train, n_test: test } = latest.experiment;
  return element("p", { className: "counts" }, t("counts", { train, test }));
}

function remarks() {
  const lines = [...new Set([...latest.experiment.remarks, ...(latest.experiment.configuration.data.kind === "table" ? (latest.table?.problems ?? []) : [])])];
  return element("ul", { className: "remarks" }, lines.map((line) => element("li", {}, line)));
}

function learningControls() {
  const { configuration, losses } = latest.experiment;
  const loss = configuration.loss ?? { type: losses[0], ...Object.fromEntries(latest.options.families.Loss[losses[0]].map((each) => [each.name, each.default])) };
  const first = latest.options.families.Optimizer[configuration.optimizer.type][0];
  const set = (name) => (value) => ask(`set_${name}`, { [name]: value });
  const setNetwork = (network) => ask("set_network", { network });
  const change = (name, value) => set("optimizer")({ ...configuration.optimizer, [name]: value });
  const details = element("details", { id: "more", open: find("#more")?.open ?? false }, element("summary", { id: "more-summary" }, t("more_settings")),
    element("div", { className: "settings" },
      configured("Loss", "loss", loss, set("loss"), "loss-all", { only: losses }),
      configured("Optimizer", "optimizer", configuration.optimizer, set("optimizer"), "optimizer-all"),
      configured("Schedule", "schedule", configuration.schedule, set("schedule"), "schedule"),
      element("div", { className: "configured" },
        latest.options.sections.penalty.map((each) => field(each, configuration.penalty[each.name], (value) => ask("set_penalty", { penalty: { [each.name]: value } }), `penalty-${each.name}`))),
      ...(configuration.data.kind === "model" ? [] : [
        configured("Initializer", "initializer", configuration.network.initializer, (initializer) => setNetwork({ initializer }), "initializer"),
        configured("Activation", "output_activation", configuration.network.output_activation, (value) => setNetwork({ output_activation: value }), "output-activation")]),
      element("div", { className: "configured" },
        field(latest.options.commands.set_epochs[0], configuration.epochs, set("epochs"), "epochs"),
        field(latest.options.commands.set_seed[0], configuration.seed, set("seed"), "seed")),
      element("div", { className: "configured" },
        latest.options.sections.stop.map((each) => field({ ...each, name: `stop_${each.name}` }, configuration.stop[each.name], (value) => ask("set_stop", { stop: { [each.name]: value } }), `stop-${each.name}`)))));
  return [
    element("div", { className: "main-settings" },
      field(first, configuration.optimizer[first.name], (value) => change(first.name, value), "main-rate"),
      select("main-optimizer", "optimizer", Object.keys(latest.options.families.Optimizer), configuration.optimizer.type, (type) => {
        const options = latest.options.families.Optimizer[type].map((each) => [each.name, each.default]);
        set("optimizer")({ type, ...Object.fromEntries(options) });
      }),
      select("main-loss", "loss", losses, loss.type, (type) => set("loss")({ type })),
      field(latest.options.commands.set_batch_size[0], configuration.batch_size, set("batch_size"), "batch_size")),
    details,
  ];
}
