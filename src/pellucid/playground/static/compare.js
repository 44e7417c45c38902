// Up to four kept runs side by side, and a sweep over one or two settings as a heat map.

import { element, find, keepingFocus, number, sharp } from "./dom.js";
import { css, diverging, variable } from "./palette.js";
import { ask, latest, on } from "./state.js";
import { named, t } from "./strings.js";

const FIELDS = { "optimizer.learning_rate": "0.003, 0.01, 0.03, 0.1, 0.3", batch_size: "1, 5, 10, 30", "penalty.l2": "0, 0.001, 0.01", "data.noise": "0, 0.1, 0.2", seed: "0, 1, 2" };

export function buildCompare(part) {
  const runs = element("div", { className: "runs" });
  const form = element("div", { className: "row" });
  const heat = element("div", { id: "sweep" });
  const title = element("h4");
  const hint = element("p", { className: "hint" });
  const keep = element("button", { type: "button", id: "keep-run", onclick: () => ask("keep_run", { name: `${t("run")} ${(latest.runs?.runs.length ?? 0) + 1}` }) });
  part.append(element("div", { className: "row" }, keep), runs, title, hint, form, heat);
  on("runs language", () => keepingFocus(() => showRuns(runs)));
  on("tab", () => showRuns(runs));
  on("sweep", () => showSweep(heat));
  on("language", () => {
    keep.textContent = t("keep_run");
    title.textContent = t("sweep");
    hint.textContent = t("sweep_hint");
    fillForm(form);
  });
}

function showRuns(box) {
  const kept = latest.runs?.runs ?? [];
  if (!kept.length) return box.replaceChildren(element("p", { className: "hint" }, t("no_runs")));
  box.replaceChildren(...kept.map((run, index) =>
    element("article", {}, element("h3", {}, run.name, " ", element("small", {}, `${t("epoch")} ${run.epoch}`)), element("canvas", { ariaHidden: "true" }),
      element("p", { className: "hint" }, `${t("train")} ${number(run.train?.loss)}, ${t("test")} ${number(run.test?.loss)}`),
      element("p", { className: "hint" }, `${run.configuration.optimizer.type} ${run.configuration.optimizer.learning_rate}, ${run.configuration.network.hidden.map((each) => each.width).join("-")}`),
      element("div", { className: "row" },
        element("button", { type: "button", id: `restore-${index}`, onclick: () => ask("restore_run", { index }) }, t("restore")),
        element("button", { type: "button", id: `drop-${index}`, onclick: () => ask("drop_run", { index }) }, t("drop"))))));
  const highest = Math.max(1e-9, ...kept.flatMap((run) => run.curve.flatMap(([, train, test]) => [train ?? 0, test ?? 0])));
  box.querySelectorAll("canvas").forEach((canvas, index) => sketch(canvas, kept[index].curve, highest));
}

function sketch(canvas, rows, highest) {
  const made = sharp(canvas);
  if (!made || !rows.length) return;
  const last = Math.max(1, rows.at(-1)[0]);
  for (const [column, color, dash] of [[2, "--test", [5, 3]], [1, "--train", []]]) {
    made.context.setLineDash(dash);
    made.context.beginPath();
    for (const row of rows) if (row[column] !== null) made.context.lineTo((row[0] / last) * made.width, made.height * (1 - row[column] / highest));
    made.context.strokeStyle = variable(color);
    made.context.lineWidth = 1.5;
    made.context.stroke();
  }
}

function fillForm(box) {
  const axis = (id, chosen, optional) => {
    const list = element("select", { id: `${id}-field` }, optional ? element("option", { value: "" }, "–") : null, Object.keys(FIELDS).map((name) => element("option", { value: name, selected: name === chosen }, named(name.split(".").at(-1)))));
    const values = element("input", { id: `${id}-values`, value: FIELDS[chosen], ariaLabel: t("values") });
    list.addEventListener("change", () => (values.value = FIELDS[list.value] ?? ""));
    return element("label", { className: "field", htmlFor: list.id }, element("span", {}, t(optional ? "down" : "across")), list, values);
  };
  const read = (id) => ({ field: find(`#${id}-field`).value, values: find(`#${id}-values`).value.split(",").map(Number) });
  box.replaceChildren(
    axis("sweep-x", "optimizer.learning_rate"), axis("sweep-y", "batch_size", true),
    element("button", { type: "button", id: "start-sweep", onclick: () => ask("start_sweep", { x: read("sweep-x"), y: find("#sweep-y-field").value ? read("sweep-y") : null }) }, t("start_sweep")),
    element("button", { type: "button", id: "stop-sweep", onclick: () => ask("stop_sweep") }, t("stop_sweep")),
  );
}

function showSweep(box) {
  const { x, y, cells } = latest.sweep;
  const losses = cells.map((cell) => cell.test_loss ?? cell.train_loss).filter((loss) => loss !== null && loss !== undefined);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const rows = (y?.values ?? [null]).map((value, row) => element("tr", {}, element("th", { scope: "row" }, value === null ? "" : String(value)), x.values.map((_, column) => {
    const cell = cells.find((each) => each.x === column && (each.y ?? 0) === row);
    const loss = cell?.test_loss ?? cell?.train_loss;
    const made = element("td", { title: cell?.problem ?? "" }, cell?.problem ? "×" : loss === undefined ? "…" : number(loss, 3));
    // half of the blue at most: the figure on it must be read in light and dark
    if (typeof loss === "number") made.style.background = css(diverging(0.5 * (high > low ? (high - loss) / (high - low) : 1)));
    return made;
  })));
  const head = element("tr", {}, element("th", {}, `${y ? `${named(y.field.split(".").at(-1))} ↓ ` : ""}${named(x.field.split(".").at(-1))} →`), x.values.map((value) => element("th", { scope: "col" }, String(value))));
  box.replaceChildren(element("table", { className: "heat" }, element("tbody", {}, head, rows)));
}
