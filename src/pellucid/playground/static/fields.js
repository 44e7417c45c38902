// A control for each declared option: its kind, range, default and sentence come from the library's own declaration.

import { element } from "./dom.js";
import { named } from "./strings.js";
import { tooltip } from "./tooltips.js";
import { latest } from "./state.js";

const TYPICAL = {
  learning_rate: [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
  l1: [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1],
  l2: [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1],
};

// One option; `send` is called with the new value. `id` must be the page's only one.
export function field(option, value, send, id, { slider = false } = {}) {
  const { control } = option;
  const title = tooltip(option);
  if (control.kind === "boolean") {
    const box = element("input", { type: "checkbox", id, checked: value, onchange: () => send(box.checked) });
    return element("label", { className: "field check", title, htmlFor: id }, box, named(option.name));
  }
  if (control.kind === "choice") return select(id, option.name, control.names, value, send, title);
  if (control.kind === "number") {
    const bounded = control.low !== null && control.high !== null;
    return slider && bounded ? range(option, value, send, id, title) : numeric(option, value, send, id, title);
  }
  if (!Array.isArray(option.default)) return null;
  const text = element("input", { id, value: value.join(", "), onchange: () => send(text.value.split(",").map(Number)) });
  return labelled(option.name, text, title);
}

export function select(id, name, names, value, send, title = "", shown = named) {
  const options = names.map((each) => element("option", { value: each, selected: each === value }, shown(each)));
  const list = element("select", { id, onchange: () => send(list.value) }, options);
  return labelled(name, list, title);
}

function labelled(name, control, title) {
  return element("label", { className: "field", title, htmlFor: control.id }, element("span", {}, named(name)), control);
}

function numeric(option, value, send, id, title) {
  const { low, high, whole, nullable } = option.control;
  const properties = { type: "number", id, value: value ?? "", step: whole ? 1 : "any", placeholder: nullable ? "–" : "" };
  if (low !== null) properties.min = low;
  if (high !== null) properties.max = high;
  const typical = TYPICAL[option.name];
  if (typical) properties.list = `typical-${id}`;
  const input = element("input", properties);
  input.addEventListener("change", () => {
    if (input.value === "" && nullable) send(null);
    else if (input.value !== "" && input.checkValidity()) send(Number(input.value));
    else input.reportValidity();
  });
  const made = labelled(option.name, input, title);
  if (typical) made.append(element("datalist", { id: properties.list }, typical.map((each) => element("option", { value: each }))));
  return made;
}

function range(option, value, send, id, title) {
  const { low, high, whole, open } = option.control;
  const step = whole ? 10 : 0.05;
  const top = open.includes("high") ? high - step : high;
  const figure = element("output", { htmlFor: id }, String(value));
  const slider = element("input", { type: "range", id, min: low, max: top, step, value });
  slider.addEventListener("input", () => {
    figure.value = slider.value;
    send(Number(slider.value));
  });
  return element("label", { className: "field slide", title, htmlFor: id }, element("span", {}, named(option.name), " ", figure), slider);
}

// A class of a family and its options: `send` is called with the whole configured object.
export function configured(family, name, value, send, id, { only, more = true } = {}) {
  const families = latest.options.families[family];
  const types = only ?? Object.keys(families);
  const start = (type) => {
    const options = families[type].map((option) => [option.name, option.required ? (option.control.low ?? 0) : option.default]);
    return { type, ...Object.fromEntries(options) };
  };
  const chosen = select(`${id}-type`, name, types, value.type, (type) => send(start(type)));
  const fields = families[value.type].map((option) =>
    field(option, value[option.name], (next) => send({ ...value, [option.name]: next }), `${id}-${option.name}`),
  );
  const shown = more ? fields : fields.slice(0, 1);
  return element("div", { className: "configured" }, chosen, shown);
}
