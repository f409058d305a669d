// The head: the pad, patrols, and presets with what they show.

import { Refused, json, order } from "../camera.js";
import { button, el } from "../dom.js";
import { say } from "../words.js";
import { PtzPad } from "./ptz-pad.js";

/** How many presets there are. */
const PRESETS = 32;
/** Patrols, and how each begins and ends (PROFILE 5.4). */
const PATROLS = /** @type {const} */ ([["ptz.patrol.vertical", 26, 27], ["ptz.patrol.horizontal", 28, 29]]);

/** How often, and after how long each time, it is looked whether a preset has a picture by now, ms. */
const [LOOKS, AGAIN] = [5, 1000];

/** @typedef {{ preset: number, name: string, picture: boolean }} Preset */
/** @typedef {{ kind: string, presets: Preset[] }} Standing */

const standing = async () => /** @type {Standing} */ (await json("head.json"));

/** @param {(error: unknown) => void} refused Hears why something was not done. */
export async function head(refused) {
  const card = el("section", { class: "card" }, el("h2", {}, say("ptz")));
  const stands = await standing();
  if (stands.kind === "none") card.append(el("p", {}, say("ptz.none")));
  else card.append(pad(refused), el("div", { class: "row" }, ...PATROLS.map(([key, on, off]) => patrol(say(key), on, off, refused))), shelf(stands, refused));
  return card;
}

/** @param {(error: unknown) => void} refused */
function pad(refused) {
  const pad = new PtzPad();
  pad.addEventListener("refused", (event) => refused(/** @type {CustomEvent} */ (event).detail));
  return pad;
}

/**
 * @param {string} words
 * @param {number} on
 * @param {number} off
 * @param {(error: unknown) => void} refused
 */
function patrol(words, on, off, refused) {
  const press = button(words, () => {
    const goes = press.getAttribute("aria-pressed") === "true";
    return order("decoder_control.cgi", { command: goes ? off : on }).then(() => press.setAttribute("aria-pressed", String(!goes)), refused);
  }, { "aria-pressed": "false" });
  return press;
}

/**
 * @param {Standing} stands
 * @param {(error: unknown) => void} refused
 */
function shelf(stands, refused) {
  const all = el("ul", { class: "presets" });
  let patience = LOOKS;
  const show = (/** @type {Standing} */ { presets }) => {
    all.replaceChildren(...presets.map(item));
    // A preset's picture is taken once the head rests.
    if (presets.some(({ picture }) => !picture) && patience-- > 0) setTimeout(() => all.isConnected && standing().then(show, refused), AGAIN);
  };
  /** @type {(what: Record<string, string | number>) => Promise<void>} */
  const act = (what) => order("set_preset.cgi", what).then(standing).then(show).catch(refused);
  /** @type {(preset: Preset) => HTMLElement} */
  const item = ({ preset, name, picture }) => {
    const called = name || say("preset.number", { preset });
    const view = picture && el("img", { src: `preset.jpg?preset=${preset}&t=${Date.now()}`, alt: "" });
    return el("li", {}, button("", () => act({ preset, action: "go" }), {}, view, called),
      button("×", () => act({ preset, action: "clear" }), { class: "forget", "aria-label": say("preset.forget", { name: called }) }));
  };
  const name = el("input", { maxlength: 32, "aria-label": say("preset.name"), placeholder: say("preset.name") });
  const keep = button(say("preset.add"), async () => {
    const taken = new Set((await standing()).presets.map(({ preset }) => preset));
    const preset = Array.from({ length: PRESETS }, (_, at) => at + 1).find((number) => !taken.has(number));
    if (preset === undefined) return refused(new Refused("full"));
    patience = LOOKS;
    await act(name.value === "" ? { preset } : { preset, name: name.value });
    name.value = "";
  });
  show(stands);
  return el("div", {}, el("h3", {}, say("presets")), all, el("div", { class: "row" }, name, keep));
}
