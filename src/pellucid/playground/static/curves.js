// The losses over the steps, and the scores of this moment: accuracy and confusion matrix, or R².

import { element, find, number, sharp } from "./dom.js";
import { variable } from "./palette.js";
import { curve, latest, on, scheduleDrawing } from "./state.js";
import { t } from "./strings.js";

let canvas, logarithmic, reading;
let pointer = null;

export function buildCurves() {
  canvas = element("canvas", { id: "curve", role: "slider", tabIndex: 0, "aria-valuemin": 0 });
  logarithmic = element("input", { type: "checkbox", id: "logarithmic", onchange: scheduleDrawing });
  reading = element("span", { className: "reading" });
  canvas.addEventListener("pointermove", (event) => ((pointer = event.offsetX), scheduleDrawing()));
  canvas.addEventListener("pointerleave", () => ((pointer = null), scheduleDrawing()));
  canvas.addEventListener("keydown", walk);
  const label = element("label", { className: "check field", htmlFor: "logarithmic" }, logarithmic, element("span", { "data-text": "logarithmic" }));
  find("#curves").append(canvas, element("div", { className: "row" }, label, reading));
  on("draw", () => {
    drawCurve();
    drawScores();
  });
  on("experiment language", () => latest.experiment && buildScores());
  on("theme language", scheduleDrawing);
  new ResizeObserver(scheduleDrawing).observe(canvas);
}

function walk(event) {
  const by = { ArrowLeft: -8, ArrowRight: 8 }[event.key];
  if (!by) return;
  event.preventDefault();
  pointer = Math.max(0, Math.min(canvas.clientWidth, (pointer ?? canvas.clientWidth) + by));
  scheduleDrawing();
}

function drawCurve() {
  const made = sharp(canvas);
  if (!made || !curve.length) return;
  const { context, width, height } = made;
  const log = logarithmic.checked;
  const shown = (value) => (value === null || (log && value <= 0) ? null : log ? Math.log10(value) : value);
  const values = curve.flatMap(([, train, test]) => [shown(train), shown(test)]).filter((value) => value !== null);
  let [low, high] = [log ? Infinity : 0, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(high > low)) high = low + 1;
  const last = Math.max(1, curve.at(-1)[0]);
  const x = (step) => 34 + (step / last) * (width - 40);
  const y = (value) => 8 + (1 - (value - low) / (high - low)) * (height - 26);
  axes(context, width, height, low, high, last, log, y);
  line(context, curve, 2, x, y, shown, variable("--test"), [5, 3]);
  line(context, curve, 1, x, y, shown, variable("--train"), []);
  tell(context, height, x, y, shown);
}

function axes(context, width, height, low, high, last, log, y) {
  context.strokeStyle = variable("--line");
  context.fillStyle = variable("--muted");
  context.font = "11px system-ui, sans-serif";
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let tick = 0; tick <= 2; tick++) {
    const value = low + ((high - low) * tick) / 2;
    context.beginPath();
    context.moveTo(34, y(value));
    context.lineTo(width - 6, y(value));
    context.stroke();
    context.fillText(number(log ? 10 ** value : value, 2), 30, y(value));
  }
  context.textBaseline = "alphabetic";
  context.fillText(`${t("step")} ${last}`, width - 6, height - 4);
  context.textAlign = "left";
  context.fillText("0", 34, height - 4);
}

function line(context, rows, column, x, y, shown, color, dash) {
  context.beginPath();
  let drawing = false;
  for (const row of rows) {
    const value = shown(row[column]);
    if (value === null) drawing = false;
    else if (drawing) context.lineTo(x(row[0]), y(value));
    else {
      context.moveTo(x(row[0]), y(value));
      drawing = true;
    }
  }
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

// What the curve says at the pointer stands beneath it; without one, a screen reader is told of its end.
function tell(context, height, x) {
  const row = pointer === null ? curve.at(-1) : curve.reduce((best, each) => (Math.abs(x(each[0]) - pointer) < Math.abs(x(best[0]) - pointer) ? each : best));
  const said = t("curve_says", { train: number(row[1]), test: number(row[2]), step: row[0] });
  canvas.ariaLabel = t("loss");
  canvas.ariaValueMax = curve.at(-1)[0];
  canvas.ariaValueNow = row[0];
  canvas.ariaValueText = said;
  reading.textContent = pointer === null ? "" : said;
  if (pointer === null) return;
  context.strokeStyle = variable("--muted");
  context.beginPath();
  context.moveTo(x(row[0]), 8);
  context.lineTo(x(row[0]), height - 18);
  context.stroke();
}

function buildScores() {
  const { classes } = latest.experiment;
  const row = (name) => element("tr", {}, element("th", { scope: "row", className: name }, t(name)), element("td", { id: `${name}-loss` }), element("td", { id: `${name}-score` }));
  const head = element("tr", {}, element("td"), element("th", { scope: "col" }, t("loss")), element("th", { scope: "col" }, classes.length ? t("accuracy") : "R²"));
  const table = element("table", { className: "scores" }, element("thead", {}, head), element("tbody", {}, row("train"), row("test")));
  const details = element("details", { id: "confusion", open: find("#confusion")?.open ?? false, ontoggle: scheduleDrawing }, element("summary", { id: "confusion-summary" }, t("confusion")), element("div"));
  details.hidden = !classes.length;
  find("#scores").replaceChildren(table, details);
}

function drawScores() {
  const { train, test } = latest.progress;
  const { classes } = latest.experiment;
  const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);
  for (const [name, score] of Object.entries({ train, test })) {
    find(`#${name}-loss`).textContent = number(score?.loss);
    find(`#${name}-score`).textContent = classes.length ? percent(score?.accuracy) : number(score?.r2);
  }
  const counts = (test ?? train)?.confusion;
  if (find("#confusion").open && counts?.length === classes.length) find("#confusion div").replaceChildren(matrix(counts, classes));
}

function matrix(counts, classes) {
  const head = element("tr", {}, element("td", {}, `${t("truth")} ↓ ${t("said")} →`), classes.map((name) => element("th", { scope: "col" }, name)));
  const rows = counts.map((row, index) => element("tr", {}, element("th", { scope: "row" }, classes[index]), row.map((count, column) => element("td", { className: column === index ? "right" : count ? "wrong" : "" }, String(count)))));
  return element("table", { className: "matrix" }, element("tbody", {}, head, rows));
}
