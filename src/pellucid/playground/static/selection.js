// What the reader has chosen to look at: a neuron, or a weight.

import { emit } from "./state.js";

let chosen = null;

export const selected = () => chosen;

export function select(thing) {
  chosen = thing;
  emit("selected", thing);
}
