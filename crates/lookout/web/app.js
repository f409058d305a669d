// The shell: who looks, which page is shown, and what stands around it.

import { MANAGER, Refused, VISITOR, list, whoami } from "./camera.js";
import { button, el } from "./dom.js";
import * as words from "./words.js";
import { say } from "./words.js";

/**
 * @typedef {{ user: { name: string, may: number }, status: () => Promise<import("./model/vars.js").Vars> }} Context
 * @typedef {{ show: (main: HTMLElement, context: Context) => Promise<(() => void) | void> }} Page Returns what ends it, if something must.
 */

/** The pages, who may see them, and the old names of each, which clients have in their bookmarks. */
const PAGES = /** @type {const} */ ([
  { id: "live", may: VISITOR, old: ["live", "monitor", "snapshot", "main", "camera", "monitor2", "live2", "liveie"] },
  { id: "cameras", may: VISITOR, old: ["device", "multi", "monitor4", "monitor9", "devices"] },
  { id: "alarms", may: MANAGER, old: ["alarm"] },
  { id: "schedule", may: MANAGER, old: [] },
  { id: "users", may: MANAGER, old: ["user"] },
  { id: "network", may: MANAGER, old: ["network", "ip", "wireless", "wifi", "adsl", "ddns", "upnp"] },
  { id: "mail", may: MANAGER, old: ["mail"] },
  { id: "ftp", may: MANAGER, old: ["ftp"] },
  { id: "time", may: MANAGER, old: ["datetime"] },
  { id: "system", may: MANAGER, old: ["admin", "alias", "backup", "reboot", "restore", "upgrade", "log", "ptz", "misc"] },
  { id: "clients", may: VISITOR, old: [] },
]);

/** @type {(() => void) | void} */
let leave;
let showing = 0;

async function start() {
  await words.load();
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  /** @type {HTMLElement} */ (document.querySelector(".skip")).textContent = say("skip");
  let user;
  try {
    user = await whoami();
  } catch (error) {
    return main.replaceChildren(trouble(error));
  }
  const status = () => list("get_status.cgi");
  const context = { user, status };
  const { alias } = await status();
  document.title = String(alias);
  /** @type {HTMLElement} */ (document.getElementById("name")).textContent = String(alias);
  const show = () => turn(main, context);
  window.addEventListener("hashchange", show);
  await show();
}

/** Says which page is wanted: by the fragment, or by an old name of the address. */
function wanted() {
  const hash = location.hash.slice(1);
  if (PAGES.some(({ id }) => id === hash)) return hash;
  const file = /([\w-]+)\.html?$/.exec(location.pathname)?.[1]?.toLowerCase() ?? "";
  return PAGES.find(({ old }) => /** @type {readonly string[]} */ (old).includes(file))?.id ?? "live";
}

/**
 * @param {HTMLElement} main
 * @param {Context} context
 */
async function turn(main, context) {
  const mine = (showing += 1);
  const page = PAGES.find(({ id }) => id === wanted());
  const allowed = page && context.user.may >= page.may ? page : PAGES[0];
  leave?.();
  leave = undefined;
  navigation(context, allowed.id);
  const room = el("div", { class: `page ${allowed.id}` });
  main.replaceChildren(el("h1", { class: allowed.id === "live" ? "unseen" : "" }, say(`page.${allowed.id}`)), room);
  try {
    const { show } = /** @type {Page} */ (await import(`./pages/${allowed.id}.js`));
    const end = await show(room, context);
    // Somebody may have gone on meanwhile.
    if (mine === showing) leave = end;
    else end?.();
  } catch (error) {
    room.replaceChildren(trouble(error));
  }
}

/**
 * @param {Context} context
 * @param {string} here
 */
function navigation({ user }, here) {
  const link = (/** @type {string} */ id) =>
    el("a", { href: `#${id}`, "aria-current": id === here ? "page" : undefined }, say(`page.${id}`));
  const links = PAGES.filter(({ may }) => user.may >= may).map(({ id }) => el("li", {}, link(id)));
  const languages = el(
    "select",
    { "aria-label": say("language"), onchange: (/** @type {Event} */ event) => words.choose(/** @type {HTMLSelectElement} */ (event.target).value) },
    ...Object.entries(words.LANGUAGES).map(([tag, name]) => el("option", { value: tag, lang: tag, selected: tag === words.language }, name)),
  );
  const nav = /** @type {HTMLElement} */ (document.getElementById("nav"));
  nav.setAttribute("aria-label", say("pages"));
  nav.replaceChildren(el("ul", {}, ...links), languages);
}

/** @param {unknown} error */
function trouble(error) {
  const why = error instanceof Refused ? error.why : "internal";
  if (!(error instanceof Refused)) console.error(error);
  return el("div", { class: "trouble", role: "alert" }, el("p", {}, say(`refused.${why}`)), button(say("again"), () => location.reload()));
}

start();
