// The camera, as a page sees it: listings, settings, orders; over the CGIs that every other client uses.

import { parse } from "./model/vars.js";

/** @typedef {import("./model/vars.js").Vars} Vars */

/** Why something was not done. `why` is a key of the catalogues. */
export class Refused extends Error {
  /** @param {"away" | "login" | "foreign" | "illegal" | "unsupported" | "busy" | "internal" | "private"} why */
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/** What the profile answers instead of `ok.` */
const ERRORS = /** @type {const} */ ([
  ["illegal", "illegal"],
  ["not supported", "unsupported"],
  ["busy", "busy"],
]);

/** How long the camera may take to answer, ms. */
const PATIENCE = 15000;

/**
 * Asks the camera; what is no answer is an error.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
export async function ask(path, query = {}, init = {}) {
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const url = words.size > 0 ? `${path}?${words}` : path;
  let response;
  try {
    response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...init });
  } catch {
    throw new Refused("away");
  }
  if (response.status === 401 || response.status === 429) throw new Refused("login");
  if (response.status === 403) throw new Refused((await response.text()).includes("forbidden") ? "private" : "foreign");
  if (!response.ok) throw new Refused("internal");
  return response;
}

/**
 * Reads a listing.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 */
export async function list(path, query) {
  const text = await (await ask(path, query)).text();
  if (text.startsWith("error: ")) throw failure(text);
  return parse(text);
}

/**
 * Has something done.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
export async function order(path, query, init) {
  const text = await (await ask(path, query, init)).text();
  if (!text.startsWith("ok.")) throw failure(text);
}

/** @param {string} path */
export const json = async (path) => (await ask(path)).json();

/** @param {string} text */
function failure(text) {
  return new Refused(ERRORS.find(([words]) => text.startsWith(`error: ${words}`))?.[1] ?? "internal");
}

/**
 * Sends a file.
 *
 * @param {string} path
 * @param {File} file
 * @param {Record<string, string | number>} [query]
 */
export function send(path, file, query) {
  const body = new FormData();
  body.set("file", file);
  // An upgrade takes as long as it takes.
  return order(path, query, { method: "POST", body, signal: AbortSignal.timeout(600_000) });
}

/** What users may do, as `check_user.cgi` says it. */
export const VISITOR = 1;
export const OPERATOR = 2;
export const MANAGER = 3;

/** Says who looks at the page. */
export async function whoami() {
  const { user, pri } = await list("check_user.cgi");
  return { name: String(user), may: Number(pri) };
}
