// The shell: who looks, which page is shown, and what stands around it.

import { MANAGER, VISITOR, every, json, whoami } from "./camera.js";
import { button, el } from "./dom.js";
import { LANGUAGES, choose, language, load, reason, say } from "./words.js";

/** @typedef {import("./camera.js").Context} Context */
/** @typedef {import("./camera.js").Now} Now */
/**
 * @typedef {{ show: (room: HTMLElement, context: Context) => Promise<(() => void) | void> }} Page Returns what ends it, if
 *   something must.
 */

/** The pages, in the order of the navigation, and who may see them. The first is where everybody begins. */
const PAGES = /** @type {const} */ ([
  { id: "live", needs: VISITOR },
  { id: "cameras", needs: VISITOR },
  { id: "alarms", needs: MANAGER },
  { id: "schedule", needs: MANAGER },
  { id: "mail", needs: MANAGER },
  { id: "ftp", needs: MANAGER },
  { id: "users", needs: MANAGER },
  { id: "network", needs: MANAGER },
  { id: "time", needs: MANAGER },
  { id: "system", needs: MANAGER },
  { id: "clients", needs: VISITOR },
  { id: "setup", needs: MANAGER, unlisted: true },
]);

/** How often the camera is asked how it stands, ms. */
const LOOK = 1000;
/** In which steps it is told how long something waits, s. */
const STEP = 10;

/** How it stood last. */
/** @type {Now} */
let last;
/** Who hears that: the page that is shown. */
/** @type {((now: Now) => void)[]} */
let hearers = [];
/** @type {(() => void) | void} */
let leave;
let showing = 0;

const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

async function start() {
  try {
    await load();
    by("skip").textContent = say("skip");
    by("skip").addEventListener("click", (event) => {
      // The fragment is the page's name.
      event.preventDefault();
      by("main").focus();
    });
    languages();
    const user = await whoami();
    tell(await json("now.json"));
    if (last.setup_done === false && location.hash === "" && !document.body.dataset.page)
      history.replaceState(null, "", "#setup");
    window.addEventListener("hashchange", () => route(user));
    every(LOOK, () =>
      json("now.json").then(tell, (error) => {
        banner(reason(error));
        throw error;
      }),
    );
    await route(user);
  } catch (error) {
    by("main").replaceChildren(trouble(error));
  }
}

/** @param {Now} now */
function tell(now) {
  last = now;
  by("name").textContent = now.alias;
  entitle();
  document.body.classList.toggle("private", now.forbidden);
  const { confirm_s: left } = now;
  banner(typeof left === "number" ? say("network.waits", { seconds: Math.ceil(left / STEP) * STEP }) : "");
  for (const hear of hearers) hear(now);
}

/**
 * Shows what everybody has to know: that a change of the network waits to be confirmed, or that the camera is away.
 *
 * @param {string} text
 */
function banner(text) {
  by("banner").hidden = text === "";
  // What is said already is not said again by a screen reader.
  if (by("banner").textContent !== text) by("banner").textContent = text;
}

function entitle() {
  const page = document.querySelector("h1")?.textContent;
  document.title = page ? `${page} – ${last.alias}` : last.alias;
}

/**
 * Shows the page that is wanted: by the fragment, or by an old page's name.
 *
 * @param {Context["user"]} user
 */
async function route(user) {
  const mine = (showing += 1);
  const wanted = location.hash.slice(1) || document.body.dataset.page;
  const page = PAGES.find(({ id }) => id === wanted);
  const { id } = page && user.privilege >= page.needs ? page : PAGES[0];
  leave?.();
  [leave, hearers] = [undefined, []];
  navigation(user, id);
  const room = el("div", { class: `page ${id}` });
  const main = by("main");
  main.setAttribute("aria-busy", "true");
  const heading = el("h1", { class: id === "live" ? "unseen" : undefined, tabindex: -1 }, say(`page.${id}`));
  main.replaceChildren(heading, room);
  entitle();
  if (mine > 1) heading.focus();
  const follow = (/** @type {(now: Now) => void} */ hear) => {
    if (mine !== showing) return;
    hearers.push(hear);
    hear(last);
  };
  try {
    const { show } = /** @type {Page} */ (await import(`./pages/${id}.js`));
    const end = await show(room, { user, follow });
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
  const link = (/** @type {string} */ id) =>
    el("a", { href: `#${id}`, "aria-current": id === here ? "page" : undefined }, say(`page.${id}`));
  const links = PAGES.filter((page) => user.privilege >= page.needs && !("unlisted" in page)).map(({ id }) =>
    el("li", {}, link(id)),
  );
  by("nav").setAttribute("aria-label", say("pages"));
  by("nav").replaceChildren(el("ul", {}, ...links));
  by("nav").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function languages() {
  const chosen = (/** @type {Event} */ event) => choose(/** @type {HTMLSelectElement} */ (event.target).value);
  const one = (/** @type {string} */ tag, /** @type {string} */ name) =>
    el("option", { value: tag, lang: tag, selected: tag === language }, name);
  const all = Object.entries(LANGUAGES).map(([tag, name]) => one(tag, name));
  by("languages").replaceChildren(el("select", { "aria-label": say("language"), onchange: chosen }, ...all));
}

/** @param {unknown} error */
function trouble(error) {
  const again = button(say("again"), () => location.reload());
  return el("div", { class: "card trouble", role: "alert" }, el("p", {}, reason(error)), again);
}

start();
