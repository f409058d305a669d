// Listings are scripts: whatever the camera took comes back equal when a JavaScript engine evaluates them, and ends neither
// the script nor the page that it stands in. What to set comes from docs/params.md; what to set it to, from a generator
// whose seed is printed (SEED=… repeats a run, ROUNDS=… prolongs it).

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import vm from "node:vm";

import { admin, camera, load, viewer } from "./camera.mjs";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const rounds = Number(process.env.ROUNDS ?? 400);
console.log(`SEED=${seed}`);

// Secrets are shown in this mode, so that they can be compared too.
const lookout = await camera("listings", '[profile]\nsecrets = "plain"\n');

/** A generator of numbers from 0 to below 1 (mulberry32): the same for the same seed. */
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const upTo = (below) => Math.floor(random() * below);
const pick = (list) => list[upTo(list.length)];

const NASTY = [
  "'", '"', "\\", "\\\\", "\\'", "`", "${x}", "</script>", "</ScRiPt ", "<!--", "-->", "<script>", "]]>", "&lt;", "&#39;", "%", "%27", "+", "&",
  "=", "#", "?", ";", "//", "/*", "*/", " ", "\u00a0", "\u2028", "\u2029", "\ufeff", "\u200b", "\u200d", "\u202e", "\u2066", "e\u0301",
  "\u0301\u0323", "ü", "ß", "é", "Ω", "שלום", "مرحبا", "日本", "𝕏", "👩‍👩‍👧", "🇩🇪", "\ufffd", "\uffff", "\u{10ffff}", "x", "aB", "0", "\\x27", "\\u0027", "\\n",
];
const CONTROL = ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\x9f"];

/** A text of about so many bytes, at times too long by a little or with a control character. */
function text(most) {
  const wanted = pick([0, 1, upTo(most + 1), most, most + 1]);
  let out = "";
  while (bytes(out) < wanted) out += random() < 0.8 ? pick(NASTY) : String.fromCodePoint(pick([0x20, 0xa0, 0x3000, 0x1f600]) + upTo(95));
  while (bytes(out) > Math.max(wanted, most) && random() < 0.9) out = [...out].slice(0, -1).join("");
  return random() < 0.03 ? out + pick(CONTROL) : out;
}
const bytes = (text) => Buffer.byteLength(text);
const letters = (from, most) => Array.from({ length: upTo(most) }, () => pick([...from])).join("");
const whole = (min, max) => String(pick([min, max, min - 1, max + 1, min + upTo(max - min + 1), min + upTo(max - min + 1)]));
const within = (min, max) => (value) => /^-?\d+$/.test(value) && Number(value) >= min && Number(value) <= max;

