// The live picture, and whatever turns or changes it.

import { MANAGER, OPERATOR, json, list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { say } from "../words.js";
import "../parts/live-picture.js";
import "../parts/ptz-pad.js";

/** How often rate and age are shown, ms. */
const LOOK = 1000;
/** How often the camera is asked how it stands, ms. */
const ASK = 5000;

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const told = el("p", { role: "status", class: "told" });
  const refused = (/** @type {unknown} */ why) => (told.textContent = say(`refused.${why}`));
  const picture = /** @type {import("../parts/live-picture.js").LivePicture} */ (document.createElement("live-picture"));
  picture.setAttribute("label", say("live.label"));
  picture.setAttribute("src", "videostream.cgi");
  const over = el("span", { class: "over" });
  const stage = el("div", {}, el("div", { class: "stage" }, picture, over), bar(picture, refused), told);
  room.append(stage);
  const side = el("div", { class: "page" });
  if (context.user.may >= OPERATOR) {
    side.append(await head(refused), await image(refused), lamp(refused));
    if (context.user.may >= MANAGER) side.append(await privacy(refused));
    room.append(side);
  }
  const look = () => {
    const { state, rate, age } = picture;
    over.textContent = state === "live" ? say("live.rate", { rate: rate.toFixed(1), age: ((age ?? 0) / 1000).toFixed(1) }) : say(`live.${state}`);
  };
  picture.addEventListener("state", look);
  const timers = [setInterval(look, LOOK), setInterval(() => alarmed(context, stage), ASK)];
  look();
  return () => timers.forEach(clearInterval);
}

/**
 * @param {import("../app.js").Context} context
 * @param {HTMLElement} stage
 */
async function alarmed(context, stage) {
  const { alarm_status: alarm } = await context.status().catch(() => ({ alarm_status: 0 }));
  stage.classList.toggle("alarm", Number(alarm) !== 0);
}

/**
 * @param {import("../parts/live-picture.js").LivePicture} picture
 * @param {(why: unknown) => void} refused
 */
function bar(picture, refused) {
  const sizes = el("select", { "aria-label": say("live.size") }, ...[["", "live.size.full"], ["8", "live.size.small"], ["2", "live.size.tiny"]].map(([value, key]) =>
    el("option", { value }, say(key))));
  sizes.addEventListener("change", () => picture.setAttribute("src", sizes.value ? `videostream.cgi?resolution=${sizes.value}` : "videostream.cgi"));
  const sound = el("audio", { preload: "none" });
  const hear = el("button", { type: "button", "aria-pressed": "false" }, say("live.sound"));
  hear.addEventListener("click", async () => {
    const on = sound.paused;
    hear.setAttribute("aria-pressed", String(on));
    if (!on) {
      sound.pause();
      sound.removeAttribute("src");
      return sound.load();
    }
    sound.src = `audio.wav?t=${Date.now()}`;
    await sound.play().catch(() => {
      hear.setAttribute("aria-pressed", "false");
      refused("silent");
    });
  });
  const snapshot = el("a", { href: "snapshot.cgi?next_url=snapshot", download: "", class: "button" }, say("live.snapshot"));
  const full = button(say("live.full"), () => picture.requestFullscreen());
  return el("div", { class: "row" }, snapshot, hear, sizes, full);
}

/** @param {(why: unknown) => void} refused */
async function head(refused) {
  const card = el("section", { class: "card" }, el("h2", {}, say("ptz")));
  const stands = await json("head.json");
  if (stands.kind === "none") {
    card.append(el("p", {}, say("ptz.none")));
    return card;
  }
  const pad = document.createElement("ptz-pad");
  pad.addEventListener("refused", (event) => refused(/** @type {CustomEvent} */ (event).detail));
  const patrols = [["ptz.patrol.vertical", 26, 27], ["ptz.patrol.horizontal", 28, 29]].map(([key, on, off]) => {
    const press = el("button", { type: "button", "aria-pressed": "false" }, say(String(key)));
    press.addEventListener("click", async () => {
      const goes = press.getAttribute("aria-pressed") === "true";
      await order("decoder_control.cgi", { command: goes ? off : on }).then(() => press.setAttribute("aria-pressed", String(!goes)), (error) => refused(error.why));
    });
    return press;
  });
  card.append(pad, el("div", { class: "row" }, ...patrols), await presets(stands, refused));
  return card;
}

