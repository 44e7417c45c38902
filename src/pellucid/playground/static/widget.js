// The page as a notebook widget: in a frame of its own, its modules given as blobs, its transport the widget's messages.

const SCRIPT = /from "\.\//g; // a blob has no neighbors: the map of imports names them

function source({ body, style, modules }) {
  const imports = {};
  for (const [name, text] of Object.entries(modules)) {
    imports[`pellucid/${name}`] = URL.createObjectURL(new Blob([text.replace(SCRIPT, 'from "pellucid/')], { type: "text/javascript" }));
  }
  const map = JSON.stringify({ imports });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>${style}</style><script type="importmap">${map}</script><script type="module">import "pellucid/page.js";</script></head>${body}</html>`;
}

// Whether the notebook is dark: by the ground that the cell stands on.
function isDark(cell) {
  for (let each = cell; each; each = each.parentElement) {
    const [red, green, blue, opacity = 1] = getComputedStyle(each).backgroundColor.match(/[\d.]+/g).map(Number);
    if (opacity > 0) return red + green + blue < 3 * 128;
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "Pellucid playground";
  frame.style.cssText = "width: 100%; height: 900px; border: 0";
  const uploads = new Map();
  let nextUpload = -1; // the page's own ids count upward from 1
  let receive = () => undefined;
  frame.openTransport = (hear) => {
    receive = hear;
    model.send({ hello: true });
    return {
      addressed: false,
      send: (text) => (model.send({ text }), true),
      upload: async (kind, file) => {
        const id = nextUpload--;
        const content = await file.arrayBuffer();
        model.send({ upload: kind, name: file.name, id }, undefined, [content]);
        return new Promise((resolve) => uploads.set(id, resolve));
      },
    };
  };
  const hear = (message) => {
    if (message.page) {
      frame.srcdoc = source(message.page);
      return;
    }
    model.send({ read: true });
    const told = JSON.parse(message.frame);
    uploads.get(told.id)?.(told);
    if (!uploads.delete(told.id)) receive(told);
  };
  model.on("msg:custom", hear);
  frame.isDark = () => isDark(el);
  const themes = new MutationObserver(() => frame.contentWindow?.dispatchEvent(new Event("notebooktheme")));
  for (const each of [document.documentElement, document.body]) themes.observe(each, { attributes: true });
  el.append(frame);
  model.send({ want: "page" });
  return () => {
    model.off("msg:custom", hear);
    themes.disconnect();
  };
}

export default { render };
