// Shows the lessons: sets each one up, hides or locks what it does not need, and says when its check is passed.

import { element, find } from "./dom.js";
import { askedFor, isPassed } from "./lesson_check.js";
import { LESSONS } from "./lesson_list.js";
import { ask, latest, on } from "./state.js";
import { local, say, t } from "./strings.js";

let at = null;
let done = false;
const earlier = () => Math.min(LESSONS.length - 1, Number(sessionStorage.getItem("lesson")) || 0);

export function buildLessons() {
  on("lessons", () => (at === null ? open(earlier()) : leave()));
  on("language", show);
  on("progress ledger weight neuron findings gradient_check experiment histograms runs", check);
  document.addEventListener("rebuilt", mark);
}

async function open(index) {
  leave(); // what is set up is not checked
  sessionStorage.setItem("lesson", index);
  for (const kind of askedFor(LESSONS[index])) delete latest[kind];
  for (const { command, ...fields } of LESSONS[index].commands) await ask(command, fields);
  await ask("look");
  at = index;
  done = false;
  show();
  mark();
}

function leave() {
  at = null;
  show();
  mark();
}

function mark() {
  for (const each of document.querySelectorAll(".locked")) (each.classList.remove("locked"), (each.inert = false));
  for (const each of document.querySelectorAll("[data-put-away]")) (delete each.dataset.putAway, (each.hidden = false));
  if (at === null) return;
  for (const each of document.querySelectorAll(LESSONS[at].hidden || "none")) (each.dataset.putAway = "yes", (each.hidden = true));
  for (const each of document.querySelectorAll(LESSONS[at].locked || "none")) (each.classList.add("locked"), (each.inert = true));
}

function check() {
  if (at === null || done) return;
  if (!isPassed(LESSONS[at], latest)) return;
  done = true;
  say(t("done"));
  show();
}

function show() {
  const box = find("#lesson");
  box.hidden = at === null;
  if (at === null) return;
  const lesson = LESSONS[at];
  const go = (id, name, by) => element("button", { type: "button", id, disabled: !LESSONS[at + by], onclick: () => open(at + by) }, t(name));
  box.replaceChildren(
    element("small", {}, t("lesson_of", { at: at + 1, all: LESSONS.length })),
    element("h3", {}, local(lesson.title)),
    element("p", {}, local(lesson.text)),
    element("div", { className: "row" },
      element("span", { className: `check-line ${done ? "good" : ""}`, id: "lesson-check" }, done ? `✓ ${t("done")}` : `○ ${t("not_done")}`),
      element("span", { className: "row" }, go("lesson-back", "previous", -1), go("lesson-next", "next", 1), element("button", { type: "button", id: "lesson-leave", onclick: leave }, t("leave")))),
  );
}
