// The camera's clock and its zone: local time is UTC − `tz` + `daylight_saving_time`, all in seconds (PROFILE 4.1, Q6).

/** Offsets from UTC of all time zones, minutes east. */
const OFFSETS = [
  -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240, 270, 300,
  330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 840,
];

/**
 * Gives the camera's local time, in the UTC fields of a date.
 *
 * @param {import("./vars.js").Vars} listed What `get_params.cgi` lists.
 */
export const local = ({ now, tz, daylight_saving_time: summer }) => new Date((Number(now) - Number(tz) + Number(summer)) * 1000);

/** Zones as the camera counts them, seconds west, each with its name. */
export const zones = () => OFFSETS.map((minutes) => /** @type {[number, string]} */ ([0 - minutes * 60, `UTC${sign(minutes)}`]));

/** What summer time adds, seconds, each with its name; `none` is that of nothing. */
export const summers = (/** @type {string} */ none) =>
  [0, 30, 60, 120].map((minutes) => /** @type {[number, string]} */ ([minutes * 60, minutes === 0 ? none : sign(minutes)]));

/** @param {number} minutes */
function sign(minutes) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const far = Math.abs(minutes);
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(far / 60))}:${two(far % 60)}`;
}

/** Says the browser's zone as the camera's settings: seconds west without summer time, and what summer time adds now. */
export function browser() {
  const year = new Date().getFullYear();
  const west = (/** @type {Date} */ date) => date.getTimezoneOffset() * 60;
  const tz = Math.max(west(new Date(year, 0, 1)), west(new Date(year, 6, 1)));
  return { tz: String(tz), daylight_saving_time: String(tz - west(new Date())) };
}
