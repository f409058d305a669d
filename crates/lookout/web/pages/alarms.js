// Alarms: what triggers, what happens then, and why there was one or none.

import { json } from "../camera.js";
import { el } from "../dom.js";
import { card, deed, isWord, settings } from "../parts/card.js";
import "../parts/live-picture.js";
import "../parts/zone-editor.js";
import { language, say } from "../words.js";

/** How often the score is asked for, ms. */
const LOOK = 1000;
/** How many decisions are shown. */
const SHOWN = 50;

/** @param {HTMLElement} room */
export async function show(room) {
  const isZone = (/** @type {import("../form.js").Field} */ field) => field.wire === "motion_mask";
  const { form, element } = await settings("set_alarm.cgi", { hidden: (field) => isWord(field) || field.wire === "schedule_enable" || isZone(field) });
  const zones = editor(form);
  const reasons = el("tbody", {});
  const score = el("meter", { min: 0, max: 1, value: 0 });
  const scored = el("p", { class: "told" });
  room.append(
    card(say("alarm.score"), score, scored),
    element,
    card(say("alarm.zones"), el("p", {}, say("alarm.zones.how")), zones),
    card(say("alarm.drill"), el("p", {}, say("alarm.drill.how")), drill()),
    card(say("alarm.reasons"), el("div", { class: "wide" }, el("table", {}, el("tbody", {}, reasons)))),
  );
  const look = async () => {
    const { events = [] } = await json("events.json");
    reasons.replaceChildren(...events.slice(-SHOWN).reverse().map(decision));
    const last = events.findLast((/** @type {{ score?: number }} */ { score }) => score !== undefined);
    if (last) Object.assign(score, { max: Math.max(last.threshold * 2, last.score), high: last.threshold, value: last.score });
    scored.textContent = last ? say("alarm.scored", last) : say("alarm.unscored");
  };
  await look().catch(() => {});
  const timer = setInterval(() => look().catch(() => {}), LOOK);
  return () => clearInterval(timer);
}

/** @param {import("../form.js").SettingsForm} form */
function editor(form) {
  const picture = document.createElement("live-picture");
  picture.setAttribute("src", "videostream.cgi?resolution=8&rate=12");
  const zones = /** @type {import("../parts/zone-editor.js").ZoneEditor} */ (document.createElement("zone-editor"));
  zones.setAttribute("label", say("alarm.zones"));
  zones.value = form.values().motion_mask;
  const store = form.store.bind(form);
  form.store = () => store({ motion_mask: zones.value });
  return el("div", {}, el("div", { class: "stage" }, picture, zones),
    el("div", { class: "row" },
      el("button", { type: "button", onclick: () => zones.fill(false) }, say("alarm.zones.all")),
      el("button", { type: "button", onclick: () => zones.fill(true) }, say("alarm.zones.none"))),
    deed(say("save"), () => form.store(), { class: "primary" }));
}

function drill() {
  const results = el("table", {});
  return el("div", {}, deed(say("alarm.drill.go"), async () => {
    const { passed, links } = await json("drill.cgi");
    results.replaceChildren(el("tbody", {}, ...Object.entries(links).map(([link, { result, words }]) =>
      el("tr", {}, el("th", { scope: "row" }, say(`link.${link}`)), el("td", { class: result === "failed" ? "bad" : "" }, say(`drill.${result}`)), el("td", {}, words)))));
    return say(passed ? "alarm.drill.passed" : "alarm.drill.failed");
  }), results);
}

/** @param {{ at: number, cause: string, reason: string, score?: number, threshold?: number }} entry */
function decision({ at, cause, reason, score, threshold }) {
  const time = new Date(at * 1000).toLocaleString(language);
  const measured = score === undefined ? "" : `${score} / ${threshold}`;
  return el("tr", {}, el("td", {}, time), el("td", {}, say(`cause.${cause}`)), el("td", {}, say(`reason.${reason}`)), el("td", {}, measured));
}
