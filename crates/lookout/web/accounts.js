// The eight accounts, which are set all at once.

import { Refused, list, order, relogin } from "./camera.js";
import { MASK, all } from "./form.js";

const PLACES = 8;

/** @typedef {{ number: number, name: string, pwd: string, pri: string }} Account */
/** @typedef {import("./form.js").Field} Field */

/** Gives them as they are listed, how many bytes names and passwords may have, and what stores them. */
export async function accounts() {
  const [forms, before] = [await all(), await listed()];
  const longest = (/** @type {string} */ wire) =>
    forms["set_users.cgi"].fields.find((/** @type {Field} */ field) => field.wire === wire)?.max;
  return {
    longest: { name: longest("user1"), pwd: longest("pwd1") },
    list: before,
    /**
     * @param {Account[]} wanted
     * @param {string} mine The account of whoever stores: with a new password he logs in anew.
     */
    store: async (wanted, mine) => {
      const change = async () => order("set_users.cgi", Object.assign({}, ...merge(before, wanted, await listed()).map(said)));
      const me = wanted[before.findIndex(({ name }) => name === mine)];
      if (me && me.pwd !== MASK) await relogin(change, me.name, me.pwd);
      else await change();
      // Whoever gave himself another name is not let in by the old one: what is stored is known all the same.
      const stored = wanted.map((account) => ({ ...account, pwd: account.pwd && MASK }));
      before.splice(0, PLACES, ...(await listed().catch(() => stored)));
    },
  };
}

async function listed() {
  const now = await list("get_params.cgi");
  return Array.from({ length: PLACES }, (_, at) => {
    const [name, pwd, pri] = ["name", "pwd", "pri"].map((what) => String(now[`user${at + 1}_${what}`]));
    return { number: at + 1, name, pwd, pri };
  });
}

/**
 * Lays what was changed here over what is there now; what somebody else changed meanwhile stays his.
 *
 * @param {Account[]} before
 * @param {Account[]} wanted
 * @param {Account[]} now
 */
function merge(before, wanted, now) {
  const same = (/** @type {Account} */ one, /** @type {Account} */ other) => JSON.stringify(one) === JSON.stringify(other);
  return wanted.map((account, at) => {
    if (same(account, before[at])) return now[at];
    if (!same(now[at], before[at])) throw new Refused("changed");
    return account;
  });
}

/** @param {Account} account */
const said = ({ number, name, pwd, pri }) => ({ [`user${number}`]: name, [`pwd${number}`]: pwd, [`pri${number}`]: pri });
