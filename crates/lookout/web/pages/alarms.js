// Alarms: what triggers, what happens then, and why there was one or none.

import { every, json, list, patiently } from "../camera.js";
import { el } from "../dom.js";
import { isHours } from "../form.js";
import { local } from "../model/clock.js";
import { action, card, settings } from "../parts/card.js";
import { picture } from "../parts/live-picture.js";
import { ZoneEditor } from "../parts/zone-editor.js";
import { language, say } from "../words.js";

/** How often the reasons are asked for, ms. */
const LOOK = 5000;
/** How many decisions are shown. */
const SHOWN = 50;

/** @typedef {import("../form.js").Field} Field */

const isZone = (/** @type {Field} */ { wire }) => wire === "motion_mask";
const isTrigger = (/** @type {Field} */ field) => /^(motion|input|sounddetect|ioin)_/.test(field.wire) && !isZone(field);

/**
 * @param {HTMLElement} room
 * @param {import("../camera.js").Context} context
 */
export async function show(room, context) {
  const triggers = await settings("set_alarm.cgi", { heading: say("alarm.triggers"), only: isTrigger });
  const chain = await settings("set_alarm.cgi", {
    heading: say("alarm.chain"),
    only: (field) => !isTrigger(field) && !isZone(field) && !isHours(field),
  });
  const reasons = el("tbody", {});
  triggers.form.element.before(meter(context));
  triggers.element.append(el("p", {}, el("a", { href: "#schedule" }, say("schedule.alarm"))));
  room.append(
    triggers.element,
    await zones(),
    chain.element,
    card(say("alarm.drill"), el("p", {}, say("alarm.drill.how")), drill()),
    card(say("alarm.reasons"), table(["time", "cause", "reason", "count", "most"], reasons)),
  );
  const { tz, daylight_saving_time } = await list("get_params.cgi");
  const look = async () => {
    const decisions = /** @type {Decision[]} */ (await json("events.json"));
    const time = (/** @type {string} */ utc) => local({ now: Date.parse(utc) / 1000, tz, daylight_saving_time });
    reasons.replaceChildren(
      ...decisions
        .slice(-SHOWN)
        .reverse()
        .map((entry) => decision(entry, time)),
    );
  };
  await look();
  return every(LOOK, look);
}

/**
 * A table that scrolls for itself.
 *
 * @param {string[]} columns
 * @param {HTMLElement} body
 */
function table(columns, body) {
  const head = columns.map((column) => el("th", { scope: "col" }, say(`reasons.${column}`)));
  return el(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": say("alarm.reasons") },
    el("table", {}, el("thead", {}, el("tr", {}, ...head)), body),
  );
}

/** @param {number} share */
const percent = (share) => `${(share * 100).toLocaleString(language, { maximumFractionDigits: 2 })} %`;

/**
 * How much moves, against what it takes: both ends of the bar are far apart, and so it shows roots.
 *
 * @param {import("../camera.js").Context} context
 */
function meter(context) {
  const [bar, mark, words] = [el("div", { class: "bar" }), el("div", { class: "mark" }), el("p", { class: "told" })];
  const at = (/** @type {number} */ share) => `${Math.sqrt(Math.min(share, 1)) * 100}%`;
  context.follow(({ motion }) => {
    const [score, threshold] = [motion?.score ?? 0, motion?.threshold ?? 0];
    [bar.style.inlineSize, mark.style.insetInlineStart] = [at(score), at(threshold)];
    bar.classList.toggle("much", score >= threshold);
    mark.hidden = !motion;
    words.textContent = motion
      ? say("alarm.scored", { score: percent(score), threshold: percent(threshold) })
      : say("alarm.unscored");
  });
  return el("div", {}, el("h3", {}, say("alarm.score")), el("div", { class: "score", "aria-hidden": "true" }, bar, mark), words);
}

async function zones() {
  const editor = new ZoneEditor();
  const beside = () => ({ motion_mask: editor.value });
  const { form, element } = await settings("set_alarm.cgi", {
    heading: say("alarm.zones"),
    only: isZone,
    hidden: isZone,
    beside,
  });
  editor.setAttribute("label", say("alarm.zones"));
  editor.value = form.values().motion_mask;
  const fill = (/** @type {boolean} */ off, /** @type {string} */ words) =>
    el("button", { type: "button", onclick: () => editor.fill(off) }, words);
  form.element.before(
    el("p", {}, say("alarm.zones.how")),
    el("div", { class: "stage" }, picture("videostream.cgi?resolution=8&rate=12", say("live.label")), editor),
    el("div", { class: "row" }, fill(false, say("alarm.zones.all")), fill(true, say("alarm.zones.none"))),
  );
  return element;
}

/** @typedef {{ link: string, result: string, words: string }} Outcome */

function drill() {
  const results = el("tbody", {});
  const line = (/** @type {Outcome} */ { link, result, words }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, say(`link.${link}`)),
      el("td", { class: result === "failed" ? "bad" : "" }, say(`drill.${result}`)),
      el("td", {}, words),
    );
  return el(
    "div",
    {},
    action(say("alarm.drill.go"), async () => {
      const { passed, links } = /** @type {{ passed: boolean, links: Outcome[] }} */ (await json("drill.cgi", patiently()));
      results.replaceChildren(...links.map(line));
      return say(passed ? "alarm.drill.passed" : "alarm.drill.failed");
    }),
    el("table", {}, results),
  );
}

/**
 * @typedef {{ cause: string, reason: string, first: string | null, last: string | null, count: number, most: number }} Decision
 */

const FORMAT = /** @type {const} */ ({ timeZone: "UTC", dateStyle: "short", timeStyle: "medium" });

/**
 * @param {Decision} entry
 * @param {(utc: string) => Date} local The camera's time, in the UTC fields of a date.
 */
function decision({ cause, reason, first, last, count, most }, local) {
  const at = (/** @type {string | null} */ time) => (time === null ? "?" : local(time).toLocaleString(language, FORMAT));
  const time = first === last ? at(first) : `${at(first)} – ${at(last)}`;
  const cells = [time, say(`cause.${cause}`), say(`reason.${reason}`), count, most > 0 ? percent(most) : ""];
  return el("tr", {}, ...cells.map((cell) => el("td", {}, cell)));
}
