// A week of quarter-hours, each on or off: as the camera's 21 words, and as text that people write (`Mon-Fri 22:00-06:00`).

export const DAYS = 7;
export const QUARTERS = 96;

/** A day's name on the wire, Sunday first. */
const WIRE = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/** A day's name in the text form; the same in every language, as text is for keyboards and scripts. */
const NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** In which order days are shown and written: weeks begin on Monday. */
export const ORDER = [1, 2, 3, 4, 5, 6, 0];

/** @typedef {boolean[][]} Week Seven days, Sunday first, of 96 quarter-hours. */

/** @returns {Week} */
export const empty = () => Array.from({ length: DAYS }, () => Array(QUARTERS).fill(false));

/**
 * Reads a week from a listing's words.
 *
 * @param {Record<string, unknown>} vars
 * @param {string} prefix What stands before `sun_0`.
 * @returns {Week}
 */
export function read(vars, prefix) {
  const bit = (/** @type {string} */ day, /** @type {number} */ quarter) =>
    ((Number(vars[`${prefix}${day}_${quarter >> 5}`]) >>> (quarter & 31)) & 1) === 1;
  return WIRE.map((day) => Array.from({ length: QUARTERS }, (_, quarter) => bit(day, quarter)));
}

/**
 * Writes a week as the words of a `set_*.cgi`.
 *
 * @param {Week} week
 * @returns {Record<string, string>}
 */
export function words(week) {
  /** @type {Record<string, string>} */
  const words = {};
  week.forEach((day, index) => {
    for (let word = 0; word < 3; word += 1) {
      const bits = day.slice(word * 32, word * 32 + 32).reduce((sum, on, at) => (on ? sum + 2 ** at : sum), 0);
      words[`schedule_${WIRE[index]}_${word}`] = String(bits);
    }
  });
  return words;
}

/**
 * Says when the schedule turns next, in quarter-hours from now; none if it never does.
 *
 * @param {Week} week
 * @param {number} day 0 is Sunday.
 * @param {number} quarter
 */
export function turns(week, day, quarter) {
  const at = (/** @type {number} */ after) => {
    const all = day * QUARTERS + quarter + after;
    return week[Math.floor(all / QUARTERS) % DAYS][all % QUARTERS];
  };
  for (let after = 1; after <= DAYS * QUARTERS; after += 1) if (at(after) !== at(0)) return after;
  return undefined;
}

/**
 * Writes a week as text: a line for the days that are alike and follow one another, with their times; nothing for an empty one.
 *
 * @param {Week} week
 */
export function text(week) {
  const times = ORDER.map((day) =>
    spans(week[day])
      .map(([from, to]) => `${clock(from)}-${clock(to)}`)
      .join(", "),
  );
  const lines = [];
  for (let first = 0; first < DAYS;) {
    let last = first;
    while (last + 1 < DAYS && times[last + 1] === times[first]) last += 1;
    const days = first === last ? NAMES[ORDER[first]] : `${NAMES[ORDER[first]]}-${NAMES[ORDER[last]]}`;
    if (times[first] !== "") lines.push(`${days} ${times[first]}`);
    first = last + 1;
  }
  return lines.join("\n");
}

/** Why a text is no week: the line's number, and what is wrong there (a key of the catalogues). */
export class NoWeek extends Error {
  /**
   * @param {number} line
   * @param {"week.days" | "week.times" | "week.quarter"} why
   */
  constructor(line, why) {
    super(`line ${line}: ${why}`);
    this.line = line;
    this.why = why;
  }
}

/**
 * Reads a week from text: lines of days and times, `Mon-Fri, Sun 22:00-06:00, 12:00-13:00`. A time that ends before it
 * begins goes on into the next day; no times are the whole day.
 *
 * @param {string} text
 * @returns {Week}
 */
export function parse(text) {
  const week = empty();
  text.split("\n").forEach((line, index) => {
    const clean = line.trim();
    if (clean === "") return;
    const [, days, times] = /^([A-Za-z][A-Za-z\s,-]*?)(?:\s+(\d.*))?$/.exec(clean) ?? fail(index, "week.days");
    for (const day of daysOf(days, index)) {
      for (const [from, to] of timesOf(times, index)) fill(week, day, from, to);
    }
  });
  return week;
}

/**
 * @param {number} line
 * @param {"week.days" | "week.times" | "week.quarter"} why
 * @returns {never}
 */
function fail(line, why) {
  throw new NoWeek(line + 1, why);
}

/**
 * @param {string} text
 * @param {number} line
 */
function daysOf(text, line) {
  const day = (/** @type {string} */ name) => {
    const found = NAMES.findIndex((known) => known.toLowerCase() === name.trim().slice(0, 3).toLowerCase());
    return found < 0 ? fail(line, "week.days") : found;
  };
  return text.split(",").flatMap((part) => {
    const [first, last, ...more] = part.split("-").map(day);
    if (more.length > 0) fail(line, "week.days");
    const length = last === undefined ? 1 : ((last - first + DAYS) % DAYS) + 1;
    return Array.from({ length }, (_, after) => (first + after) % DAYS);
  });
}

/**
 * @param {string | undefined} text
 * @param {number} line
 * @returns {number[][]}
 */
function timesOf(text, line) {
  if (text === undefined) return [[0, QUARTERS]];
  return text.split(",").map((part) => {
    const found = /^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$/.exec(part) ?? fail(line, "week.times");
    const [fromHour, fromMinute, toHour, toMinute] = found.slice(1).map(Number);
    if (fromMinute % 15 !== 0 || toMinute % 15 !== 0) fail(line, "week.quarter");
    const [from, to] = [fromHour * 4 + fromMinute / 15, toHour * 4 + toMinute / 15];
    if (fromMinute > 59 || toMinute > 59 || from >= QUARTERS || to > QUARTERS) fail(line, "week.times");
    return [from, to];
  });
}

/**
 * @param {Week} week
 * @param {number} day
 * @param {number} from
 * @param {number} to
 */
function fill(week, day, from, to) {
  const length = to > from ? to - from : to + QUARTERS - from;
  for (let after = 0; after < length; after += 1) {
    const at = from + after;
    week[(day + Math.floor(at / QUARTERS)) % DAYS][at % QUARTERS] = true;
  }
}

/**
 * @param {boolean[]} day
 * @returns {number[][]} From the first quarter-hour that is on to the first behind it that is not.
 */
function spans(day) {
  const spans = [];
  for (let at = 0; at < QUARTERS; at += 1) {
    if (!day[at]) continue;
    const from = at;
    while (at < QUARTERS && day[at]) at += 1;
    spans.push([from, at]);
  }
  return spans;
}

/** Writes a quarter-hour of a day. */
export const clock = (/** @type {number} */ quarter) =>
  `${String(quarter >> 2).padStart(2, "0")}:${String((quarter & 3) * 15).padStart(2, "0")}`;
