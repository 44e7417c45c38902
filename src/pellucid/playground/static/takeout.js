// The run as a file: a script, plain NumPy, a drawing, the configuration.

import { element } from "./dom.js";
import { on } from "./state.js";
import { t } from "./strings.js";

const FILES = { script: "script.py", numpy: "numpy.py", drawing: "network.svg", configuration: "configuration.json" };

export function buildTakeOut(part) {
  on("language", () => {
    const links = Object.entries(FILES).map(([name, file]) => element("a", { className: "button", id: `take-${name}`, href: `/export/${file}`, download: file }, t(name)));
    part.replaceChildren(element("div", { className: "row" }, links));
  });
}
