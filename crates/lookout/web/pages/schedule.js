// Weeks: when alarms are armed, when nothing may leave the camera, when pictures are uploaded by the clock.

import { list } from "../camera.js";
import { button, el, id } from "../dom.js";
import * as week from "../model/week.js";
import { isWord, settings } from "../parts/card.js";
import "../parts/week-grid.js";
import { say } from "../words.js";

/** Whose schedules there are, and what stands before `sun_0` in the listing of each. */
const SCHEDULES = /** @type {const} */ ([
  { path: "set_alarm.cgi", key: "schedule.alarm" },
  { path: "set_forbidden.cgi", key: "schedule.privacy" },
  { path: "set_ftp.cgi", key: "schedule.ftp" },
]);

/** @param {HTMLElement} room */
export async function show(room) {
  const { now, tz } = await list("get_status.cgi");
  for (const { path, key } of SCHEDULES) room.append(await one(path, say(key), Number(now) - Number(tz)));
}

/**
 * @param {string} path
 * @param {string} heading
 * @param {number} now Seconds since 1970, local.
 */
async function one(path, heading, now) {
  // The rest of what the CGI sets is sent along as it is.
  const { form, element } = await settings(path, { heading, hidden: (field) => field.wire !== "schedule_enable" });
  const grid = /** @type {import("../parts/week-grid.js").WeekGrid} */ (document.createElement("week-grid"));
  grid.setAttribute("label", heading);
  const [written, next] = [el("textarea", { id: id(), rows: 4, spellcheck: "false" }), el("p", { class: "told" })];
  const wrong = el("p", { class: "bad", role: "alert" });
  const words = form.fields.filter(isWord);
  const prefix = words[0].listed.replace(/sun_0$/, "");
  grid.week = week.read(Object.fromEntries(words.map((field) => [field.listed, form.values()[field.wire]])), prefix);
  const shown = () => {
    written.value = week.text(grid.week);
    next.textContent = turn(grid.week, now);
    wrong.textContent = "";
  };
  grid.addEventListener("change", shown);
  written.addEventListener("change", () => {
    try {
      grid.week = week.parse(written.value);
      shown();
    } catch (error) {
      const { line, why } = /** @type {week.NoWeek} */ (error);
      wrong.textContent = say(why, { line });
    }
  });
  const store = form.store.bind(form);
  form.store = () => store(week.words(grid.week));
  const days = () => [1, 2, 3, 4, 5, 6, 0].map((day) => el("option", { value: day }, say(`day.${day}`)));
  const from = el("select", { "aria-label": say("week.from") }, ...days());
  const copy = button(say("week.copy"), () => grid.copy(Number(from.value), [0, 1, 2, 3, 4, 5, 6]));
  element.insertBefore(el("div", { class: "page" }, grid, next, el("div", { class: "row" }, from, copy),
    el("details", {}, el("summary", {}, say("week.text")), el("label", { for: written.id }, say("week.text.how")), written, wrong)), form.element);
  shown();
  return element;
}

/**
 * @param {week.Week} wanted
 * @param {number} now
 */
function turn(wanted, now) {
  const local = new Date(now * 1000);
  const quarter = Math.floor((local.getUTCHours() * 60 + local.getUTCMinutes()) / 15);
  const after = week.turns(wanted, local.getUTCDay(), quarter);
  if (after === undefined) return say(wanted[0][0] ? "week.always" : "week.never");
  const at = local.getUTCDay() * week.QUARTERS + quarter + after;
  const [day, minutes] = [Math.floor(at / week.QUARTERS) % week.DAYS, (at % week.QUARTERS) * 15];
  const time = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  return say(wanted[local.getUTCDay()][quarter] ? "week.off" : "week.on", { day: say(`day.${day}`), time });
}
