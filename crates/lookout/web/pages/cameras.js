// Other cameras: up to eight beside this one, all at once.

import { MANAGER, json } from "../camera.js";
import { el } from "../dom.js";
import { settings } from "../parts/card.js";
import { picture } from "../parts/live-picture.js";
import { say } from "../words.js";

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const wall = el("div", { class: "wall" });
  room.append(wall);
  await hang(wall);
  if (context.user.may < MANAGER) return;
  const { form, element } = await settings("set_devices.cgi", { section: ({ name }) => say("camera.number", { number: name.replace(/\D/g, "") }) });
  form.element.addEventListener("saved", () => hang(wall));
  room.append(element);
}

/** How many pictures are streams; the rest are snapshots, as a browser opens six connections to a camera. */
const STREAMS = 4;

/** @param {HTMLElement} wall */
async function hang(wall) {
  const { alias, devices } = /** @type {import("../app.js").Now} */ (await json("now.json"));
  const all = [{ name: alias, road: "" }, ...devices.map(({ number, alias }) => ({ name: alias || say("camera.number", { number }), road: `device/${number}/` }))];
  const show = (/** @type {{ name: string, road: string }} */ { name, road }, /** @type {number} */ at) => {
    const still = at >= STREAMS;
    return el("figure", { class: "card" }, picture(`${road}${still ? "snapshot" : "videostream"}.cgi?resolution=8`, name, still), el("figcaption", {}, name));
  };
  wall.replaceChildren(...all.map(show));
}
