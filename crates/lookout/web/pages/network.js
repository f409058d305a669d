// The network: the machine's own, the name and the port outside.

import { every, list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { action, card, settings } from "../parts/card.js";
import { say } from "../words.js";

/** How often the camera is asked how it stands, ms. */
const LOOK = 3000;
/** How many looks a scan gets, and how long each waits, ms. */
const [LOOKS, SCAN] = [8, 1500];

/** Settings of WEP, which is folded away. */
const WEP = /_(key|defkey|authtype)/;
/** Settings that are stored and do nothing. */
const isUnused = (/** @type {import("../form.js").Field} */ { wire }) => ["channel", "mode", "country"].includes(wire);

/** @typedef {import("../form.js").SettingsForm} SettingsForm */

/**
 * @param {HTMLElement} room
 * @param {import("../camera.js").Context} context
 */
export async function show(room, context) {
  const [stands, unmanaged] = [el("ul", {}), el("p", { hidden: true }, say("network.unmanaged"))];
  let managed = false;
  context.follow(({ network_managed: now }) => {
    managed = now === true;
    unmanaged.hidden = managed;
  });
  const cable = await settings("set_network.cgi");
  const there = el("p", { role: "status" });
  cable.form.element.addEventListener("saved", () => there.replaceChildren(...lead(cable.form, managed)));
  cable.element.append(there);
  const wifi = await settings("set_wifi.cgi", {
    hidden: isUnused,
    section: ({ name }) => (WEP.test(name) ? say("wifi.wep") : undefined),
  });
  wifi.form.element.before(scan(wifi.form));
  const ddns = await settings("set_ddns.cgi");
  ddns.element.append(action(say("again"), () => ddns.form.store({ restart_dyndns: "1" })));
  room.append(
    card(say("network.stands"), stands, el("p", { class: "told" }, say("network.confirm")), unmanaged),
    cable.element,
    wifi.element,
    (await settings("set_pppoe.cgi")).element,
    ddns.element,
    (await settings("set_upnp.cgi")).element,
  );
  const look = async () => {
    const now = await list("get_status.cgi");
    const line = (/** @type {string} */ key) =>
      el("li", {}, `${say(`form.set_${key}.cgi`)}: ${say(`${key}.${now[`${key}_status`]}`)}`);
    stands.replaceChildren(line("wifi"), line("ddns"), line("upnp"));
  };
  await look();
  return every(LOOK, look);
}

/**
 * Gives a link to where the camera is behind a change, as somebody has to come there.
 *
 * @param {SettingsForm} form
 * @param {boolean} managed Whether the address takes effect.
 */
function lead(form, managed) {
  const { ip, port } = form.values();
  const there = new URL(location.href);
  if (managed && ip !== "") there.hostname = ip;
  if (there.protocol === "http:") there.port = port;
  return there.href === location.href ? [] : [el("a", { href: there.href }, say("network.there", { there: there.origin }))];
}

/** A lock that the camera does not know. */
const UNKNOWN = 6;

/** @param {SettingsForm} form */
function scan(form) {
  const found = el("ul", { class: "scan" });
  let shown = "";
  const network = (/** @type {string} */ name, /** @type {number} */ lock) => {
    const words = ` ${say(lock === UNKNOWN ? "wifi.unknown" : `choice.wifi_encrypt.${lock}`)}`;
    return el(
      "li",
      {},
      button(name || say("wifi.hidden"), () => take(form, name, lock), { disabled: lock === UNKNOWN }),
      words,
    );
  };
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, SCAN));
    const { ap_ssid: names, ap_security: locks } = await list("get_wifi_scan_result.cgi");
    const all = /** @type {string[]} */ (names ?? []);
    // What is there stays under the finger.
    if (shown === JSON.stringify([names, locks])) return;
    shown = JSON.stringify([names, locks]);
    found.replaceChildren(...all.map((name, at) => network(String(name), Number(/** @type {number[]} */ (locks)[at]))));
  };
  const search = action(say("wifi.scan"), async () => {
    await order("wifi_scan.cgi");
    for (let looks = 0; looks < LOOKS && found.isConnected; looks += 1) await look();
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
