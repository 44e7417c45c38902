// Every text of the page in English and Russian, from one table; {name} stands for a value.

import { find } from "./dom.js";
import { emit } from "./state.js";
import { STRINGS } from "./texts.js";
import { NAMES } from "./names.js";

const LANGUAGES = ["en", "ru"];
let language = 0;

export function t(key, values = {}) {
  const said = STRINGS[key];
  if (!said) throw new Error(`no text for ${key}`);
  return said[language].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Of a text in both languages, the one that is shown.
export const local = (both) => both[language];

// The name of an option, kind or class for the reader; of what has none here, the library's own.
export function named(name) {
  return NAMES[name]?.[language] ?? name.replaceAll("_", " ");
}

export function text(key) {
  const span = document.createElement("span");
  span.dataset.text = key;
  span.textContent = t(key);
  return span;
}

export const current = () => LANGUAGES[language];

export function setLanguage(name) {
  language = Math.max(0, LANGUAGES.indexOf(name));
  document.documentElement.lang = LANGUAGES[language];
  localStorage.setItem("pellucid.language", LANGUAGES[language]);
  translate();
  emit("language");
}

export function translate() {
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = t(each.dataset.text);
  for (const each of document.querySelectorAll("[data-title]")) {
    const keys = each.getAttribute("aria-keyshortcuts");
    each.title = t(each.dataset.title) + (keys ? ` (${keys})` : "");
  }
  for (const each of document.querySelectorAll("[data-label]")) each.ariaLabel = t(each.dataset.label);
}

let hiding = 0;

// Tell the reader, aloud where a screen reader listens; "good" and "bad" news also stand on the page for a while.
export function say(message, news) {
  if (!news) {
    find("#said").textContent = message;
    return;
  }
  const notice = find("#notice");
  notice.textContent = message;
  notice.className = news;
  notice.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (notice.hidden = true), 9000);
}
