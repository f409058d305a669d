// Modules of the web UI that need no browser, and numbers to try them with.

import { readFileSync } from "node:fs";

/** Loads a module of the web UI, whose folder does not tell node that they are modules. */
export async function model(name) {
  const text = readFileSync(new URL(`../../../crates/lookout/web/model/${name}.js`, import.meta.url));
  return import(`data:text/javascript;base64,${text.toString("base64")}`);
}

/** Random numbers from 0 up to an end, the same in every run. */
export function numbers(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end) | 0;
  };
}
