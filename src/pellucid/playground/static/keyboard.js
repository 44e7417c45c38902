// Keys that act wherever the reader is, except where a control wants the key for itself.

import { openTab, TABS } from "./drawer.js";
import { ask, emit } from "./state.js";
import { restart, stepOperation, toggle } from "./time.js";
import { showHelp, switchTheme } from "./tools.js";

const KEYS = {
  " ": toggle,
  e: () => ask("step_epoch"),
  b: () => ask("step_batch"),
  "]": () => stepOperation(1),
  "[": () => stepOperation(-1),
  r: restart,
  l: () => emit("lessons"),
  t: switchTheme,
  "?": showHelp,
};

export function buildKeyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { tagName, type } = event.target;
    const writes = tagName === "SELECT" || tagName === "TEXTAREA" || (tagName === "INPUT" && !["checkbox", "radio", "range"].includes(type));
    const pressed = event.key === " " && ["BUTTON", "SUMMARY", "INPUT", "LABEL"].includes(tagName);
    if (writes || pressed) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const tab = TABS[Number(event.key) - 1];
    if (!act && !tab) return;
    event.preventDefault();
    if (act) act();
    else openTab(tab);
  });
}
