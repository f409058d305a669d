// Reads what the camera's listings say: `var name='text';` and `var name=number;`, and the arrays of a scan.

/** @typedef {Record<string, string | number | (string | number)[]>} Vars */

const LINE = /^(?:var )?([A-Za-z_]\w*)(?:\[(\d+)\])?=(?:new Array\(\)|'((?:[^'\\]|\\.)*)'|(-?\d+));$/;

/**
 * Reads a listing. What is no line of one is left out: a newer camera may say more.
 *
 * @param {string} text
 * @returns {Vars}
 */
export function parse(text) {
  /** @type {Vars} */
  const vars = {};
  for (const line of text.split("\n")) {
    const found = LINE.exec(line);
    if (!found) continue;
    const [, name, index, quoted, number] = found;
    const value = quoted === undefined ? (number === undefined ? [] : Number(number)) : unescape(quoted);
    const array = vars[name];
    if (index === undefined) vars[name] = value;
    else if (Array.isArray(array) && !Array.isArray(value)) array[Number(index)] = value;
  }
  return vars;
}

/**
 * Turns the escapes of a quoted text into what they stand for. `\xNN` are bytes of UTF-8; what is none is shown as U+FFFD.
 *
 * @param {string} text
 */
function unescape(text) {
  const bytes = [];
  const encoder = new TextEncoder();
  for (let at = 0; at < text.length; at += 1) {
    const [char, next] = [text[at], text[at + 1]];
    if (char !== "\\") {
      const whole = String.fromCodePoint(/** @type {number} */ (text.codePointAt(at)));
      at += whole.length - 1;
      bytes.push(...encoder.encode(whole));
    } else if (next === "x") {
      bytes.push(Number.parseInt(text.slice(at + 2, at + 4), 16));
      at += 3;
    } else {
      bytes.push(next === "n" ? 10 : next.charCodeAt(0));
      at += 1;
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
