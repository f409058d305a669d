// Cards: what most pages are made of.

import { button, el } from "../dom.js";
import { SettingsForm, all } from "../form.js";
import { reason, say } from "../words.js";

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
 * @param {import("../form.js").Choice & { heading?: string }} [choice]
 */
export async function settings(path, { heading = say(`form.${path}`), ...choice } = {}) {
  const form = new SettingsForm(path, (await all())[path], choice);
  await form.load();
  return { form, element: card(heading, form.element) };
}

/**
 * A button that does something and says what came of it.
 *
 * @param {string} words
 * @param {() => Promise<unknown>} act Gives words of its own, or nothing.
 * @param {Record<string, unknown>} [given]
 */
export function action(words, act, given) {
  const told = el("span", { role: "status", class: "told" });
  const press = button(
    words,
    async () => {
      told.textContent = say("doing");
      told.textContent = await act().then((said) => (typeof said === "string" ? said : say("done")), reason);
    },
    given,
  );
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
  return action(words, async () => ((await sure(question, words)) ? act() : ""), { class: "danger" });
}

/**
 * Asks whether somebody is sure.
 *
 * @param {string} question
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
function sure(question, yes) {
  const answers = [
    el("button", { value: "yes", class: "danger" }, yes),
    el("button", { value: "no", autofocus: true }, say("cancel")),
  ];
  const dialog = el(
    "dialog",
    { "aria-label": question },
    el("form", { method: "dialog" }, el("p", {}, question), el("div", { class: "actions" }, ...answers)),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }),
  );
}
