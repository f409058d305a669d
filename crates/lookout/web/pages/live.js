// The live picture, and whatever turns or changes it.

import { MANAGER, OPERATOR } from "../camera.js";
import { button, el } from "../dom.js";
import { guests } from "../parts/guests.js";
import { head } from "../parts/head.js";
import { image } from "../parts/image.js";
import { picture } from "../parts/live-picture.js";
import { sound } from "../parts/sound.js";
import { output, privacy } from "../parts/switches.js";
import { language, reason, say } from "../words.js";

/** How often rate and age are shown, ms. */
const LOOK = 500;

/** @typedef {import("../camera.js").Context} Context */
/** @typedef {import("../parts/live-picture.js").LivePicture} LivePicture */

/**
 * @param {HTMLElement} room
 * @param {Context} context
 */
export async function show(room, context) {
  const live = picture("videostream.cgi", say("live.label"));
  const told = el("p", { role: "status", class: "told" });
  const refused = (/** @type {unknown} */ error) => void (told.textContent = reason(error));
  const pace = el("span", {});
  const side = el("div", { class: "page side" });
  room.append(el("div", { class: "page" }, stage(live, pace, context), bar(live, refused), told), side);
  const look = () => {
    pace.textContent = how(live);
  };
  live.addEventListener("state", look);
  look();
  const { privilege } = context.user;
  // One that fails leaves the picture and the others.
  const whole = (/** @type {Promise<HTMLElement>} */ card) => card.catch((error) => (refused(error), ""));
  if (privilege >= OPERATOR) side.append(...(await Promise.all([head(refused), image(refused)].map(whole))), output(refused));
  if (privilege >= MANAGER) side.append(await whole(privacy(refused)), guests(context));
  const timer = setInterval(look, LOOK);
  return () => clearInterval(timer);
}

/** @param {number} number */
const tenths = (number) => number.toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/**
 * Says how a picture stands.
 *
 * @param {LivePicture} live
 */
function how({ state, rate, age }) {
  return state === "live" ? say("live.rate", { rate: tenths(rate), age: tenths((age ?? 0) / 1000) }) : say(`live.${state}`);
}

/**
 * The picture, and over it what there is to say of it.
 *
 * @param {LivePicture} live
 * @param {HTMLElement} pace
 * @param {Context} context
 */
function stage(live, pace, context) {
  const [alarm, streams] = [el("span", { class: "alarm", role: "status" }), el("span", {})];
  context.follow((now) => {
    const text = now.alarm ? say("live.alarm", { cause: say(`cause.${now.alarm}`) }) : "";
    // What is said already is not said again by a screen reader.
    if (alarm.textContent !== text) alarm.textContent = text;
    streams.textContent = now.streams > 1 ? say("live.streams", { streams: now.streams }) : "";
  });
  return el("div", { class: "stage" }, live, el("p", { class: "over" }, alarm, streams, pace));
}

/** Sizes, as `resolution` says them (PROFILE 5.1). */
const SIZES = [
  ["", "live.size.full"],
  ["8", "live.size.small"],
  ["2", "live.size.tiny"],
];

/**
 * @param {LivePicture} live
 * @param {(error: unknown) => void} refused
 */
function bar(live, refused) {
  const sizes = el(
    "select",
    { "aria-label": say("live.size") },
    ...SIZES.map(([value, key]) => el("option", { value }, say(key))),
  );
  sizes.addEventListener("change", () => {
    live.setAttribute("src", sizes.value ? `videostream.cgi?resolution=${sizes.value}` : "videostream.cgi");
  });
  // Not every phone can.
  const full = document.fullscreenEnabled && button(say("live.full"), () => live.requestFullscreen());
  const snapshot = el("a", { href: "snapshot.cgi", download: "", class: "button" }, say("live.snapshot"));
  return el("div", { class: "row" }, snapshot, sound(refused), sizes, full);
}
