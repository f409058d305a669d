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
 * Turns the escapes of a quoted text into what they are in a script.
 *
 * @param {string} text
 */
function unescape(text) {
  const named = { n: "\n", r: "\r" };
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gi, (_, byte, unit, char) => {
    const code = byte ?? unit;
    return code === undefined ? (named[/** @type {"n" | "r"} */ (char)] ?? char) : String.fromCharCode(Number.parseInt(code, 16));
  });
}
