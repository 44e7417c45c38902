// One training step, operation by operation: each quantity with its formula and the numbers in it.

import { element, keepingFocus, number } from "./dom.js";
import { ask, emit, latest, on } from "./state.js";
import { t } from "./strings.js";

let part;
let open = false;

export function buildLedger(box) {
  part = box;
  on("ledger", (frame) => {
    open = true;
    latest.operation = null;
    ask("step_operation", { by: 0 });
    if (frame.step !== latest.progress.step) ask("look"); // the step before was taken
  });
  on("operation", (frame) => {
    frame.open = open = true;
    if (latest.ledger?.step !== frame.step) return;
    show();
  });
  on("progress", (frame) => {
    if (!open || !latest.ledger || !latest.operation || (frame.step === latest.ledger.step && !frame.playing)) return;
    open = false;
    if (latest.operation) latest.operation.open = false;
    show();
    emit("closed_step");
  });
  on("experiment", () => {
    open = false;
    if (latest.operation) latest.operation.open = false;
    show();
    emit("closed_step");
  });
  on("language", show);
  show();
}

function show() {
  keepingFocus(() => part.replaceChildren(...(open && latest.ledger && latest.operation ? step() : start())));
}

function start() {
  return [
    element("p", { className: "hint" }, t("step_hint")),
    element("div", { className: "row" }, element("button", { type: "button", id: "open-step", onclick: () => ask("open_step") }, t("open_step")), checkButton()),
    element("div", { id: "gradient-check" }),
  ];
}

function checkButton() {
  return element("button", { type: "button", id: "check-gradients", onclick: check }, t("check_gradients"));
}

async function check() {
  const found = await ask("check_gradients");
  const box = part.querySelector("#gradient-check");
  if (!found || !box) return;
  const rows = Object.entries(found.errors).map(([name, error]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, number(error, 3))));
  box.replaceChildren(
    element("p", { className: found.passed ? "good" : "bad" }, t(found.passed ? "check_passed" : "check_failed", { tolerance: number(found.tolerance) })),
    element("table", { className: "scores" }, element("thead", {}, element("tr", {}, element("td"), element("th", { scope: "col" }, t("largest_error")))), element("tbody", {}, rows)),
  );
}

function step() {
  const { entries } = latest.ledger;
  const { at, entry, values, arithmetic, verdict } = latest.operation;
  const items = [];
  let section = "";
  for (const each of entries) {
    if (each.section !== section) items.push(element("li", { className: "section" }, (section = each.section)));
    const button = element("button", { type: "button", id: `entry-${each.index}`, title: each.meaning, onclick: () => ask("step_operation", { by: each.index - latest.operation.at }) }, each.symbol);
    if (each.index === at) button.setAttribute("aria-current", "step");
    items.push(element("li", {}, button));
  }
  return [
    element("div", { className: "ledger" },
      element("ol", { className: "entries" }, items),
      element("article", {},
        element("h3", {}, entry.symbol, " ", element("small", {}, [entry.meaning, entry.name, entry.shape.length ? entry.shape.join(" × ") : ""].filter(Boolean).join(" · "))),
        entry.formula ? element("p", {}, element("code", { className: "formula" }, entry.formula)) : null,
        entry.matrix_form ? element("p", {}, element("code", { className: "formula" }, entry.matrix_form)) : null,
        verdict ? element("p", { className: "good" }, verdict) : null,
        element("div", { className: "scroll", id: "cells", tabIndex: 0, role: "region", ariaLabel: entry.symbol }, element("table", { className: "matrix" }, element("tbody", {}, values.map((row) => element("tr", {}, row.map((value) => element("td", {}, number(value)))))))),
        element("ul", { className: "arithmetic" }, arithmetic.map(([, said]) => element("li", {}, element("code", {}, said)))))),
    element("div", { className: "row" }, checkButton()),
    element("div", { id: "gradient-check" }),
  ];
}
