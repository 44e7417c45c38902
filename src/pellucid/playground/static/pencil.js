// Drawing: whether points are being drawn, of which class, and the drawn points sent as data.

import { ask, emit, latest, latestOnly } from "./state.js";

let active = false;
let brush = 1;

const sendPoints = latestOnly((points, task) => ask("set_data", { data: { kind: "points", points, task } }));

export const drawing = () => active;
export const brushClass = () => brush;

export function setDrawing(value) {
  active = value;
  emit("pencil");
}

export function setBrush(value) {
  brush = value;
  emit("pencil");
}

// The points that are shown, as ones that can be drawn on.
export function currentPoints() {
  const { data } = latest.experiment.configuration;
  if (data.kind === "points") return data.points.map((point) => [...point]);
  return latest.data.points.map(([x, y], index) => [round(x), round(y), latest.data.targets[index]]);
}

export function setPoints(points) {
  const kind = latest.experiment.configuration.data;
  const task = kind.kind === "points" ? kind.task : latest.experiment.task;
  return sendPoints(points, task);
}

export const round = (value) => Math.round(value * 1000) / 1000;

export function addPoint(x, y) {
  const last = currentPoints();
  return setPoints([...last, [round(x), round(y), brush]]);
}

export function movePoint(index, x, y) {
  const points = currentPoints();
  points[index] = [round(x), round(y), points[index][2]];
  return setPoints(points);
}

export function removePoint(index) {
  const points = currentPoints();
  points.splice(index, 1);
  return setPoints(points);
}
