// The shell: who looks, which page is shown, and what stands around it.

import { MANAGER, VISITOR, json, whoami } from "./camera.js";
import { button, el } from "./dom.js";
import * as words from "./words.js";
import { say } from "./words.js";

/**
 * @typedef {{ user: string, from: string, agent: string, path: string, seconds: number }} Guest
 * @typedef {{ alias: string, alarm: string | null, forbidden: boolean, viewers: number, motion: { score: number, threshold: number } | null, devices: { number: number, alias: string }[],
 *   watching?: Guest[], came?: Guest[], confirm_s?: number | null, network_managed?: boolean, setup_done?: boolean }} Now What `now.json` says.
 * @typedef {{ user: { name: string, may: number }, follow: (hear: (now: Now) => void) => void }} Context `follow` lasts as long as the page.
 * @typedef {{ show: (main: HTMLElement, context: Context) => Promise<(() => void) | void> }} Page Returns what ends it, if something must.
 */

/** The pages, in the order of the navigation, and who may see them. The first is where everybody begins. */
const PAGES = /** @type {const} */ ([
  { id: "live", may: VISITOR },
  { id: "cameras", may: VISITOR },
  { id: "alarms", may: MANAGER },
  { id: "schedule", may: MANAGER },
  { id: "mail", may: MANAGER },
  { id: "ftp", may: MANAGER },
  { id: "users", may: MANAGER },
  { id: "network", may: MANAGER },
  { id: "time", may: MANAGER },
  { id: "system", may: MANAGER },
  { id: "clients", may: VISITOR },
  { id: "first", may: MANAGER, unlisted: true },
]);

/** How often the camera is asked how it stands, ms. */
const LOOK = 1000;

/** Who hears how the camera stands: whoever is shown. */
/** @type {((now: Now) => void)[]} */
let hearers = [];
/** @type {(() => void) | void} */
let leave;
let showing = 0;

async function start() {
  await words.load();
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  /** @type {HTMLElement} */ (document.querySelector(".skip")).textContent = say("skip");
  languages();
  try {
    const [user, now] = [await whoami(), /** @type {Now} */ (await json("now.json"))];
    if (now.setup_done === false && location.hash === "" && !document.body.dataset.page) location.replace("#first");
    const show = () => turn(main, user);
    window.addEventListener("hashchange", show);
    setInterval(look, LOOK);
    await show();
    tell(now);
  } catch (error) {
    main.replaceChildren(trouble(error));
  }
}

async function look() {
  if (!document.hidden) await json("now.json").then(tell, () => {});
}

/** @param {Now} now */
function tell(now) {
  document.title = now.alias;
  /** @type {HTMLElement} */ (document.getElementById("name")).textContent = now.alias;
  banner(now.confirm_s);
  for (const hear of hearers) hear(now);
}

/**
 * Shows that a change of the network comes back unless somebody confirms it.
 *
 * @param {number | null | undefined} seconds
 */
function banner(seconds) {
  const line = /** @type {HTMLElement} */ (document.getElementById("banner"));
  line.hidden = typeof seconds !== "number";
  line.textContent = line.hidden ? "" : say("network.waits", { seconds });
}

/**
 * @param {HTMLElement} main
 * @param {Context["user"]} user
 */
async function turn(main, user) {
  const mine = (showing += 1);
  // An old page's name says which page it meant.
  const wanted = location.hash.slice(1) || document.body.dataset.page;
  const page = PAGES.find(({ id }) => id === wanted);
  const { id } = page && user.may >= page.may ? page : PAGES[0];
  leave?.();
  [leave, hearers] = [undefined, []];
  navigation(user, id);
  const room = el("div", { class: `page ${id}` });
  main.setAttribute("aria-busy", "true");
  main.replaceChildren(el("h1", { class: id === "live" ? "unseen" : undefined }, say(`page.${id}`)), room);
  try {
    const { show } = /** @type {Page} */ (await import(`./pages/${id}.js`));
    const end = await show(room, { user, follow: (hear) => mine === showing && hearers.push(hear) });
    // Somebody may have gone on meanwhile.
    if (mine === showing) leave = end;
    else end?.();
  } catch (error) {
    room.replaceChildren(trouble(error));
  } finally {
    if (mine === showing) main.removeAttribute("aria-busy");
  }
}

/**
 * @param {Context["user"]} user
 * @param {string} here
 */
function navigation(user, here) {
  const link = (/** @type {string} */ id) => el("a", { href: `#${id}`, "aria-current": id === here ? "page" : undefined }, say(`page.${id}`));
  const links = PAGES.filter((page) => user.may >= page.may && !("unlisted" in page)).map(({ id }) => el("li", {}, link(id)));
  const nav = /** @type {HTMLElement} */ (document.getElementById("nav"));
  nav.setAttribute("aria-label", say("pages"));
  nav.replaceChildren(el("ul", {}, ...links));
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function languages() {
  const choose = (/** @type {Event} */ event) => words.choose(/** @type {HTMLSelectElement} */ (event.target).value);
  const all = Object.entries(words.LANGUAGES).map(([tag, name]) => el("option", { value: tag, lang: tag, selected: tag === words.language }, name));
  document.getElementById("languages")?.append(el("select", { "aria-label": say("language"), onchange: choose }, ...all));
}

/** @param {unknown} error */
function trouble(error) {
  return el("div", { class: "card trouble", role: "alert" }, el("p", {}, words.reason(error)), button(say("again"), () => location.reload()));
}

start();
