// Theme, language, link, lessons and help: the tools at the end of the bar.

import { element, find } from "./dom.js";
import { readLink } from "./link.js";
import { readPalette } from "./palette.js";
import { emit, on, scheduleDrawing, transport } from "./state.js";
import { current, say, setLanguage, t } from "./strings.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

// The theme that the reader chose, or else the notebook's, or the system's.
function wished() {
  const isDark = window.frameElement?.isDark?.() ?? dark.matches;
  return localStorage.getItem("pellucid.theme") ?? (isDark ? "dark" : "light");
}

export function readTheme() {
  document.documentElement.dataset.theme = wished();
  readPalette();
}

function followTheme() {
  if (document.documentElement.dataset.theme === wished()) return;
  readTheme();
  emit("theme");
  emit("options");
  scheduleDrawing();
}

export function switchTheme() {
  localStorage.setItem("pellucid.theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  followTheme();
}

export const switchLanguage = () => setLanguage(current() === "en" ? "ru" : "en");

async function share() {
  const frame = await readLink();
  if (!frame) return say(t("gone"), "bad");
  await navigator.clipboard?.writeText(location.href).catch(() => undefined);
  return say(t("copied"), "good");
}

export function showHelp() {
  const dialog = find("#dialog");
  const keys = [["Space", "key_play"], ["E", "step_epoch"], ["B", "step_batch"], ["[  ]", "operation_back"], ["R", "reset"], ["1 – 6", "key_drawer"], ["L", "lessons"], ["T", "theme"], ["?", "help"]];
  dialog.replaceChildren(
    element("h2", {}, t("help")),
    element("dl", {}, keys.flatMap(([key, name]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, key.startsWith("[") ? `${t("operation_back")}, ${t("operation_on")}` : t(name))])),
    element("button", { type: "button", id: "close-help", onclick: () => dialog.close() }, t("close")),
  );
  dialog.showModal();
}

export function buildTools() {
  const tool = (id, text, act, key) => element("button", { type: "button", id, "data-title": id, "data-label": id, "aria-keyshortcuts": key, onclick: act }, text);
  find("#tools").append(
    element("button", { type: "button", id: "lessons", "data-text": "lessons", onclick: () => emit("lessons") }),
    element("button", { type: "button", id: "share", "data-text": "link", "data-title": "share", onclick: share }),
    tool("theme", "◐", switchTheme, "T"),
    tool("language", "EN", switchLanguage),
    tool("help", "?", showHelp, "?"),
  );
  on("options", () => (find("#share").hidden = !transport.addressed)); // a notebook's cell has no address
  on("language", () => (find("#language").textContent = current() === "en" ? "RU" : "EN"));
  dark.addEventListener("change", followTheme);
  window.addEventListener("notebooktheme", followTheme);
}
