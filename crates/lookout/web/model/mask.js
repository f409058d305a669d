// Zones in which no motion is looked for: 32 cells in each of 24 rows, as 192 hexadecimal digits (`alarm_motion_mask`).

export const COLUMNS = 32;
export const ROWS = 24;

/** @typedef {boolean[]} Mask Row by row from the top left; true: not watched. */

/**
 * @param {string} digits 192 of them, or none: all is watched.
 * @returns {Mask}
 */
export function read(digits) {
  const bit = (/** @type {number} */ at) => ((Number.parseInt(digits[at >> 2] ?? "0", 16) >> (3 - (at & 3))) & 1) === 1;
  return Array.from({ length: COLUMNS * ROWS }, (_, at) => bit(at));
}

/**
 * @param {Mask} mask
 * @returns {string}
 */
export function write(mask) {
  if (!mask.includes(true)) return "";
  const digit = (/** @type {number} */ at) => [0, 1, 2, 3].reduce((sum, bit) => sum * 2 + (mask[at * 4 + bit] ? 1 : 0), 0);
  return Array.from({ length: mask.length / 4 }, (_, at) => digit(at).toString(16).toUpperCase()).join("");
}
