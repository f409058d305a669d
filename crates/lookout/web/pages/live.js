// The live picture, and whatever turns or changes it.

import { MANAGER, OPERATOR, list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { guests } from "../parts/guests.js";
import { head } from "../parts/head.js";
import { picture } from "../parts/live-picture.js";
import { play } from "../parts/sound.js";
import { reason, say } from "../words.js";

/** How often rate and age are shown, ms. */
const LOOK = 500;

/** @typedef {(error: unknown) => void} Hear Hears why something was not done. */

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const live = picture("videostream.cgi", say("live.label"));
  const told = el("p", { role: "status", class: "told" });
  const refused = (/** @type {unknown} */ error) => (told.textContent = reason(error));
  room.append(el("div", { class: "page" }, stage(live, context), bar(live, refused), told));
  const side = el("div", { class: "page side" });
  room.append(side);
  if (context.user.may >= OPERATOR) side.append(...(await Promise.all([head(refused), image(refused)])), output(refused));
  if (context.user.may >= MANAGER) side.append(await privacy(refused), guests(context));
}

/**
 * The picture, and over it how it stands.
 *
 * @param {import("../parts/live-picture.js").LivePicture} live
 * @param {import("../app.js").Context} context
 */
function stage(live, context) {
  const [pace, alarm, viewers] = [el("span", { class: "pace" }), el("span", { class: "alarm", role: "status" }), el("span", { class: "viewers" })];
  const look = () => {
    if (!pace.isConnected) return clearInterval(timer);
    const { state, rate, age } = live;
    pace.textContent = state === "live" ? say("live.rate", { rate: rate.toFixed(1), age: ((age ?? 0) / 1000).toFixed(1) }) : say(`live.${state}`);
  };
  const timer = setInterval(look, LOOK);
  live.addEventListener("state", look);
  context.follow((now) => {
    alarm.textContent = now.alarm ? say("live.alarm", { cause: say(`cause.${now.alarm}`) }) : "";
    viewers.textContent = now.viewers > 1 ? say("live.viewers", { viewers: now.viewers }) : "";
  });
  return el("div", { class: "stage" }, live, el("p", { class: "over" }, alarm, viewers, pace));
}

/** Sizes, as `resolution` says them (PROFILE 5.1). */
const SIZES = [["", "live.size.full"], ["8", "live.size.small"], ["2", "live.size.tiny"]];

/**
 * @param {import("../parts/live-picture.js").LivePicture} live
 * @param {Hear} refused
 */
function bar(live, refused) {
  const sizes = el("select", { "aria-label": say("live.size") }, ...SIZES.map(([value, key]) => el("option", { value }, say(key))));
  sizes.addEventListener("change", () => live.setAttribute("src", sizes.value ? `videostream.cgi?resolution=${sizes.value}` : "videostream.cgi"));
  const snapshot = el("a", { href: "snapshot.cgi", download: "", class: "button" }, say("live.snapshot"));
  return el("div", { class: "row" }, snapshot, sound(refused), sizes, button(say("live.full"), () => live.requestFullscreen()));
}

/** @param {Hear} refused */
function sound(refused) {
  /** @type {AbortController | undefined} */
  let going;
  const press = el("button", { type: "button", "aria-pressed": "false" }, say("live.sound"));
  const state = (/** @type {boolean} */ on, /** @type {string} */ word) => {
    press.setAttribute("aria-pressed", String(on));
    press.dataset.state = word;
  };
  press.addEventListener("click", async () => {
    if (going) return going.abort();
    const mine = (going = new AbortController());
    state(true, "waiting");
    // Whoever goes on to another page hears no more.
    const begun = () => (press.isConnected ? state(true, "playing") : mine.abort());
    await play(mine.signal, begun).catch((error) => mine.signal.aborted || refused(error));
    going = undefined;
    state(false, "silent");
  });
  return press;
}

/** The settings of the picture, by their numbers for `camera_control.cgi` (PROFILE 4.8). */
const SLIDES = /** @type {const} */ ([
  { name: "brightness", param: 1, max: 255 },
  { name: "contrast", param: 2, max: 6 },
]);
const FLIP = 5;
/** Its bits. */
const TURNS = /** @type {const} */ ([["flip", 1], ["mirror", 2]]);

/** @param {Hear} refused */
export async function image(refused) {
  const now = await list("get_camera_params.cgi");
  const set = (/** @type {number} */ param, /** @type {string | number} */ value) => order("camera_control.cgi", { param, value }).catch(refused);
  const slides = SLIDES.map(({ name, param, max }) => {
    const slide = el("input", { type: "range", min: 0, max, value: now[name], oninput: () => set(param, slide.value) });
    return el("label", {}, say(`image.${name}`), slide);
  });
  const turns = TURNS.map(([name, bit]) => {
    const box = el("input", { type: "checkbox", checked: (Number(now.flip) & bit) !== 0, onchange: () => turned() });
    return { box, bit, label: el("label", { class: "row" }, box, say(`image.${name}`)) };
  });
  const turned = () => set(FLIP, turns.reduce((sum, { box, bit }) => sum + (box.checked ? bit : 0), 0));
  return el("details", { class: "card" }, el("summary", {}, say("image")), ...slides, ...turns.map(({ label }) => label));
}

/** @param {Hear} refused */
function output(refused) {
  const drive = (/** @type {string} */ words, /** @type {number} */ command) =>
    button(words, () => order("decoder_control.cgi", { command }).catch(refused));
  return el("section", { class: "card" }, el("h2", {}, say("output")), el("div", { class: "row" }, drive(say("output.on"), 94), drive(say("output.off"), 95)));
}

/** @param {Hear} refused */
async function privacy(refused) {
  const { privacy_now: on } = await list("get_params.cgi");
  const box = el("input", { type: "checkbox", role: "switch", checked: Number(on) === 1 });
  box.addEventListener("change", () => order("set_privacy.cgi", { now: Number(box.checked) }).catch(refused));
  return el("section", { class: "card" }, el("label", { class: "row" }, box, say("privacy.now")));
}
