// Cards: what most pages are made of.

import { order } from "../camera.js";
import { button, el } from "../dom.js";
import { SettingsForm, all } from "../form.js";
import { say } from "../words.js";

/**
 * A card with a heading.
 *
 * @param {string} heading
 * @param {...import("../dom.js").Child} children
 */
export const card = (heading, ...children) => el("section", { class: "card" }, el("h2", {}, heading), ...children);

/**
 * A card with the form of a CGI, filled.
 *
 * @param {string} path
 * @param {ConstructorParameters<typeof SettingsForm>[2] & { heading?: string }} [choice]
 */
export async function settings(path, { heading = say(`form.${path}`), ...choice } = {}) {
  const form = new SettingsForm(path, (await all())[path], choice);
  await form.load();
  return { form, element: card(heading, form.element) };
}

/** Names of a schedule's words. */
export const isWord = (/** @type {import("../form.js").Field} */ field) => field.kind === "word";

/**
 * A button that gives an order and says what came of it.
 *
 * @param {string} words
 * @param {() => Promise<unknown>} act
 * @param {Record<string, unknown>} [given]
 */
export function deed(words, act, given) {
  const told = el("span", { role: "status", class: "told" });
  const press = button(words, async () => {
    told.textContent = say("doing");
    told.textContent = await act().then((said) => (typeof said === "string" ? said : say("done")), (error) => say(`refused.${error.why ?? "internal"}`));
  }, given);
  return el("div", { class: "actions" }, press, told);
}

/**
 * A button for what cannot be taken back: it asks first.
 *
 * @param {string} words
 * @param {string} question
 * @param {() => Promise<unknown>} act
 */
export function danger(words, question, act) {
  return deed(words, async () => {
    if (!(await sure(question, words))) return "";
    return act();
  }, { class: "danger" });
}

/**
 * Asks whether somebody is sure.
 *
 * @param {string} question
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function sure(question, yes) {
  const dialog = el("dialog", {}, el("form", { method: "dialog" }, el("p", {}, question),
    el("div", { class: "actions" }, el("button", { value: "yes", class: "danger" }, yes), el("button", { value: "no", autofocus: true }, say("cancel")))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes");
  }));
}

/**
 * Has the camera start anew, or do what ends in that, and waits until it is back.
 *
 * @param {string} path
 * @param {(() => Promise<unknown>)} [instead]
 */
export async function anew(path, instead = () => order(path)) {
  await instead();
  for (let tries = 0; tries < 60; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (await fetch("healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false)) return say("back");
  }
  return say("refused.away");
}
