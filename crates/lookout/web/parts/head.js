// The head: the pad, patrols, and presets with what they show.

import { Refused, json, order } from "../camera.js";
import { button, el } from "../dom.js";
import { bounded } from "../form.js";
import { PATROLS, PLAIN_WAYS } from "../model/orders.js";
import { say } from "../words.js";
import { PtzPad } from "./ptz-pad.js";

/** How many presets there are, and how many bytes a name may have. */
const [PRESETS, NAME] = [32, 32];
/** How often, and after how long each time, it is looked whether a preset has a picture by now, ms. */
const [LOOKS, AGAIN] = [5, 1000];

/** @typedef {{ preset: number, name: string, picture: boolean }} Preset */
/** @typedef {{ kind: string, patrol: string, presets: Preset[] }} Standing */
/** @typedef {(error: unknown) => void} Hear Hears why something was not done. */

const standing = async () => /** @type {Standing} */ (await json("head.json"));

/** @param {Hear} refused */
export async function head(refused) {
  const card = el("section", { class: "card" }, el("h2", {}, say("ptz")));
  const stands = await standing();
  // To Pelco-D the numbers of the other ways and of patrols are orders of another kind, some of which set presets (PROFILE 5.4).
  const plain = stands.kind === "pelco-d";
  if (stands.kind === "none") card.append(el("p", {}, say("ptz.none")));
  else card.append(pad(plain, refused), plain ? "" : patrols(stands, refused), shelf(stands, refused));
  return card;
}

/**
 * @param {boolean} plain
 * @param {Hear} refused
 */
function pad(plain, refused) {
  const pad = new PtzPad();
  if (plain) pad.ways = PLAIN_WAYS;
  pad.addEventListener("refused", (event) => refused(/** @type {CustomEvent} */ (event).detail));
  return pad;
}

/**
 * @param {Standing} stands
 * @param {Hear} refused
 */
function patrols(stands, refused) {
  const all = Object.entries(PATROLS).map(([axis, [on, off]]) => {
    const act = () =>
      order("decoder_control.cgi", { command: press.ariaPressed === "true" ? off : on })
        .then(standing)
        .then(show);
    const press = button(say(`ptz.patrol.${axis}`), () => act().catch(refused));
    return { axis, press };
  });
  const show = (/** @type {Standing} */ { patrol }) => {
    for (const { axis, press } of all) press.ariaPressed = String(patrol === axis);
  };
  show(stands);
  return el("div", { class: "row" }, ...all.map(({ press }) => press));
}

/**
 * @param {Standing} stands
 * @param {Hear} refused
 */
function shelf(stands, refused) {
  const all = el("ul", { class: "presets" });
  let patience = LOOKS;
  const show = (/** @type {Standing} */ { presets }) => {
    const focused = [...all.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    all.replaceChildren(...presets.map(item));
    // Whoever stands on one stays there.
    if (focused >= 0) (all.querySelectorAll("button")[focused] ?? name).focus();
    // A preset's picture is taken once the head rests.
    const waits = presets.some(({ picture }) => !picture) && patience-- > 0;
    if (waits) setTimeout(() => all.isConnected && standing().then(show, refused), AGAIN);
  };
  /** @type {(what: Record<string, string | number>) => Promise<void>} */
  const act = (what) => order("set_preset.cgi", what).then(standing).then(show);
  /** @type {(preset: Preset) => HTMLElement} */
  const item = ({ preset, name, picture }) => {
    const called = name || say("preset.number", { preset });
    const view = picture && el("img", { src: `preset.jpg?preset=${preset}&t=${Date.now()}`, alt: "" });
    const go = () => order("set_preset.cgi", { preset, action: "go" }).catch(refused);
    const forget = () => act({ preset, action: "clear" }).catch(refused);
    const cross = { class: "forget", "aria-label": say("preset.forget", { name: called }) };
    return el("li", {}, button("", go, {}, view, called), button("×", forget, cross));
  };
  const name = bounded({ "aria-label": say("preset.name"), placeholder: say("preset.name") }, NAME);
  const begins = () => (patience = LOOKS);
  show(stands);
  return el("div", {}, el("h3", {}, say("presets")), all, keeping(name, act, begins, refused));
}

/**
 * A name, and a button that keeps what is seen as the next preset that is free.
 *
 * @param {HTMLInputElement} name
 * @param {(what: Record<string, string | number>) => Promise<void>} act
 * @param {() => void} begins
 * @param {Hear} refused
 */
function keeping(name, act, begins, refused) {
  const keep = async () => {
    if (!name.reportValidity()) return;
    const taken = new Set((await standing()).presets.map(({ preset }) => preset));
    const preset = Array.from({ length: PRESETS }, (_, at) => at + 1).find((number) => !taken.has(number));
    if (preset === undefined) throw new Refused("full");
    begins();
    await act(name.value === "" ? { preset } : { preset, name: name.value });
    name.value = "";
  };
  return el(
    "div",
    { class: "row" },
    name,
    button(say("preset.add"), () => keep().catch(refused)),
  );
}
