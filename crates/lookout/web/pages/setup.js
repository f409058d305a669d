// The setup: four steps from a camera that was just switched on to one that is its owner's. Each may be skipped.

import { accounts } from "../accounts.js";
import { Refused, order } from "../camera.js";
import { button, el, id, stay } from "../dom.js";
import { secret } from "../form.js";
import { settings } from "../parts/card.js";
import { clock } from "../parts/clock.js";
import { image } from "../parts/image.js";
import { picture } from "../parts/live-picture.js";
import { trial } from "../parts/trial.js";
import { reason, say } from "../words.js";

/** @typedef {import("../camera.js").Context} Context */
/**
 * @typedef {{ element: HTMLElement, keep: () => Promise<unknown>, end?: () => void }} Shown A step, and what keeps what was
 *   said there.
 */
/** @typedef {{ key: string, show: (context: Context) => Promise<Shown> }} Step */

/** @type {Step[]} */
const STEPS = [
  { key: "password", show: password },
  { key: "picture", show: named },
  { key: "time", show: time },
  { key: "alarms", show: alarms },
];

/**
 * @param {HTMLElement} room
 * @param {Context} context
 */
export async function show(room, context) {
  let left = false;
  /** @type {(() => void) | undefined} */
  let end;
  await step(0);
  return () => {
    left = true;
    end?.();
  };

  /** @param {number} at */
  async function step(at) {
    const { key, show } = STEPS[at];
    const shown = await show(context);
    end = shown.end;
    if (left) return end?.();
    const told = el("p", { role: "status", class: "told" });
    let busy = false;
    const go = async (/** @type {() => Promise<unknown>} */ first) => {
      if (busy) return;
      busy = true;
      try {
        await first();
        shown.end?.();
        await (at + 1 === STEPS.length ? done() : step(at + 1));
      } catch (error) {
        told.textContent = reason(error);
      }
      busy = false;
    };
    const next = button(say(at + 1 < STEPS.length ? "setup.next" : "setup.finish"), () => go(shown.keep), { class: "primary" });
    const skip = button(say("setup.skip"), () => go(async () => {}));
    const enter = (/** @type {Event} */ event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      go(shown.keep);
    };
    // The key of a field without a button.
    shown.element.addEventListener("submit", enter, true);
    const heading = el("h2", { tabindex: -1 }, say(`setup.${key}`));
    room.replaceChildren(
      el(
        "section",
        { class: "card" },
        el("p", { class: "told" }, say("setup.step", { step: at + 1, steps: STEPS.length })),
        el("progress", { max: STEPS.length, value: at + 1, "aria-hidden": "true" }),
        heading,
        el("p", {}, say(`setup.${key}.how`)),
        shown.element,
        el("div", { class: "actions" }, next, skip, told),
      ),
    );
    heading.focus();
  }
}

async function done() {
  await order("set_setup.cgi", { done: 1 });
  location.hash = "live";
}

/**
 * @param {Context} context
 * @returns {Promise<Shown>}
 */
async function password({ user: { name } }) {
  const all = await accounts();
  const [one, again] = [secret({ id: id() }, all.longest.pwd), secret({ id: id() }, all.longest.pwd)];
  const row = (/** @type {HTMLInputElement} */ input, /** @type {string} */ key) =>
    el("div", { class: "field" }, el("label", { for: input.id }, say(key)), input);
  const rows = [row(one, "setup.password.one"), row(again, "setup.password.again")];
  const form = el("form", { class: "settings", onsubmit: stay }, ...rows);
  const keep = async () => {
    if (one.value !== again.value) throw new Refused("differ");
    if (one.value === "") return;
    if (!form.reportValidity()) throw new Refused("illegal");
    await all.store(
      all.list.map((account) => (account.name === name ? { ...account, pwd: one.value } : account)),
      name,
    );
  };
  return { element: form, keep };
}

/** @returns {Promise<Shown>} */
async function named() {
  const { form } = await settings("set_alias.cgi", { button: false });
  const told = el("p", { role: "status", class: "told" });
  const turns = await image((error) => void (told.textContent = reason(error)));
  turns.open = true;
  const element = el("div", { class: "page" }, picture("videostream.cgi", say("live.label")), form.element, turns, told);
  return { element, keep: () => form.store() };
}

/** @returns {Promise<Shown>} */
async function time() {
  const { element, form, end } = await clock({ button: false });
  element.querySelector("h2")?.remove();
  element.classList.remove("card");
  return { element, end, keep: () => form.store() };
}

/** What of mail is asked at first; the rest stands on its page. */
const MAIL = ["svr", "port", "tls", "user", "pwd", "sender", "receiver1"];

/** @returns {Promise<Shown>} */
async function alarms() {
  const mail = await settings("set_mail.cgi", { button: false, hidden: ({ wire }) => !MAIL.includes(wire) });
  const only = (/** @type {import("../form.js").Field} */ { wire }) => wire === "motion_armed" || wire === "mail";
  const alarm = await settings("set_alarm.cgi", { button: false, only });
  const keep = async () => {
    await mail.form.store();
    await alarm.form.store();
  };
  return { element: el("div", { class: "page" }, mail.form.element, trial(mail.form, "mail"), alarm.form.element), keep };
}
