// The doctor's findings at the neurons concerned: a sign on each, and beside the one that is looked at, plain words.

import { element, find } from "./dom.js";
import { shownLayers } from "./network.js";
import { latest, on } from "./state.js";

let note, examined = null;

// What tells one moment of the network from another.
export const moment = () => JSON.stringify(latest.progress.weights);

// The neurons that a finding concerns: those it names, its columns among the inputs, or a whole layer.
export function concerned({ layer, neurons, columns }) {
  const { experiment } = latest;
  if (columns.length) return columns.map((name) => find(`#neuron--1-${experiment.inputs.indexOf(name)}`)).filter(Boolean);
  const index = parseInt(layer); // a part of layer 0 may be named "0.numbers"
  const column = shownLayers(experiment).find((each) => each.dense !== null && each.dense <= index && index <= each.layer);
  if (!column) return [];
  const named = neurons.length ? neurons : Array.from({ length: column.count }, (_, neuron) => neuron);
  return named.map((neuron) => find(`#neuron-${column.layer}-${neuron}`)).filter(Boolean);
}

export function buildMarks() {
  note = element("div", { id: "beside", role: "tooltip", hidden: true });
  find("#network").append(note);
  on("findings", () => {
    examined = moment();
    mark();
  });
  on("built", mark);
  on("experiment", forget);
  on("progress", () => examined !== null && moment() !== examined && forget());
  const graph = find("#graph");
  for (const come of ["focusin", "pointerover"]) graph.addEventListener(come, (event) => show(event.target.closest?.(".concerned")));
  for (const go of ["focusout", "pointerout"]) graph.addEventListener(go, (event) => event.target.closest?.(".concerned") && hide());
  graph.addEventListener("scroll", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

function forget() {
  if (examined === null) return;
  examined = null;
  mark();
}

function mark() {
  hide();
  for (const each of document.querySelectorAll(".concerned")) {
    each.classList.remove("concerned");
    each.ariaDescription = null;
    each.querySelector(".sign").remove();
    if (each.role === "img") each.removeAttribute("tabindex");
  }
  if (examined === null) return;
  for (const finding of latest.findings.findings) {
    for (const each of concerned(finding)) {
      if (!each.classList.contains("concerned")) {
        each.classList.add("concerned");
        each.append(element("span", { className: "sign", ariaHidden: "true" }, "!"));
        if (each.role === "img") each.tabIndex = 0; // an input does nothing, but its finding is to be read
      }
      each.ariaDescription = [each.ariaDescription, words(finding)].filter(Boolean).join(" ");
    }
  }
}

const words = ({ name, explanation }) => `${name}: ${explanation}`;

// Beside a neuron, to its right, else to its left, else beneath it, stands all that was found there.
function show(neuron) {
  if (!neuron || examined === null) return;
  const here = latest.findings.findings.filter((finding) => concerned(finding).includes(neuron));
  note.replaceChildren(...here.flatMap(({ name, explanation }) => [element("b", {}, name), element("p", {}, explanation)]));
  note.hidden = false;
  const [box, frame] = [neuron.getBoundingClientRect(), find("#network").getBoundingClientRect()];
  const right = box.right - frame.left + 12;
  const left = box.left - frame.left - note.offsetWidth - 12;
  const beneath = right + note.offsetWidth > frame.width && left < 4;
  note.style.left = `${beneath ? 4 : left < 4 || right + note.offsetWidth <= frame.width ? right : left}px`;
  note.style.top = `${(beneath ? box.bottom + 12 : box.top) - frame.top}px`;
}

const hide = () => (note.hidden = true);
