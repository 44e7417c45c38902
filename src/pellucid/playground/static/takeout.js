// The run as a file: a model, a script, plain NumPy, a drawing, the configuration.

import { element } from "./dom.js";
import { ask, on } from "./state.js";
import { t } from "./strings.js";

const FORMATS = { model_file: "model", script: "script", numpy: "numpy", drawing: "svg", configuration: "configuration" };

async function save(format) {
  const file = await ask("export", { format });
  if (!file) return;
  const content = file.text ?? Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([content], { type: file.type }));
  element("a", { href: address, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // the browser has taken it by then
}

export function buildTakeOut(part) {
  on("language", () => {
    const links = Object.entries(FORMATS).map(([name, format]) => element("button", { type: "button", id: `take-${name}`, onclick: () => save(format) }, t(name)));
    part.replaceChildren(element("div", { className: "row" }, links));
  });
}
