// What the pages say, in the reader's language: plain catalogues under `lang/`, English for whatever one lacks.

import { Refused, json } from "./camera.js";

/** The languages that there are, by the beginning of their tags. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", zh: "中文" };

/** @type {Record<string, string | undefined>} */
let catalogue = {};

/** Where the choice is kept. */
const KEPT = "language";

/** The language in force. */
export let language = "en";

/** Loads the catalogue of the reader's language. */
export async function load() {
  const wished = [kept(), ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  language = wished.find((tag) => tag in LANGUAGES) ?? "en";
  const wanted = [...new Set(["en", language])].map(async (tag) => json(`lang/${tag}.json`));
  catalogue = Object.assign({}, ...(await Promise.all(wanted)));
  document.documentElement.lang = language;
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    // Some browsers keep nothing for a page that they do not trust.
    return null;
  }
}

/** @param {string} tag */
export function choose(tag) {
  localStorage.setItem(KEPT, tag);
  location.reload();
}

/**
 * Says something; `{name}` stands for a value.
 *
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 */
export const say = (key, values) => known(key, values) ?? key;

/**
 * Says why something was not done.
 *
 * @param {unknown} error
 */
export function reason(error) {
  // The answer had begun.
  if (error instanceof DOMException && error.name === "TimeoutError") return say("refused.away");
  if (!(error instanceof Refused)) console.error(error);
  return say(`refused.${error instanceof Refused ? error.why : "internal"}`);
}

/**
 * Says something if there are words for it.
 *
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 */
export function known(key, values = {}) {
  return catalogue[key]?.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
