// Other cameras: up to eight beside this one, all at once.

import { MANAGER } from "../camera.js";
import { el } from "../dom.js";
import { settings } from "../parts/card.js";
import { picture } from "../parts/live-picture.js";
import { say } from "../words.js";

/** How many pictures are streams; the rest are snapshots, as a browser opens six connections to a camera. */
const STREAMS = 4;

/** @typedef {{ name: string, prefix: string }} Shown A camera, and what stands before its CGIs. */

/**
 * @param {HTMLElement} room
 * @param {import("../camera.js").Context} context
 */
export async function show(room, context) {
  const wall = el("div", { class: "wall" });
  room.append(wall);
  let hung = "";
  context.follow(({ alias, devices }) => {
    const named = devices.map(({ number, alias }) => ({
      name: alias || say("camera.number", { number }),
      prefix: `device/${number}/`,
    }));
    const all = [{ name: alias, prefix: "" }, ...named];
    // Only what changed begins anew.
    if (hung === JSON.stringify(all)) return;
    hung = JSON.stringify(all);
    wall.replaceChildren(...all.map(one));
  });
  if (context.user.privilege < MANAGER) return;
  const section = (/** @type {import("../form.js").Field} */ { name }) =>
    say("camera.number", { number: name.replace(/\D/g, "") });
  room.append((await settings("set_devices.cgi", { section })).element);
}

/**
 * @param {Shown} camera
 * @param {number} at
 */
function one({ name, prefix }, at) {
  const still = at >= STREAMS;
  const src = `${prefix}${still ? "snapshot" : "videostream"}.cgi?resolution=8`;
  return el("figure", { class: "card" }, picture(src, name, still), el("figcaption", {}, name));
}
