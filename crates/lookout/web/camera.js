// The camera, as a page sees it: listings, settings, orders; over the CGIs that every other client uses.

import { parse } from "./model/vars.js";

/** @typedef {import("./model/vars.js").Vars} Vars */

/** Why something was not done. `why` is a key of the catalogues. */
export class Refused extends Error {
  /** @param {"away" | "login" | "foreign" | "illegal" | "unsupported" | "busy" | "internal" | "private" | "silent" | "full" | "differ"} why */
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
const PATIENCE = 15_000;
/** The same where it asks others first. */
const LONG = 75_000;
/** For what takes long: a test, a drill. */
export const patiently = () => ({ signal: AbortSignal.timeout(LONG) });

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
  // A camera without a microphone, else one that has no picture now.
  if (response.status === 503) throw new Refused(path === "audio.wav" ? "silent" : "busy");
  if (!response.ok) throw new Refused("internal");
  return response;
}

/**
 * Reads a listing.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
export async function list(path, query, init) {
  const text = await (await ask(path, query, init)).text();
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

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
export const json = async (path, init) => (await ask(path, {}, init)).json();

/** @param {string} text */
function failure(text) {
  return new Refused(ERRORS.find(([words]) => text.startsWith(`error: ${words}`))?.[1] ?? "internal");
}

/**
 * Sends a file.
 *
 * @param {string} path
 * @param {File} file
 * @param {Record<string, string>} query
 * @param {(share: number) => void} told Hears how much is sent, 0 to 1.
 */
export async function send(path, file, query, told) {
  const body = new FormData();
  body.set("file", file);
  // `fetch` says nothing of how far it is.
  const request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded, total }) => told(loaded / total);
  request.open("POST", `${path}?${new URLSearchParams(query)}`);
  const text = await new Promise((resolve, reject) => {
    request.onload = () => resolve(request.status === 200 ? request.responseText : "");
    request.onerror = () => reject(new Refused("away"));
    request.send(body);
  });
  if (!text.startsWith("ok.")) throw failure(text);
}

/**
 * Has the browser log in anew, after a password was changed, and keep that.
 *
 * @param {string} user
 * @param {string} pwd
 */
export function login(user, pwd) {
  // `fetch` takes no login.
  const request = new XMLHttpRequest();
  request.open("GET", "check_user.cgi", true, user, pwd);
  return new Promise((resolve) => {
    request.onloadend = () => resolve(undefined);
    request.send();
  });
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
