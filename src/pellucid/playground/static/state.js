// The connection to the experiment, and the last frame of each kind that it told.

export const latest = {};
export const curve = [];

const listeners = {};
const waiting = new Map();
export let transport = null;
let nextId = 1;
let scheduled = false;

export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) (listeners[kind] ??= []).push(listener);
}

export function emit(kind, frame) {
  for (const listener of listeners[kind] ?? []) listener(frame);
}

// Ask for something; the promise gives the frame that answers, or null where it was refused (the reader is told why).
export function ask(command, fields = {}, quiet = false) {
  const id = nextId++;
  if (!transport?.send(JSON.stringify({ command, id, ...fields }))) return Promise.resolve(null);
  return new Promise((resolve) => waiting.set(id, { resolve, quiet }));
}

// Of many wishes in a row only the latest is sent, when the one before was answered.
export function latestOnly(send) {
  let busy = false;
  let next = null;
  return async (...values) => {
    next = values;
    if (busy) return;
    busy = true;
    while (next) {
      const now = next;
      next = null;
      await send(...now);
    }
    busy = false;
  };
}

// What carries commands and frames is opened with a function to call with each frame, and one for its end. It has
// `send(text)`, true if it was sent; `upload(kind, file)`, which gives the frame that answers, or null; and
// `addressed`, whether the page's address may hold the state.
export function connect(open) {
  transport = open(receive, (code) => {
    for (const { resolve } of waiting.values()) resolve(null);
    waiting.clear();
    emit("closed", { code });
  });
}

function receive(frame) {
  if (frame.frame === "error") {
    if (!waiting.get(frame.id)?.quiet) emit("error", frame);
  } else {
    latest[frame.frame] = frame;
    if (frame.frame === "progress") extendCurve(frame.curve);
    emit(frame.frame, frame);
    scheduleDrawing();
  }
  if (frame.id !== undefined) {
    waiting.get(frame.id)?.resolve(frame.frame === "error" ? null : frame);
    waiting.delete(frame.id);
  }
}

function extendCurve({ from, rows }) {
  curve.length = Math.min(curve.length, from);
  curve.push(...rows);
}

export function scheduleDrawing() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (latest.progress && latest.experiment && latest.data) emit("draw");
  });
}
