// Colors: orange below, blue above, as on a good map; ten that the color-blind tell apart for classes.

const STEPS = 256; // from the middle to either end

let anchors = null;
let classes = null;
let ramp = null; // the pixels from the low end to the high one
const known = new Map(); // the theme's variables that were read

export function readPalette() {
  known.clear();
  const read = (name) => parse(variable(name));
  anchors = [read("--low"), read("--middle"), read("--high")];
  classes = Array.from({ length: 10 }, (_, index) => read(`--class-${index}`));
  ramp = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, step) => pixel(diverging(step / STEPS - 1)));
}

// Asking for the style makes the browser compute it; so each variable is asked for once a theme.
export function variable(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return known.get(name);
}

const parse = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
const mixed = (one, other, share) => one.map((part, index) => Math.round(part + (other[index] - part) * share));
export const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
const pixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // its bytes are red, green, blue, alpha

// The color of a share from -1 to 1.
export function diverging(share) {
  const clipped = Math.max(-1, Math.min(1, share));
  return clipped < 0 ? mixed(anchors[1], anchors[0], -clipped) : mixed(anchors[1], anchors[2], clipped);
}

export const ofClass = (index) => classes[index % 10];

export function bytes(map) {
  const text = atob(map.values);
  const found = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) found[index] = text.charCodeAt(index);
  return found;
}

export const valueAt = (map, byte) => map.low + ((map.high - map.low) * byte) / 255;

// Draw a map on a small canvas; `scaled` makes a share from -1 to 1 of a value.
export function drawMap(canvas, map, scaled) {
  const colors = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const share = Math.max(-1, Math.min(1, scaled(valueAt(map, byte))));
    colors[byte] = ramp[Math.round((share + 1) * STEPS)];
  }
  const cells = bytes(map);
  paint(canvas, cells.length, (index) => colors[cells[index]]);
}

// Draw of several maps, one a class, which class is the likeliest, the paler the less likely.
export function drawClasses(canvas, maps) {
  const cells = maps.map(bytes);
  paint(canvas, cells[0].length, (index) => {
    let best = 0;
    let highest = -Infinity;
    maps.forEach((map, at) => {
      const value = valueAt(map, cells[at][index]);
      if (value > highest) [best, highest] = [at, value];
    });
    const share = (highest - 1 / maps.length) / (1 - 1 / maps.length);
    return pixel(mixed(anchors[1], ofClass(best), 0.15 + 0.7 * Math.max(0, Math.min(1, share))));
  });
}

function paint(canvas, size, color) {
  const side = Math.round(Math.sqrt(size));
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < size; index++) {
    const row = side - 1 - Math.floor(index / side); // the first row is the lowest
    pixels[row * side + (index % side)] = color(index);
  }
  context.putImageData(image, 0, 0);
}

export const symmetric = (map) => {
  const reach = Math.max(Math.abs(map.low), Math.abs(map.high), 1e-9);
  return (value) => value / reach;
};

// How a prediction becomes a share: a probability about one half, a number about the middle of the targets.
export function scaleOf(experiment, data) {
  if (experiment.classes.length) return (value) => 2 * value - 1;
  let [low, high] = [Infinity, -Infinity];
  for (const target of data.targets) [low, high] = [Math.min(low, target), Math.max(high, target)];
  const half = Math.max((high - low) / 2, 1e-9);
  return (value) => (value - (low + high) / 2) / half;
}

// The color of a row's target, as the boundary beneath it is colored.
export function ofTarget(target, experiment, scaled) {
  if (experiment.classes.length > 2) return ofClass(target);
  return diverging(experiment.classes.length ? 2 * target - 1 : scaled(target));
}
