// The network: the machine's own, the name and the port outside.

import { list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { card, deed, settings } from "../parts/card.js";
import { say } from "../words.js";

/** How often the camera is asked how it stands, ms. */
const LOOK = 3000;
/** How many looks a scan gets. */
const LOOKS = 8;
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const stands = el("ul", {});
  const wifi = await settings("set_wifi.cgi");
  wifi.element.append(scan(wifi.form));
  const parts = [
    await settings("set_network.cgi"),
    wifi,
    await settings("set_pppoe.cgi"),
    await settings("set_ddns.cgi", { hidden: (field) => field.wire === "restart_dyndns" }),
    await settings("set_upnp.cgi"),
  ];
  parts[3].element.append(deed(say("ddns.again"), () => order("set_ddns.cgi", { ...parts[3].form.values(), restart_dyndns: 1 })));
  room.append(card(say("network.stands"), stands, el("p", { class: "told" }, say("network.confirm"))), ...parts.map(({ element }) => element));
  const look = async () => {
    const now = await context.status();
    const line = (/** @type {string} */ key, /** @type {unknown} */ code) => el("li", {}, `${say(key)}: ${say(`${key}.${code}`)}`);
    stands.replaceChildren(line("wifi", now.wifi_status), line("ddns", now.ddns_status), line("upnp", now.upnp_status));
  };
  await look();
  const timer = setInterval(() => look().catch(() => {}), LOOK);
  return () => clearInterval(timer);
}

/** @param {import("../form.js").SettingsForm} form */
function scan(form) {
  const found = el("ul", { class: "scan" });
  const take = (/** @type {string} */ ssid, /** @type {number} */ lock) => {
    form.control("ssid")?.write(ssid);
    form.control("encrypt")?.write(String(lock));
    form.control("enable")?.write("1");
  };
  const search = deed(say("wifi.scan"), async () => {
    await order("wifi_scan.cgi");
    for (let look = 0; look < LOOKS; look += 1) {
      await pause(LOOK / 2);
      const { ap_ssid: names, ap_security: locks } = await list("get_wifi_scan_result.cgi");
      const all = /** @type {string[]} */ (names ?? []);
      found.replaceChildren(...all.map((name, at) => {
        const lock = Number(/** @type {number[]} */ (locks)[at]);
        return el("li", {}, button(name || say("wifi.hidden"), () => take(name, lock)), ` ${say(`wifi.lock.${lock}`)}`);
      }));
    }
    return say("wifi.found", { count: found.childElementCount });
  });
  return el("div", {}, search, found);
}
