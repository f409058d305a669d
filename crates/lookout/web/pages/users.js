// Accounts.

import { accounts } from "../accounts.js";
import { el, stay } from "../dom.js";
import { bounded, secret } from "../form.js";
import { action, card } from "../parts/card.js";
import { say } from "../words.js";

/** What an account may do, by its number on the wire (Q3). */
const MAY = [0, 1, 2];

/**
 * @param {HTMLElement} room
 * @param {import("../camera.js").Context} context
 */
export async function show(room, context) {
  const all = await accounts();
  const rows = all.list.map((account) => row(account, all.longest));
  const table = el("form", { class: "wide", onsubmit: stay });
  const save = action(
    say("save"),
    async () => {
      if (!table.reportValidity()) return "";
      await all.store(
        rows.map(({ read }) => read()),
        context.user.name,
      );
      all.list.forEach((account, at) => rows[at].write(account));
      return say("saved");
    },
    { class: "primary" },
  );
  const head = ["users.name", "users.password", "users.may"].map((key) => el("th", { scope: "col" }, say(key)));
  const body = el("tbody", {}, ...rows.map(({ row }) => row));
  table.append(el("table", { class: "users" }, el("thead", {}, el("tr", {}, ...head)), body));
  room.append(card(say("form.set_users.cgi"), el("p", {}, say("users.about")), table, save));
}

/**
 * @param {import("../accounts.js").Account} account
 * @param {{ name?: number, pwd?: number }} longest
 */
function row({ number, name, pwd, pri }, longest) {
  const label = (/** @type {string} */ key) => `${say(key)} ${number}`;
  const called = bounded({ autocomplete: "off", value: name, "aria-label": label("users.name") }, longest.name);
  const hidden = secret({ value: pwd, "aria-label": label("users.password") }, longest.pwd);
  const may = el(
    "select",
    { "aria-label": label("users.may") },
    ...MAY.map((value) => el("option", { value, selected: String(value) === pri }, say(`may.${value}`))),
  );
  return {
    row: el("tr", {}, el("td", {}, called), el("td", {}, hidden), el("td", {}, may)),
    read: () => ({ number, name: called.value, pwd: called.value === "" ? "" : hidden.value, pri: may.value }),
    write: (/** @type {import("../accounts.js").Account} */ now) => {
      [called.value, hidden.value, may.value] = [now.name, now.pwd, now.pri];
    },
  };
}