/**
 * @param {{ presets: { preset: number, name: string, picture: boolean }[] }} stands
 * @param {(why: unknown) => void} refused
 */
async function presets(stands, refused) {
  const shelf = el("ul", { class: "presets" });
  const again = async () => shelf.replaceChildren(...(await json("head.json")).presets.map(item));
  const act = (/** @type {Record<string, string | number>} */ what) => order("set_preset.cgi", what).then(again, (error) => refused(error.why));
  const item = (/** @type {{ preset: number, name: string, picture: boolean }} */ { preset, name, picture }) =>
    el("li", {},
      el("button", { type: "button", onclick: () => act({ preset, action: "go" }) },
        picture && el("img", { src: `preset.jpg?preset=${preset}&t=${Date.now()}`, alt: "" }), name || say("preset.number", { preset })),
      el("button", { type: "button", "aria-label": say("preset.forget", { name: name || preset }), onclick: () => act({ preset, action: "clear" }) }, "×"));
  shelf.replaceChildren(...stands.presets.map(item));
  const name = el("input", { maxlength: 20, "aria-label": say("preset.name"), placeholder: say("preset.name") });
  const add = button(say("preset.add"), async () => {
    const taken = new Set((await json("head.json")).presets.map((/** @type {{ preset: number }} */ { preset }) => preset));
    const preset = Array.from({ length: 32 }, (_, at) => at + 1).find((number) => !taken.has(number));
    if (preset === undefined) return refused("full");
    await act({ preset });
    if (name.value) await act({ preset, action: "name", name: name.value });
    name.value = "";
  });
  return el("details", { open: true }, el("summary", {}, say("presets")), shelf, el("div", { class: "row" }, name, add));
}

/** The settings of the picture, by their numbers for `camera_control.cgi` (PROFILE 4.8). */
const IMAGE = /** @type {const} */ ([
  { name: "brightness", param: 1, max: 255 },
  { name: "contrast", param: 2, max: 6 },
]);

/** @param {(why: unknown) => void} refused */
async function image(refused) {
  const now = await list("get_camera_params.cgi");
  const set = (/** @type {number} */ param, /** @type {string | number} */ value) =>
    order("camera_control.cgi", { param, value }).catch((error) => refused(error.why));
  const slides = IMAGE.map(({ name, param, max }) => {
    const slide = el("input", { type: "range", min: 0, max, value: now[name], onchange: () => set(param, slide.value) });
    return el("label", {}, say(`image.${name}`), slide);
  });
  const turns = [["flip", 1], ["mirror", 2]].map(([name, bit]) => {
    const box = el("input", { type: "checkbox", checked: (Number(now.flip) & Number(bit)) !== 0, onchange: () => turned() });
    return { box, bit: Number(bit), label: el("label", { class: "row" }, box, say(`image.${name}`)) };
  });
  const turned = () => set(5, turns.reduce((sum, { box, bit }) => sum + (box.checked ? bit : 0), 0));
  return el("details", { class: "card" }, el("summary", {}, say("image")), ...slides, ...turns.map(({ label }) => label));
}

/** @param {(why: unknown) => void} refused */
function lamp(refused) {
  const drive = (/** @type {number} */ command) => order("decoder_control.cgi", { command }).catch((error) => refused(error.why));
  return el("section", { class: "card row" }, el("h2", {}, say("output")), button(say("output.on"), () => drive(94)), button(say("output.off"), () => drive(95)));
}

/** @param {(why: unknown) => void} refused */
async function privacy(refused) {
  const box = el("input", { type: "checkbox", role: "switch" });
  const now = await list("get_params.cgi").catch(() => ({}));
  box.checked = Number(/** @type {Record<string, unknown>} */ (now).privacy_now) === 1;
  box.addEventListener("change", () => order("set_privacy.cgi", { now: Number(box.checked) }).catch((error) => refused(error.why)));
  return el("section", { class: "card" }, el("label", { class: "row" }, box, say("privacy.now")));
}
