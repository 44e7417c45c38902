// The bar of time: play, pause, speed, one epoch, batch or operation at a time, and back to any earlier step.

import { element, find } from "./dom.js";
import { ask, latest, latestOnly, on } from "./state.js";
import { say, t, text } from "./strings.js";

const SPEEDS = [1, 5, 30, 200, null];
const PATHS = {
  reset: "M12 5a7 7 0 1 1-6.7 5M5 4v6h6",
  play: "M7 4v16l13-8z",
  pause: "M8 4v16M16 4v16",
  batch: "M6 5v14l8-7zM18 5v14",
  epoch: "M4 5v14l7-7zM12 5v14l7-7zM20 5v14",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
};

export const toggle = () => ask(latest.progress?.playing ? "pause" : "play");
// The first wish opens the step; those after it move through its quantities.
export const stepOperation = (by) => (latest.operation?.open ? ask("step_operation", { by }) : ask("open_step"));
export const restart = () => ask("reset");

export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}

function button(id, name, act, key) {
  return element("button", { id, type: "button", "data-title": name, "data-label": name, "aria-keyshortcuts": key, onclick: act }, icon(id));
}

export function buildTime() {
  const play = button("play", "play", toggle, "Space");
  play.className = "play";
  const rewind = element("input", { id: "rewind", type: "range", min: 0, max: 0, value: 0, "data-label": "rewind", "data-title": "rewind" });
  const goTo = latestOnly((step) => ask("rewind", { step }));
  rewind.addEventListener("input", () => goTo(Number(rewind.value)));
  const speed = element("select", { id: "speed", "data-label": "speed" });
  speed.addEventListener("change", () => ask("set_speed", { epochs_per_second: SPEEDS[speed.selectedIndex] }));
  const clock = element("output", { id: "clock" });
  find("#time").append(
    button("reset", "reset", restart, "R"),
    play,
    button("epoch", "step_epoch", () => ask("step_epoch"), "E"),
    button("batch", "step_batch", () => ask("step_batch"), "B"),
    element("span", { className: "pair" }, button("back", "operation_back", () => stepOperation(-1), "["), button("forward", "operation_on", () => stepOperation(1), "]")),
    element("label", { className: "clock" }, text("epoch"), clock),
    rewind,
    element("label", { className: "speed" }, text("speed"), speed),
  );
  const fillSpeeds = () => {
    const chosen = latest.progress?.speed ?? null;
    speed.replaceChildren(
      ...SPEEDS.map((each) => element("option", { selected: each === chosen }, each === null ? t("fastest") : `${each} ${t("per_second")}`)),
    );
  };
  fillSpeeds();
  on("language", fillSpeeds);
  let playing = null;
  let shown;
  on("progress", (frame) => {
    if (frame.playing !== playing) {
      playing = frame.playing;
      play.replaceChildren(icon(playing ? "pause" : "play"));
      play.dataset.title = play.dataset.label = playing ? "pause" : "play";
      play.title = play.ariaLabel = t(playing ? "pause" : "play");
      play.setAttribute("aria-pressed", playing);
      if (frame.stopped_by) say(`${t("stopped")}: ${frame.stopped_by}`);
    }
    if (frame.speed !== shown) speed.selectedIndex = Math.max(0, SPEEDS.indexOf((shown = frame.speed)));
  });
  on("draw", () => {
    const { epoch, batch, step, furthest_step: furthest, epochs_per_second: rate } = latest.progress;
    clock.value = epoch.toLocaleString("en").replaceAll(",", " ") + (batch ? ` + ${batch}` : "");
    clock.title = `${t("step")} ${step}` + (rate ? `, ${Math.round(rate)} ${t("per_second")}` : "");
    rewind.max = Math.max(1, furthest);
    if (document.activeElement !== rewind || latest.progress.playing) rewind.value = step;
    rewind.setAttribute("aria-valuetext", `${t("step")} ${step}`);
  });
}
