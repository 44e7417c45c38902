// The page: each part is built once, then hears the frames that concern it.

import { buildBoundary } from "./boundary.js";
import { buildControls } from "./controls.js";
import { buildCurves } from "./curves.js";
import { buildDrawer } from "./drawer.js";
import { find } from "./dom.js";
import { buildKeyboard } from "./keyboard.js";
import { buildLessons } from "./lessons.js";
import { followLink, openLink } from "./link.js";
import { buildMarks } from "./marks.js";
import { buildNetwork } from "./network.js";
import { keepPresses } from "./press.js";
import { openSocket } from "./socket.js";
import { ask, connect, on } from "./state.js";
import { say, setLanguage, t } from "./strings.js";
import { buildTime } from "./time.js";
import { buildTools, readTheme } from "./tools.js";

const CALM = 30; // epochs a second at first, so that the eye can follow

readTheme();
buildBoundary(); // what asks for its size in a frame comes before what changes the page: it is laid out once
buildCurves();
buildTime();
buildTools();
buildControls();
buildNetwork();
buildMarks();
buildDrawer();
buildLessons();
buildKeyboard();
keepPresses();
find("#skip").addEventListener("click", (event) => {
  event.preventDefault(); // what stands after # in the address is the state
  find("#network").focus();
});
setLanguage(localStorage.getItem("pellucid.language") ?? (navigator.language.startsWith("ru") ? "ru" : "en"));

on("error", (frame) => say(frame.message, "bad"));
on("closed", ({ code }) => {
  find("main").inert = true;
  say(t(code === 4000 ? "elsewhere" : "gone"), "bad");
});
on("experiment", () => ask("look", {}, true)); // weights and maps of a run that starts anew
let opened = false;
on("options", () => {
  if (opened) return;
  opened = true;
  openLink().then(followLink);
  ask("set_speed", { epochs_per_second: CALM });
});
connect(window.frameElement?.openTransport ?? openSocket);
