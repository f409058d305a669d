// The eight accounts, which are set all at once.

import { list, order } from "../camera.js";
import { all } from "../form.js";

const PLACES = 8;
/** What a listing shows of a password, and what keeps it as it is. */
const MASK = "********";

/** @typedef {{ number: number, name: string, pwd: string, pri: string }} Account */

/** Gives them as they are listed, how long names and passwords may be, and what stores them. */
export async function accounts() {
  const [forms, now] = [await all(), await list("get_params.cgi")];
  const longest = (/** @type {string} */ wire) => forms["set_users.cgi"].fields.find((/** @type {import("../form.js").Field} */ field) => field.wire === wire)?.max;
  const one = (/** @type {number} */ number) => {
    const [name, pwd, pri] = ["name", "pwd", "pri"].map((what) => String(now[`user${number}_${what}`]));
    return { number, name, pwd, pri };
  };
  return {
    mask: MASK,
    longest: { name: longest("user1"), pwd: longest("pwd1") },
    list: Array.from({ length: PLACES }, (_, at) => one(at + 1)),
    store: (/** @type {Account[]} */ accounts) =>
      order("set_users.cgi", Object.assign({}, ...accounts.map(({ number, name, pwd, pri }) => ({ [`user${number}`]: name, [`pwd${number}`]: pwd, [`pri${number}`]: pri })))),
  };
}
