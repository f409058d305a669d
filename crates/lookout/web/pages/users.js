// Accounts.

import { login } from "../camera.js";
import { el } from "../dom.js";
import { accounts } from "../parts/accounts.js";
import { card, deed } from "../parts/card.js";
import { say } from "../words.js";

/** What an account may do, by its number on the wire (Q3). */
const MAY = [0, 1, 2];

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const all = await accounts();
  const rows = all.list.map((account) => row(account, all.longest));
  const save = deed(say("save"), async () => {
    await all.store(rows.map(({ read }) => read()));
    const mine = rows.map(({ read }) => read()).find(({ name }) => name === context.user.name);
    if (mine && mine.pwd !== all.mask) await login(mine.name, mine.pwd);
    return say("saved");
  }, { class: "primary" });
  const head = ["users.name", "users.password", "users.may"].map((key) => el("th", { scope: "col" }, say(key)));
  room.append(card(say("form.set_users.cgi"), el("p", {}, say("users.about")),
    el("form", { class: "wide", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, el("table", { class: "users" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows.map(({ row }) => row)))), save));
}

/**
 * @param {import("../parts/accounts.js").Account} account
 * @param {{ name?: number, pwd?: number }} longest
 */
function row({ number, name, pwd, pri }, longest) {
  const label = (/** @type {string} */ key) => `${say(key)} ${number}`;
  const text = { autocapitalize: "off", spellcheck: "false" };
  const called = el("input", { ...text, value: name, maxlength: longest.name, autocomplete: "off", "aria-label": label("users.name") });
  const secret = el("input", { ...text, type: "password", value: pwd, maxlength: longest.pwd, autocomplete: "new-password",
    "aria-label": label("users.password"), onfocus: () => secret.select() });
  const may = el("select", { "aria-label": label("users.may") }, ...MAY.map((value) => el("option", { value, selected: String(value) === pri }, say(`may.${value}`))));
  return {
    row: el("tr", {}, el("td", {}, called), el("td", {}, secret), el("td", {}, may)),
    read: () => ({ number, name: called.value, pwd: called.value === "" ? "" : secret.value, pri: may.value }),
  };
}
