// Small pictures of the kinds of data, drawn by rule: signs to choose by, not the rows themselves.

import { css, diverging, ofClass } from "./palette.js";

const RULES = {
  circle: (x, y) => (x * x + y * y < 0.2 ? 1 : x * x + y * y > 0.45 ? -1 : null),
  xor: (x, y) => (Math.abs(x) < 0.12 || Math.abs(y) < 0.12 ? null : x * y > 0 ? 1 : -1),
  gauss: (x, y) => (Math.hypot(x - 0.45, y - 0.45) < 0.42 ? 1 : Math.hypot(x + 0.45, y + 0.45) < 0.42 ? -1 : null),
  spiral: (x, y) => {
    const radius = Math.hypot(x, y);
    const wave = Math.sin(Math.atan2(y, x) + radius * 5.5);
    return radius > 0.95 || Math.abs(wave) < 0.55 ? null : Math.sign(wave);
  },
  plane: (x, y) => (x + y) / 1.6,
  gauss_regression: (x, y) => Math.exp(-6 * ((x - 0.4) ** 2 + (y - 0.4) ** 2)) - Math.exp(-6 * ((x + 0.4) ** 2 + (y + 0.4) ** 2)),
};
const TEXTS = { xor_table: "4", single_layer_table: "3", formula: "ƒ", points: "✎", table: "▦", model: "◆" };

export function drawKind(canvas, kind) {
  const context = canvas.getContext("2d");
  const side = canvas.width;
  const rule = RULES[kind];
  if (!rule) {
    context.fillStyle = css(ofClass(1));
    context.font = "26px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(TEXTS[kind] ?? kind[0], side / 2, side / 2 + 2);
    return;
  }
  for (let i = 0; i < 12; i++) {
    for (let j = 0; j < 12; j++) {
      const [x, y] = [(i - 5.5) / 5.5, (j - 5.5) / 5.5];
      const value = rule(x, y);
      if (value === null) continue;
      context.fillStyle = css(diverging(value));
      context.beginPath();
      context.arc(side / 2 + x * 20, side / 2 - y * 20, 1.7, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
