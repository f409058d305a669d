// The web UI, as these tests use it: who looks at it, and when a page of it is there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { admin, query, viewer } from "../camera.mjs";

/** What the pages say in English, by the keys of the catalogues. */
export const english = JSON.parse(readFileSync(new URL("../../../crates/lookout/web/lang/en.json", import.meta.url)));

/** Says something as the pages do; what is not given stays as it stands in the catalogue. */
export const say = (key, values = {}) =>
  (english[key] ?? assert.fail(`no words: ${key}`)).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** An account beside those of every camera, which may move the head. */
export const operator = { user: "oper", pwd: "moves-it" };

/** Asks the camera as its manager. */
export const ask = async (lookout, path, parameters = {}) =>
  (await fetch(`${lookout.http}/${path}?${new URLSearchParams({ ...parameters, ...admin })}`)).text();

/** Asks the camera for what answers `ok.` */
export const order = async (lookout, path, parameters) => assert.equal(await ask(lookout, path, parameters), "ok.\n", path);

/** Reads a setting out of a listing. */
export async function setting(lookout, name, listing = "get_params.cgi") {
  const text = await ask(lookout, listing);
  const [, quoted, number] =
    new RegExp(`^var ${name}=(?:'(.*)'|(-?\\d+));$`, "m").exec(text) ?? assert.fail(`${name} in\n${text}`);
  return quoted ?? Number(number);
}

/** Gives a camera the three users, and ends its first run. */
export async function accounts(lookout) {
  const all = [
    [admin.user, "********", 2],
    [viewer.user, "********", 0],
    [operator.user, operator.pwd, 1],
  ];
  const fields = Array.from({ length: 8 }, (_, at) => all[at] ?? ["", "", 0]).flatMap(([user, pwd, pri], at) =>
    Object.entries({ [`user${at + 1}`]: user, [`pwd${at + 1}`]: pwd, [`pri${at + 1}`]: pri }),
  );
  // `user` and `pwd` of the query are the login here, as the accounts have numbers.
  const answer = await fetch(`${lookout.http}/set_users.cgi?${new URLSearchParams(fields)}&${query(admin)}`);
  assert.equal(await answer.text(), "ok.\n");
  await order(lookout, "set_setup.cgi", { done: 1 });
}

/** Waits until a page of the UI is there. */
export const settled = (page, id) => page.waitForSelector(`#main:not([aria-busy="true"]) > .page.${id} > *`);

/** Opens a page of the UI. */
export async function open(page, lookout, id) {
  await page.goto(`${lookout.http}/#${id}`, { waitUntil: "domcontentloaded" });
  await settled(page, id);
}

/** Waits until the live picture moves. */
export const live = (page, at = "live-picture") => page.waitForFunction((at) => document.querySelector(at)?.state === "live", at);

/** Opens the live page, and waits for a picture. */
export async function watch(page, lookout) {
  await open(page, lookout, "live");
  await live(page);
}

/** Finds a card of a page by its heading. */
export const card = (page, heading) =>
  page.locator(".card").filter({ has: page.getByRole("heading", { name: heading, exact: true }) });

/** Stores a form, and waits until it is stored. */
export async function save(form) {
  await form.getByRole("button", { name: say("save"), exact: true }).click();
  await form.getByText(say("saved")).waitFor();
}
