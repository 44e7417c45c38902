// The prediction over the plane of the data, with the rows on it; and a pencil to draw, drag and remove points.

import { element, find, number, sharp } from "./dom.js";
import { field } from "./fields.js";
import { bytes, css, drawClasses, drawMap, ofClass, ofTarget, scaleOf, valueAt, variable } from "./palette.js";
import { addPoint, brushClass, currentPoints, drawing, movePoint, removePoint, setBrush } from "./pencil.js";
import { ask, latest, on, scheduleDrawing } from "./state.js";
import { say, t } from "./strings.js";

const REACH = 9; // how near a pointer must be to a point, in pixels
let mapCanvas, lineCanvas, points, showTest, cursor = null, dragged = null;

export function buildBoundary() {
  mapCanvas = element("canvas", { className: "field-map", ariaHidden: "true" });
  lineCanvas = element("canvas", { ariaHidden: "true" });
  points = element("canvas", { className: "points", id: "points" });
  showTest = element("input", { type: "checkbox", id: "show-test", checked: true, onchange: drawPoints });
  const frame = element("div", { className: "plane" }, mapCanvas, lineCanvas, points);
  const brushes = element("div", { className: "brushes" });
  const legend = element("div", { className: "legend" });
  const view = element("div", { className: "row", id: "view" });
  find("#boundary").append(frame, legend, brushes, view);
  points.addEventListener("pointerdown", press);
  points.addEventListener("pointermove", drag);
  points.addEventListener("pointerup", () => (dragged = null));
  points.addEventListener("contextmenu", (event) => drawing() && (event.preventDefault(), removeNear(event)));
  points.addEventListener("keydown", type);
  points.addEventListener("blur", () => ((cursor = null), drawPoints()));
  new ResizeObserver(() => {
    drawPoints();
    scheduleDrawing();
  }).observe(frame);
  const rebuild = () => {
    if (!latest.experiment || !latest.data || !latest.options) return;
    fillBrushes(brushes);
    fillLegend(legend);
    fillView(view);
    points.ariaLabel = describe();
    points.role = drawing() ? "application" : "img"; // its keys are its own while there is something to draw
    points.tabIndex = drawing() ? 0 : -1;
    drawPoints();
  };
  on("data experiment language pencil theme", rebuild);
  on("draw", draw);
}

function describe() {
  const { experiment, data } = latest;
  return `${t("plane")} ${data.axes.join(", ")}. ${t("counts", { train: experiment.n_train, test: experiment.n_test })} ${drawing() ? t("pencil_help") : ""}`;
}

// The map that stands for the prediction: of two classes the second's, of several quantiles the middle one.
function theMap() {
  const { output } = latest.progress;
  const { classes } = latest.experiment;
  if (classes.length > 2) return null;
  return classes.length ? output.at(-1) : output[Math.floor(output.length / 2)];
}

function draw() {
  const map = theMap();
  const scaled = scaleOf(latest.experiment, latest.data);
  if (map) drawMap(mapCanvas, map, (value) => 0.6 * Math.max(-1, Math.min(1, scaled(value)))); // paler than the points on it
  else drawClasses(mapCanvas, latest.progress.output);
  drawLine();
}

function toScreen([x, y], width, height) {
  const [left, right, low, high] = latest.data.extent;
  return [((x - left) / (right - left)) * width, (1 - (y - low) / (high - low)) * height];
}

function toPlane(event) {
  const box = points.getBoundingClientRect();
  const [left, right, low, high] = latest.data.extent;
  return [left + ((event.clientX - box.left) / box.width) * (right - left), high - ((event.clientY - box.top) / box.height) * (high - low)];
}

// The points stay where they are from frame to frame: they have a canvas of their own.
function drawPoints() {
  if (!latest.data || !latest.experiment) return;
  const made = sharp(points);
  if (!made) return;
  const { context, width, height } = made;
  const { data, experiment } = latest;
  const scaled = scaleOf(experiment, data);
  const edge = variable("--point-edge");
  const radius = data.points.length > 1500 ? 1.8 : Math.max(2.4, Math.min(4, width / 110));
  data.points.forEach((point, index) => {
    const isTest = data.is_test[index];
    if (isTest && !showTest.checked) return;
    const [x, y] = toScreen(point, width, height);
    context.beginPath();
    if (isTest) context.rect(x - radius * 0.85, y - radius * 0.85, radius * 1.7, radius * 1.7);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = css(ofTarget(data.targets[index], experiment, scaled));
    context.strokeStyle = isTest ? variable("--ink") : edge;
    context.lineWidth = 1;
    context.fill();
    context.stroke();
  });
  if (cursor && drawing()) cross(context, toScreen(cursor, width, height));
}

function cross(context, [x, y]) {
  context.strokeStyle = variable("--ink");
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x - 10, y);
  context.lineTo(x + 10, y);
  context.moveTo(x, y - 10);
  context.lineTo(x, y + 10);
  context.stroke();
}

// Where the probability is one half: the crossings of each cell's sides, joined.
function drawLine() {
  const made = sharp(lineCanvas);
  if (!made || latest.experiment.classes.length !== 2) return;
  const { context, width, height } = made;
  const map = theMap();
  const cells = bytes(map);
  const side = Math.round(Math.sqrt(cells.length));
  const value = (row, column) => valueAt(map, cells[row * side + column]) - 0.5;
  context.beginPath();
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const corners = [[row, column], [row, column + 1], [row + 1, column + 1], [row + 1, column]];
      const crossings = [];
      corners.forEach(([r, c], index) => {
        const [r2, c2] = corners[(index + 1) % 4];
        const [one, two] = [value(r, c), value(r2, c2)];
        if (one < 0 !== two < 0) {
          const share = one / (one - two);
          crossings.push([((c + (c2 - c) * share + 0.5) / side) * width, (1 - (r + (r2 - r) * share + 0.5) / side) * height]);
        }
      });
      for (let at = 0; at + 1 < crossings.length; at += 2) {
        context.moveTo(...crossings[at]);
        context.lineTo(...crossings[at + 1]);
      }
    }
  }
  context.strokeStyle = variable("--ink");
  context.lineWidth = 1.2;
  context.globalAlpha = 0.55;
  context.stroke();
  context.globalAlpha = 1;
}

