// Elements out of data. Text is only ever text: nothing here reads markup.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Of what is given, functions named `on…` listen, `true` and `false` are attributes that are there or not,
 * and the rest are attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [given]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map(text));
  return element;
}

/** @param {Child} child */
const text = (child) => (child instanceof Node ? child : String(child));

/** Keeps a form from being sent: its buttons do what is to be done. */
export const stay = (/** @type {Event} */ event) => event.preventDefault();

/** Ids for labels. */
let last = 0;
export const id = () => `i${(last += 1)}`;

/**
 * A button that does something, and cannot be pressed again until it is done.
 *
 * @param {string} words
 * @param {() => unknown} act
 * @param {Record<string, unknown>} [given]
 * @param {...Child} more What it shows beside its words.
 */
export function button(words, act, given = {}, ...more) {
  const made = el("button", { type: "button", ...given, onclick: press }, words, ...more);
  async function press() {
    // Not `disabled`: the focus would be lost.
    if (made.ariaBusy === "true") return;
    made.ariaBusy = "true";
    try {
      await act();
    } finally {
      made.ariaBusy = null;
    }
  }
  return made;
}
