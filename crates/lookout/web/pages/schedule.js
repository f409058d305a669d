// Weeks: when alarms are armed, when nothing may leave the camera, when pictures are uploaded by the clock.

import { list } from "../camera.js";
import { button, el, id } from "../dom.js";
import { local } from "../model/clock.js";
import * as week from "../model/week.js";
import { settings } from "../parts/card.js";
import { WeekGrid } from "../parts/week-grid.js";
import { say } from "../words.js";

/** Whose schedules there are. */
const SCHEDULES = /** @type {const} */ ([
  { path: "set_alarm.cgi", key: "schedule.alarm" },
  { path: "set_forbidden.cgi", key: "schedule.privacy" },
  { path: "set_ftp.cgi", key: "schedule.ftp" },
]);

/** @param {HTMLElement} room */
export async function show(room) {
  const now = local(await list("get_params.cgi"));
  const moment = { day: now.getUTCDay(), quarter: Math.floor((now.getUTCHours() * 60 + now.getUTCMinutes()) / 15) };
  for (const { path, key } of SCHEDULES) room.append(await one(path, say(key), moment));
}

/** @typedef {{ day: number, quarter: number }} Moment */

/**
 * A schedule as a grid and as text, either of which follows the other.
 *
 * @param {string} path
 * @param {string} heading
 * @param {Moment} now
 */
async function one(path, heading, now) {
  const grid = new WeekGrid();
  // The rest of what the CGI sets is sent along as it is.
  const hidden = (/** @type {import("../form.js").Field} */ field) => field.wire !== "schedule_enable";
  const { form, element } = await settings(path, { heading, hidden, beside: () => week.words(grid.week) });
  grid.setAttribute("label", heading);
  grid.week = week.read(form.values(), "schedule_");
  const written = el("textarea", { id: id(), rows: 4, spellcheck: "false" });
  const [next, wrong] = [el("p", { class: "told" }), el("p", { class: "bad", role: "alert" })];
  const holds = () => form.control("schedule_enable")?.read() === "1";
  const told = () => (next.textContent = holds() ? turn(grid.week, now) : say("week.off.all"));
  const fault = (/** @type {string} */ words) => {
    wrong.textContent = words;
    // Nothing is stored meanwhile.
    written.setCustomValidity(words);
  };
  const shown = () => {
    written.value = week.text(grid.week);
    told();
    fault("");
  };
  form.element.addEventListener("change", told);
  grid.addEventListener("change", shown);
  written.addEventListener("change", () => {
    try {
      grid.week = week.parse(written.value);
      shown();
    } catch (error) {
      if (!(error instanceof week.NoWeek)) throw error;
      fault(say(error.why, { line: error.line }));
    }
  });
  const text = el(
    "details",
    {},
    el("summary", {}, say("week.text")),
    el("label", { for: written.id }, say("week.text.how")),
    written,
    wrong,
  );
  form.element.prepend(grid, next, copying(grid), text);
  shown();
  return element;
}

/** @param {import("../parts/week-grid.js").WeekGrid} grid */
function copying(grid) {
  const from = el(
    "select",
    { "aria-label": say("week.from") },
    ...week.ORDER.map((day) => el("option", { value: day }, say(`day.${day}`))),
  );
  return el(
    "div",
    { class: "row" },
    from,
    button(say("week.copy"), () => grid.copy(Number(from.value), week.ORDER)),
  );
}

/**
 * Says when a schedule turns next.
 *
 * @param {week.Week} wanted
 * @param {Moment} now
 */
function turn(wanted, { day, quarter }) {
  const after = week.turns(wanted, day, quarter);
  if (after === undefined) return say(wanted[0][0] ? "week.always" : "week.never");
  const at = day * week.QUARTERS + quarter + after;
  const when = { day: say(`day.${Math.floor(at / week.QUARTERS) % week.DAYS}`), time: week.clock(at % week.QUARTERS) };
  return say(wanted[day][quarter] ? "week.off" : "week.on", when);
}
