// The camera, as a page sees it: listings, settings, orders; over the CGIs that every other client uses.

import { parse } from "./model/vars.js";

/** @typedef {import("./model/vars.js").Vars} Vars */

/**
 * Somebody who wants pictures or sound; `seconds` ago he came.
 *
 * @typedef {{ user: string, from: string, agent: string, path: string, seconds: number }} Guest
 */

/**
 * What `now.json` says; the last five are for managers.
 *
 * @typedef {object} Now
 * @property {string} alias
 * @property {string | null} alarm What began the alarm that lasts.
 * @property {boolean} forbidden Whether nothing leaves the camera.
 * @property {number} streams
 * @property {{ score: number, threshold: number } | null} motion Shares of the picture.
 * @property {{ number: number, alias: string }[]} devices
 * @property {Guest[]} [watching]
 * @property {Guest[]} [came]
 * @property {number | null} [confirm_s]
 * @property {boolean} [network_managed]
 * @property {boolean} [setup_done]
 */

/**
 * What a page is given: who looks, and how the camera stands, each time that it is asked while the page is shown.
 *
 * @typedef {{ user: { name: string, privilege: number }, follow: (hear: (now: Now) => void) => void }} Context
 */

/**
 * @typedef {"away" | "login" | "foreign" | "illegal" | "unsupported" | "busy" | "internal" | "private" | "silent" | "full" |
 *   "differ" | "changed" | "damaged" | "large" | "password" | "off" | "clear"} Why
 */

/** Why something was not done: a key of the catalogues, behind `refused.`. */
export class Refused extends Error {
  /** @param {Why} why */
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/** What the profile answers instead of `ok.` */
const ERRORS = /** @type {const} */ ([
  ["error: illegal", "illegal"],
  ["error: not supported", "unsupported"],
  ["error: busy", "busy"],
  ["error: bad package", "damaged"],
  ["error: too large", "large"],
  ["error: wrong password", "password"],
]);
/** What the camera says where it shows nothing: the gate is closed. */
const NOTHING = "shows nothing at this hour";
/** What it says where a login would go through the Internet in clear. */
const CLEAR = "speaks only HTTPS";
/** How it says that the machine's operator has not turned something on. */
const OFF = /^error: .* is off\.$/;

/** How an answer's status says that nothing was done. */
const STATUSES = /** @type {Record<number, Why>} */ ({ 401: "login", 403: "foreign", 429: "busy", 503: "busy" });

/** How long the camera may take to answer, ms. */
const PATIENCE = 15_000;
/** The same where it asks others first. */
const LONG = 75_000;
/** For what takes long: a test, a drill. */
export const patiently = () => ({ signal: AbortSignal.timeout(LONG) });

/**
 * Makes an address. A page may be opened by one that bears a login, which scripts may not use.
 *
 * @param {string} path
 */
export function address(path) {
  const url = new URL(path, document.baseURI);
  [url.username, url.password] = ["", ""];
  return url.href;
}

/** Says that a request is the page's own, also where the browser tells no referrer. */
const OWN = { "X-Requested-With": "XMLHttpRequest" };

/**
 * Says why an answer is none, if it is none.
 *
 * @param {number} status
 * @param {string} text Its beginning will do.
 */
function failure(status, text) {
  if (status === 403 && text.includes(NOTHING)) return new Refused("private");
  if (status === 403 && text.includes(CLEAR)) return new Refused("clear");
  if (status === 200 && !text.startsWith("error: ")) return undefined;
  const why = OFF.test(text.trim()) ? "off" : ERRORS.find(([words]) => text.startsWith(words))?.[1];
  return new Refused(why ?? STATUSES[status] ?? "internal");
}

/**
 * Asks the camera; an answer with another status than 200 is an error.
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
    response = await fetch(address(url), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE), headers: OWN, ...init });
  } catch {
    throw new Refused("away");
  }
  if (!response.ok) throw failure(response.status, await response.text());
  return response;
}

/**
 * Reads a text; one that says an error is an error.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
async function text(path, query, init) {
  const text = await (await ask(path, query, init)).text();
  const why = failure(200, text);
  if (why) throw why;
  return text;
}

/**
 * Reads a listing.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
export const list = async (path, query, init) => parse(await text(path, query, init));

/**
 * Has something done.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {RequestInit} [init]
 */
export async function order(path, query, init) {
  if (!(await text(path, query, init)).startsWith("ok.")) throw new Refused("internal");
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
export const json = async (path, init) => JSON.parse(await text(path, {}, init));

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
  request.open("POST", address(`${path}?${new URLSearchParams(query)}`));
  request.setRequestHeader("X-Requested-With", OWN["X-Requested-With"]);
  await new Promise((resolve, reject) => {
    request.onload = resolve;
    request.onerror = () => reject(new Refused("away"));
    request.send(body);
  });
  const why = failure(request.status, request.responseText);
  if (why) throw why;
}

/** While it is more than none, nobody looks by himself. */
let quiet = 0;

/**
 * Changes the password of whoever looks, and has the browser log in anew and keep that. Meanwhile nothing is asked with the
 * old one.
 *
 * @param {() => Promise<unknown>} change
 * @param {string} user
 * @param {string} pwd
 */
export async function relogin(change, user, pwd) {
  quiet += 1;
  try {
    await change();
    await login(user, pwd);
  } finally {
    quiet -= 1;
  }
}

/**
 * @param {string} user
 * @param {string} pwd
 */
function login(user, pwd) {
  // `fetch` takes no login.
  const request = new XMLHttpRequest();
  request.open("GET", address("check_user.cgi"), true, user, pwd);
  request.timeout = PATIENCE;
  return new Promise((resolve) => {
    request.onloadend = resolve;
    request.send();
  });
}

/**
 * Looks at something again and again while the page is seen, never twice at a time; returns what ends it. A refused login
 * ends it, too.
 *
 * @param {number} ms
 * @param {() => Promise<unknown>} look
 */
export function every(ms, look) {
  let busy = false;
  const timer = setInterval(async () => {
    if (busy || quiet > 0 || document.hidden) return;
    busy = true;
    // Whoever is not let in any more is not asked again and again.
    await look().catch((error) => error instanceof Refused && error.why === "login" && clearInterval(timer));
    busy = false;
  }, ms);
  return () => clearInterval(timer);
}

/** Privileges, as `check_user.cgi` says them. */
export const [VISITOR, OPERATOR, MANAGER] = [1, 2, 3];

/** Says who looks at the page. */
export async function whoami() {
  // The browser asks its reader for a login first, who may take his time.
  const { user, pri } = await list("check_user.cgi", {}, { signal: null });
  return { name: String(user), privilege: Number(pri) };
}
