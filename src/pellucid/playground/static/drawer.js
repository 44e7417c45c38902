// The drawer beneath: parts that are opened one at a time.

import { buildCompare } from "./compare.js";
import { element, find } from "./dom.js";
import { buildDoctor } from "./doctor.js";
import { buildHistograms } from "./histograms.js";
import { buildLedger } from "./ledger.js";
import { buildNumbers } from "./numbers.js";
import { emit, on } from "./state.js";
import { buildTakeOut } from "./takeout.js";
import { text } from "./strings.js";

const PARTS = { numbers: buildNumbers, ledger: buildLedger, histograms: buildHistograms, doctor: buildDoctor, compare: buildCompare, take_out: buildTakeOut };
export const TABS = Object.keys(PARTS);
let opened = "numbers";

export const isOpen = (name) => opened === name;

export function openTab(name) {
  opened = name;
  for (const each of TABS) {
    const tab = find(`#tab-${each}`);
    tab.setAttribute("aria-selected", each === name);
    tab.tabIndex = each === name ? 0 : -1;
    find(`#part-${each}`).hidden = each !== name;
  }
  emit("tab", name);
}

export function buildDrawer() {
  const list = element("div", { role: "tablist", "data-label": "details" });
  const parts = TABS.map((name) => {
    const tab = element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `part-${name}`, onclick: () => openTab(name) }, text(name));
    list.append(tab);
    const part = element("div", { role: "tabpanel", id: `part-${name}`, "aria-labelledby": `tab-${name}` });
    PARTS[name](part);
    return part;
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    openTab(TABS[(TABS.indexOf(opened) + by + TABS.length) % TABS.length]);
    find(`#tab-${opened}`).focus();
  });
  find("#drawer").append(list, ...parts);
  openTab(opened);
  on("selected", () => openTab("numbers"));
  on("ledger operation", () => openTab("ledger"));
}
