// The network: the machine's own, the name and the port outside.

import { list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { card, deed, settings } from "../parts/card.js";
import { say } from "../words.js";

/** How often the camera is asked how it stands, ms. */
const LOOK = 3000;
/** How many looks a scan gets, and how long each waits, ms. */
const [LOOKS, SCAN] = [8, 1500];

/** @typedef {import("../form.js").SettingsForm} SettingsForm */

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const [stands, unmanaged] = [el("ul", {}), el("p", { hidden: true }, say("network.unmanaged"))];
  context.follow(({ network_managed: managed }) => (unmanaged.hidden = managed !== false));
  const wifi = await settings("set_wifi.cgi", { section: ({ name }) => (/_(key|defkey|authtype)/.test(name) ? say("wifi.wep") : undefined) });
  wifi.form.element.before(scan(wifi.form));
  const ddns = await settings("set_ddns.cgi", { hidden: (field) => field.wire === "restart_dyndns" });
  ddns.element.append(deed(say("ddns.again"), () => order("set_ddns.cgi", { ...ddns.form.values(), restart_dyndns: 1 })));
  room.append(
    card(say("network.stands"), stands, el("p", { class: "told" }, say("network.confirm")), unmanaged),
    (await settings("set_network.cgi")).element,
    wifi.element,
    (await settings("set_pppoe.cgi")).element,
    ddns.element,
    (await settings("set_upnp.cgi")).element,
  );
  const look = async () => {
    const now = await list("get_status.cgi");
    const line = (/** @type {string} */ key, /** @type {unknown} */ code) => el("li", {}, `${say(key)}: ${say(`${key}.${code}`)}`);
    stands.replaceChildren(line("wifi", now.wifi_status), line("ddns", now.ddns_status), line("upnp", now.upnp_status));
  };
  await look();
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK);
  return () => clearInterval(timer);
}

/** A lock that the camera does not know. */
const UNKNOWN = 6;

/** @param {SettingsForm} form */
function scan(form) {
  const found = el("ul", { class: "scan" });
  const network = (/** @type {string} */ name, /** @type {number} */ lock) => {
    const words = ` ${say(`wifi.lock.${lock}`)}`;
    return el("li", {}, button(name || say("wifi.hidden"), () => take(form, name, lock), { disabled: lock === UNKNOWN }), words);
  };
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, SCAN));
    const { ap_ssid: names, ap_security: locks } = await list("get_wifi_scan_result.cgi");
    const all = /** @type {string[]} */ (names ?? []);
    found.replaceChildren(...all.map((name, at) => network(String(name), Number(/** @type {number[]} */ (locks)[at]))));
  };
  const search = deed(say("wifi.scan"), async () => {
    await order("wifi_scan.cgi");
    for (let looks = 0; looks < LOOKS; looks += 1) await look();
    return say("wifi.found", { count: found.childElementCount });
  });
  return el("div", {}, search, found);
}

/**
 * Takes a network that was found over into the form.
 *
 * @param {SettingsForm} form
 * @param {string} name
 * @param {number} lock
 */
function take(form, name, lock) {
  form.control("ssid")?.write(name);
  form.control("encrypt")?.write(String(lock));
  form.control("enable")?.write("1");
}
