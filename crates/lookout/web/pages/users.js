// Accounts.

import { list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { all } from "../form.js";
import { card } from "../parts/card.js";
import { say } from "../words.js";

const PLACES = 8;
/** What an account may do, by its number on the wire (Q3). */
const MAY = [0, 1, 2];

/** @param {HTMLElement} room */
export async function show(room) {
  const [forms, now] = [await all(), await list("get_params.cgi")];
  const limit = (/** @type {string} */ wire) => forms["set_users.cgi"].fields.find((field) => field.wire === wire)?.max;
  const told = el("p", { role: "status", class: "told" });
  const rows = Array.from({ length: PLACES }, (_, at) => account(now, at + 1, limit));
  const save = button(say("save"), async () => {
    const query = Object.assign({}, ...rows.map(({ read }) => read()));
    await order("set_users.cgi", query).then(() => (told.textContent = say("saved")), (error) => (told.textContent = say(`refused.${error.why}`)));
  }, { class: "primary" });
  const head = ["users.name", "users.password", "users.may"].map((key) => el("th", { scope: "col" }, say(key)));
  room.append(card(say("form.set_users.cgi"), el("p", {}, say("users.about")),
    el("div", { class: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows.map(({ row }) => row)))),
    el("div", { class: "actions" }, save, told)));
}

/**
 * @param {import("../model/vars.js").Vars} now
 * @param {number} number
 * @param {(wire: string) => number | undefined} limit
 */
function account(now, number, limit) {
  const label = (/** @type {string} */ key) => `${say(key)} ${number}`;
  const text = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
  const name = el("input", { ...text, value: now[`user${number}_name`], maxlength: limit(`user${number}`), "aria-label": label("users.name") });
  const pwd = el("input", { ...text, type: "password", autocomplete: "new-password", value: now[`user${number}_pwd`], maxlength: limit(`pwd${number}`),
    "aria-label": label("users.password"), onfocus: () => pwd.select() });
  const pri = el("select", { "aria-label": label("users.may") }, ...MAY.map((may) =>
    el("option", { value: may, selected: may === Number(now[`user${number}_pri`]) }, say(`may.${may}`))));
  return {
    row: el("tr", {}, el("td", {}, name), el("td", {}, pwd), el("td", {}, pri)),
    read: () => ({ [`user${number}`]: name.value, [`pwd${number}`]: name.value === "" ? "" : pwd.value, [`pri${number}`]: pri.value }),
  };
}
