// The link: what stands after # holds the whole state, and follows it.

import { ask, latest, on, transport } from "./state.js";

let own = "";
let due = 0;

export async function openLink() {
  if (!transport.addressed) return;
  const text = location.hash.slice(1);
  if (text && text !== own) await ask("open_link", { text });
}

export async function readLink() {
  const frame = await ask("link", {}, true);
  if (frame && transport.addressed && frame.text !== own) {
    own = frame.text;
    history.replaceState(null, "", `#${own}`);
  }
  return frame;
}

// While training runs the link waits: it would change at every step.
export function followLink() {
  if (!transport.addressed) return;
  const later = () => {
    clearTimeout(due);
    due = setTimeout(() => !latest.progress?.playing && readLink(), 300);
  };
  on("experiment", later);
  on("progress", (frame) => !frame.playing && later());
  window.addEventListener("hashchange", openLink);
  later();
}