function nearest(x, y) {
  const { width, height } = points.getBoundingClientRect();
  const [here, there] = toScreen([x, y], width, height);
  let [best, distance] = [-1, REACH];
  latest.data.points.forEach((point, index) => {
    const [px, py] = toScreen(point, width, height);
    const away = Math.hypot(px - here, py - there);
    if (away < distance) [best, distance] = [index, away];
  });
  return best;
}

const canDraw = () => drawing() && latest.data.axes[0] === "x1" && latest.data.axes[1] === "x2";

function press(event) {
  if (!canDraw() || event.button !== 0) return;
  const place = toPlane(event);
  const index = nearest(...place);
  if (event.shiftKey) removeNear(event);
  else if (index >= 0) {
    dragged = index;
    points.setPointerCapture(event.pointerId);
  } else addPoint(...place);
}

function drag(event) {
  if (dragged === null) return;
  const place = toPlane(event);
  latest.data.points[dragged] = place; // shown at once; the server's answer follows
  drawPoints();
  movePoint(dragged, ...place);
}

function removeNear(event) {
  const index = nearest(...toPlane(event));
  if (index >= 0) removePoint(index);
}

function type(event) {
  if (!canDraw()) return;
  const [left, right, low, high] = latest.data.extent;
  const stride = (right - left) / (event.shiftKey ? 8 : 40);
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  cursor ??= [(left + right) / 2, (low + high) / 2];
  if (moves[event.key]) {
    cursor = [Math.max(left, Math.min(right, cursor[0] + moves[event.key][0] * stride)), Math.max(low, Math.min(high, cursor[1] + moves[event.key][1] * stride))];
    say(`${number(cursor[0], 2)}, ${number(cursor[1], 2)}`);
  } else if (event.key === "Enter") addPoint(...cursor);
  else if (event.key === "Delete" || event.key === "Backspace") {
    const index = nearest(...cursor);
    if (index >= 0) removePoint(index);
  } else return;
  event.preventDefault();
  event.stopPropagation();
  drawPoints();
}

function fillBrushes(box) {
  box.hidden = !drawing();
  const count = Math.min(10, Math.max(3, latest.experiment.classes.length + 1));
  const numbers = latest.experiment.task === "regression" ? [-1, -0.5, 0, 0.5, 1] : Array.from({ length: count }, (_, index) => index);
  box.replaceChildren(
    ...numbers.map((target) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = css(ofTarget(target, latest.experiment.task === "regression" ? latest.experiment : { classes: { length: latest.experiment.classes.length } }, scaleOf(latest.experiment, latest.data)));
      if (latest.experiment.task !== "regression" && target > 1) swatch.style.background = css(ofClass(target));
      const button = element("button", { type: "button", id: `brush-${target}`, onclick: () => setBrush(target) }, swatch, String(target));
      button.setAttribute("aria-pressed", target === brushClass());
      return button;
    }),
    element("button", { type: "button", id: "clear-points", onclick: () => ask("set_data", { data: { kind: "points", points: currentPoints().filter((_, index) => index % 10 === 0) } }) }, t("thin_out")),
    element("p", { className: "hint" }, t("pencil_help")),
  );
}

function fillLegend(box) {
  const { classes } = latest.experiment;
  const scaled = scaleOf(latest.experiment, latest.data);
  if (classes.length) {
    box.replaceChildren(...classes.map((name, index) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = css(ofTarget(index, latest.experiment, scaled));
      return element("span", {}, swatch, name);
    }));
    box.classList.remove("ramp");
    return;
  }
  let [low, high] = [Infinity, -Infinity];
  for (const target of latest.data.targets) [low, high] = [Math.min(low, target), Math.max(high, target)];
  box.replaceChildren(element("span", {}, number(low, 3)), element("i", {}), element("span", {}, number(high, 3)));
  box.classList.add("ramp");
}

function fillView(box) {
  const { view } = latest.experiment.configuration;
  const setView = (changes) => ask("set_view", { view: changes });
  const [horizontal, vertical] = latest.data.axes;
  const many = horizontal !== "x1" && latest.experiment.inputs.length > 2;
  const option = (name) => latest.options.sections.view.find((each) => each.name === name);
  const axis = (at) => {
    const list = element("select", { id: `axis-${at}`, ariaLabel: t(at ? "vertical_axis" : "horizontal_axis") }, latest.experiment.inputs.map((name, index) => element("option", { value: index, selected: index === view.columns[at] }, name)));
    list.addEventListener("change", () => setView({ columns: view.columns.map((each, index) => (index === at ? Number(list.value) : each)) }));
    return list;
  };
  box.replaceChildren(
    element("label", { className: "check field", htmlFor: "show-test" }, showTest, t("show_test")),
    ...(many ? [field(option("plane"), view.plane, (plane) => setView({ plane }), "view-plane")] : [element("span", { className: "axes" }, `${horizontal} → ${vertical} ↑`)]),
    ...(many && view.plane === "slice" ? [axis(0), axis(1)] : []),
  );
}
