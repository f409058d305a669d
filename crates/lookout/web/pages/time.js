// The clock.

import { list, order } from "../camera.js";
import { el } from "../dom.js";
import { deed, settings } from "../parts/card.js";
import { language, say } from "../words.js";

/** How often the clock is looked at, ms. */
const LOOK = 5000;
/** Offsets from UTC of all time zones, in minutes east. */
const OFFSETS = [-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390,
  420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 840];

/** Offsets as the camera counts them: seconds west (PROFILE 4.1, Q6). */
const zones = () => OFFSETS.map((minutes) => /** @type {[number, string]} */ ([-minutes * 60, offset(minutes)]));

/** @param {number} minutes */
function offset(minutes) {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

/** Says the browser's zone: seconds west without summer time, and what summer time adds now. */
function browsers() {
  const year = new Date().getFullYear();
  const west = (/** @type {Date} */ date) => date.getTimezoneOffset() * 60;
  const tz = Math.max(west(new Date(year, 0, 1)), west(new Date(year, 6, 1)));
  return { tz: String(tz), daylight_saving_time: String(tz - west(new Date())) };
}

/** @param {HTMLElement} room */
export async function show(room) {
  const { element, end } = await clock();
  room.append(element);
  return end;
}

/** A card with the clock: what it shows, its settings, and a button that takes the browser's time. */
export async function clock() {
  const summer = /** @type {[number, string][]} */ ([[0, say("time.summer.no")], [1800, "+00:30"], [3600, "+01:00"], [7200, "+02:00"]]);
  const { form, element } = await settings("set_datetime.cgi", { offers: { tz: zones(), daylight_saving_time: summer } });
  const shown = el("p", { class: "clock" });
  const look = async () => {
    const { now, tz, daylight_saving_time: dst } = await list("get_params.cgi");
    const local = new Date((Number(now) - Number(tz) + Number(dst)) * 1000);
    shown.textContent = say("time.now", { now: local.toLocaleString(language, { timeZone: "UTC", dateStyle: "full", timeStyle: "medium" }) });
  };
  const take = deed(say("time.browser", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone }), async () => {
    await order("set_datetime.cgi", { ...form.values(), ...browsers(), now: Math.round(Date.now() / 1000) });
    await form.load();
    await look();
  });
  element.querySelector("h2")?.after(shown, take);
  await look();
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK);
  return { form, element, end: () => clearInterval(timer) };
}
