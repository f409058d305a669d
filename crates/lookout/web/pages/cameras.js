// Other cameras: up to eight beside this one, all at once.

import { MANAGER, list } from "../camera.js";
import { el } from "../dom.js";
import { settings } from "../parts/card.js";
import "../parts/live-picture.js";
import { say } from "../words.js";

const FIRST = 2;
const LAST = 9;

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const named = context.user.may >= MANAGER ? await list("get_params.cgi") : undefined;
  const others = Array.from({ length: LAST - FIRST + 1 }, (_, at) => at + FIRST);
  const there = named ? others.filter((number) => named[`dev${number}_host`] !== "") : await reachable(others);
  const one = (/** @type {string} */ name, /** @type {string} */ src) => {
    const picture = document.createElement("live-picture");
    picture.setAttribute("src", `${src}?resolution=8`);
    picture.setAttribute("label", name);
    return el("figure", { class: "card" }, picture, el("figcaption", {}, name));
  };
  const { alias } = await context.status();
  room.append(el("div", { class: "grid-of-cameras" }, one(String(alias), "videostream.cgi"),
    ...there.map((number) => one(String(named?.[`dev${number}_alias`] || say("camera.number", { number })), `device/${number}/videostream.cgi`))));
  if (named) room.append((await settings("set_devices.cgi")).element);
}

/**
 * Visitors are not told which cameras are named; they may see their pictures.
 *
 * @param {number[]} numbers
 */
async function reachable(numbers) {
  const there = await Promise.all(numbers.map((number) => fetch(`device/${number}/snapshot.cgi`, { method: "HEAD" }).then(({ ok }) => ok, () => false)));
  return numbers.filter((_, at) => there[at]);
}