/** What a row of the manual takes: makes a value, says whether it is legal (null: the camera decides), and what shows then. */
function kind(takes) {
  const most = Number(/at most (\d+) bytes/.exec(takes)?.[1]);
  const printable = (value) => bytes(value) <= most && !/\p{Cc}/u.test(value);
  const number = (make, legal) => ({ make, legal, shown: Number });
  const same = (value) => value;
  if (/^(text|secret)/.test(takes)) return { make: () => text(most), legal: printable, shown: same };
  if (/^host/.test(takes)) return { make: () => pick([letters("abcXYZ019-._:", most + 2), text(9)]), legal: null, shown: same };
  if (/^mail/.test(takes))
    return { make: () => pick(["", `${text(20)}@example.org`, `me${letters("a'&=ü日", 9)}@x`]), legal: null, shown: same };
  if (/^http/.test(takes)) return { make: () => pick(["", `http://h/${text(60)}`, `https://h?${letters("a'`$&ü日;", 40)}`]), legal: null, shown: same };
  if (/^32 quarter/.test(takes)) {
    const word = number(() => whole(-(2 ** 31), 2 ** 32 - 1), within(-(2 ** 31), 2 ** 32 - 1));
    return { ...word, shown: (value) => Number(value) >>> 0 };
  }
  if (takes === "0 or 1") return number(() => whole(0, 1), within(0, 1));
  const range = /^(-?\d+) to (-?\d+)$/.exec(takes)?.slice(1).map(Number);
  if (range) return number(() => whole(...range), within(...range));
  const choices = takes.split(", ").map((choice) => /^(\d+) /.exec(choice)?.[1]).filter(Boolean);
  if (choices.length > 1) return number(() => pick([...choices, "7777"]), (value) => choices.includes(value));
  return null; // addresses, and the camera's id, which waits for a restart
}

/** The settings: what sets them under which name, and which listings show them under which. */
const manual = readFileSync(new URL("../../docs/params.md", import.meta.url), "utf8");
const settings = manual.split("\n").flatMap((line) => {
  const [, name, cgi, wire, takes, , listings] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""));
  const [path] = cgi?.split(" ") ?? [];
  const takesWhat = path?.endsWith(".cgi") && listings && kind(takes);
  if (!takesWhat) return [];
  const byWire = !/get_params/.test(listings);
  const shownAs = listings.split(" ").map((listing) => ({ listing, as: byWire ? wire : name }));
  return [{ name, path, wire, shownAs, ...takesWhat }];
});
const groups = new Map(settings.map(({ path }) => [path, settings.filter((row) => row.path === path)]));
const LISTINGS = ["get_params", "get_status", "get_camera_params", "get_forbidden", "get_misc"];

const headers = { Authorization: `Basic ${Buffer.from(`${admin.user}:${admin.pwd}`).toString("base64")}` };
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
async function get(path, values = {}, options = { headers }) {
  const query = Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const response = await fetch(`${lookout.http}/${path}?${query.join("&")}`, options);
  return strict.decode(await response.arrayBuffer());
}

/** Evaluates a listing; returns its variables. */
function evaluate(listing) {
  assert.doesNotMatch(listing, /<|\u2028|\u2029/, "nothing that ends a script");
  const context = vm.createContext(Object.create(null));
  vm.runInContext(listing, context);
  const variables = { ...context };
  assert.equal(Object.keys(variables).length, listing.match(/^var /gm).length, "a variable a line");
  return variables;
}

/** Reads every listing; returns the variables of each that nobody else changes. */
async function told() {
  const all = await Promise.all(LISTINGS.map(async (name) => [name, evaluate(await get(`${name}.cgi`))]));
  // The time goes on, services say how they stand, and what is set may arm what sees the demo scene move.
  for (const [, variables] of all) {
    for (const live of ["now", "alarm_status", "ddns_status", "oray_type", "upnp_status", "wifi_status"]) delete variables[live];
  }
  return Object.fromEntries(all);
}

/** Sets some of what a CGI sets to something random; the rest of it stays as `before` tells it. */
function request(path, rows, before) {
  const value = ({ shownAs: [{ listing, as }] }) => String(before[listing][as]);
  const wanted = (row) => !/^user[12]_/.test(row.name) && random() < pick([0.1, 0.5, 2 / rows.length]);
  const changed = new Map(rows.filter(wanted).map((row) => [row, row.make()]));
  if (path === "camera_control.cgi") {
    const [row] = changed.keys();
    const param = { resolution: 0, brightness: 1, contrast: 2, mode: 3, flip: 5 }[row?.wire] ?? 1;
    const only = new Map(row ? [[row, changed.get(row)]] : []);
    return { changed: only, values: { param, value: row ? changed.get(row) : before.get_camera_params.brightness } };
  }
  const values = Object.fromEntries(rows.map((row) => [row.wire, changed.get(row) ?? value(row)]));
  // What the manual's kinds leave out, and must be there.
  if (path === "set_network.cgi") Object.assign(values, { ip: "", mask: "", gateway: "", dns: "" });
  return { changed, values };
}

const browser = await load("playwright-core").chromium.launch({
  executablePath: process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync),
  args: ["--no-sandbox", "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
after(() => browser.close());

/** Puts a listing into a page, as an inline script; returns its variables. */
async function inAPage(listing, names) {
  const page = await browser.newPage();
  try {
    await page.setContent(`<!doctype html><meta charset="utf-8"><script>${listing}</script><p id="end">end</p>`);
    assert.equal(await page.textContent("body"), "end", "nothing of the script is in the page");
    return await page.evaluate((names) => Object.fromEntries(names.map((name) => [name, globalThis[name]])), names);
  } finally {
    await page.close();
  }
}

test(`what was taken is what every listing evaluates to, and what was refused is as it was (SEED=${seed})`, async () => {
  assert.ok(settings.length > 200, `${settings.length} settings in the manual`);
  let before = await told();
  const counts = { taken: 0, refused: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const path = pick([...groups.keys()]);
    const { changed, values } = request(path, groups.get(path), before);
    const answer = await get(path, values);
    const what = JSON.stringify({ round, path, answer, changed: [...changed].map(([row, value]) => [row.wire, value]) });
    assert.match(answer, /^(ok\.\n|error: illegal params\.)$/, what);
    const legal = [...changed].map(([row, value]) => row.legal?.(value));
    const taken = answer === "ok.\n";
    if (taken) assert.ok(!legal.includes(false), `something illegal was taken: ${what}`);
    // The accounts have rules beyond each one's limits; what is no text or number decides for itself.
    else assert.ok(legal.includes(false) || legal.includes(undefined) || path === "set_users.cgi", `all was legal: ${what}`);
    counts[taken ? "taken" : "refused"] += 1;
    const expected = structuredClone(before);
    if (taken) for (const [row, value] of changed) for (const { listing, as } of row.shownAs) expected[listing][as] = row.shown(value);
    const now = await told();
    assert.deepEqual(now, expected, what);
    if (round % Math.ceil(rounds / 5) === 0) {
      const { now: _, ...shown } = await inAPage(await get("get_params.cgi"), Object.keys(now.get_params));
      assert.deepEqual(shown, now.get_params, "in Chromium");
    }
    before = now;
  }
  console.log(counts);
  assert.ok(counts.taken > rounds / 4 && counts.refused > rounds / 20, JSON.stringify(counts));
});

test(`whoever logs in under any name and password is told both (SEED=${seed})`, async () => {
  const accounts = evaluate(await get("get_params.cgi"));
  let logins = 0;
  // Most of what comes up is too long, too short, or illegal.
  for (let round = 0; logins < 5 && round < 500; round += 1) {
    const [user, pwd] = [text(12), text(12)];
    const all = Array.from({ length: 8 }, (_, i) => i + 1).flatMap((n) => {
      const [name, secret, pri] = n < 3 ? ["name", "pwd", "pri"].map((part) => accounts[`user${n}_${part}`]) : n === 3 ? [user, pwd, 1] : ["", "", 0];
      return [[`user${n}`, name], [`pwd${n}`, secret], [`pri${n}`, pri]];
    });
    if ((await get("set_users.cgi", Object.fromEntries(all))) !== "ok.\n" || user === "" || pwd === "") continue;
    const expected = { user, pwd, pri: 2 };
    const byQuery = await get("check_user.cgi", { user, pwd }, {});
    assert.deepEqual(evaluate(byQuery), expected);
    if (user.includes(":")) continue; // Basic cannot say such a name
    const basic = { Authorization: `Basic ${Buffer.from(`${user}:${pwd}`).toString("base64")}` };
    assert.deepEqual(evaluate(await get("check_user.cgi", {}, { headers: basic })), expected);
    logins += 1;
  }
  assert.equal(logins, 5);
});

test(`no name of a refused login makes the journal something else than lines (SEED=${seed})`, async () => {
  for (let tries = 0; tries < 2; tries += 1) {
    // Two: more wrong logins from an address are slowed down, and this is the address of all tests.
    const user = `'${text(12)}\\n';\\`;
    await get("check_user.cgi", { user, pwd: "guessed" }, {});
  }
  const { log_text: log } = evaluate(await get("get_log.cgi"));
  assert.ok(log.endsWith("\n"));
  const lines = log.slice(0, -1).split("\n");
  for (const line of lines) assert.match(line, /^\w{3}, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d   \P{Cc}+$/u);
  assert.ok(lines.some((line) => line.endsWith(" access denied")), log);
  for (const { pwd } of [admin, viewer]) assert.ok(!log.includes(pwd), "no password");
});
