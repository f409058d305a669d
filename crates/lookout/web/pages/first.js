// The first run: four steps from a camera that was just switched on to one that is its owner's. Each may be left out.

import { Refused, login, order } from "../camera.js";
import { button, el } from "../dom.js";
import { accounts } from "../parts/accounts.js";
import { settings, test } from "../parts/card.js";
import { picture } from "../parts/live-picture.js";
import { reason, say } from "../words.js";
import { image } from "./live.js";
import { clock } from "./time.js";

/**
 * @typedef {{ key: string, show: (context: import("../app.js").Context) => Promise<Shown> }} Step
 * @typedef {{ element: HTMLElement, keep: () => Promise<unknown>, end?: () => void }} Shown What it shows, and what keeps what was said there.
 */

/** @type {Step[]} */
const STEPS = [
  { key: "password", show: password },
  { key: "picture", show: named },
  { key: "time", show: time },
  { key: "alarms", show: alarms },
];

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  let [at, end] = [0, /** @type {(() => void) | undefined} */ (undefined)];
  const turn = async () => {
    end?.();
    if (at === STEPS.length) return done();
    const { key, show } = STEPS[at];
    const { element, keep, end: ends } = await show(context);
    end = ends;
    const told = el("p", { role: "status", class: "told" });
    const on = () => {
      at += 1;
      return turn();
    };
    const next = button(say(at + 1 < STEPS.length ? "first.next" : "first.finish"), () => keep().then(on, (error) => void (told.textContent = reason(error))), { class: "primary" });
    const heading = el("h2", { tabindex: -1 }, say(`first.${key}`));
    room.replaceChildren(el("section", { class: "card" },
      el("p", { class: "told" }, say("first.step", { step: at + 1, steps: STEPS.length })),
      el("progress", { max: STEPS.length, value: at + 1, "aria-hidden": "true" }),
      heading, el("p", {}, say(`first.${key}.how`)), element,
      el("div", { class: "actions" }, next, button(say("first.skip"), on), told)));
    heading.focus();
  };
  await turn();
  return () => end?.();
}

async function done() {
  await order("set_setup.cgi", { done: 1 });
  location.hash = "live";
}

/**
 * @param {import("../app.js").Context} context
 * @returns {Promise<Shown>}
 */
async function password(context) {
  const all = await accounts();
  const given = { type: "password", autocomplete: "new-password", maxlength: all.longest.pwd };
  const [one, again] = [el("input", { ...given, id: "first-password" }), el("input", { ...given, id: "first-again" })];
  const row = (/** @type {HTMLInputElement} */ input, /** @type {string} */ key) => el("div", { class: "field" }, el("label", { for: input.id }, say(key)), input);
  const keep = async () => {
    if (one.value !== again.value) throw new Refused("differ");
    if (one.value === "") return;
    const { name } = context.user;
    await all.store(all.list.map((account) => (account.name === name ? { ...account, pwd: one.value } : account)));
    await login(name, one.value);
  };
  return { element: el("form", { class: "settings", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, row(one, "first.password.one"), row(again, "first.password.again")), keep };
}

/** @returns {Promise<Shown>} */
async function named() {
  const { form } = await settings("set_alias.cgi");
  const told = el("p", { role: "status", class: "told" });
  const turns = await image((error) => (told.textContent = reason(error)));
  turns.toggleAttribute("open", true);
  form.save.hidden = true;
  return { element: el("div", { class: "page" }, picture("videostream.cgi", say("live.label")), form.element, turns, told), keep: () => form.store() };
}

/** @returns {Promise<Shown>} */
async function time() {
  const { element, form, end } = await clock();
  form.save.hidden = true;
  return { element, end, keep: () => form.store() };
}

/** What of mail is asked at first; the rest stands on its page. */
const MAIL = ["svr", "port", "tls", "user", "pwd", "sender", "receiver1"];

/** @returns {Promise<Shown>} */
async function alarms() {
  const mail = await settings("set_mail.cgi", { hidden: ({ wire }) => !MAIL.includes(wire) });
  const alarm = await settings("set_alarm.cgi", { only: ({ wire }) => wire === "motion_armed" || wire === "mail" });
  [mail.form.save.hidden, alarm.form.save.hidden] = [true, true];
  const keep = async () => {
    await mail.form.store();
    await alarm.form.store();
  };
  return { element: el("div", {}, mail.form.element, test(mail.form, "mail"), alarm.form.element), keep };
}
