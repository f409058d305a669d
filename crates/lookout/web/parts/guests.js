// Who watches.

import { el } from "../dom.js";
import { language, say } from "../words.js";

/** Units of time, in seconds, the longest first. */
const UNITS = /** @type {const} */ ([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

/**
 * Says how long ago something was.
 *
 * @param {number} seconds
 */
export function ago(seconds) {
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[3];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-Math.floor(seconds / length), unit);
}

/** @param {import("../camera.js").Context} context */
export function guests(context) {
  const all = el("ul", {});
  context.follow(({ watching = [] }) =>
    all.replaceChildren(
      ...watching.map(({ user, from, agent, seconds }) =>
        el("li", {}, el("strong", {}, user), ` ${from}, ${ago(seconds)}`, el("small", {}, agent)),
      ),
    ),
  );
  return el("details", { class: "card guests" }, el("summary", {}, say("live.watching")), all);
}
