// “Add to …”: what recorders, players and home automation want to be told, to be copied. A card ticks when its client has come.

import { el } from "../dom.js";
import { card } from "../parts/card.js";
import { say } from "../words.js";

/** Says what each client is given; `base` is the camera's address, with the login of a visitor to be filled in. */
const CLIENTS = /** @type {{ name: string, text: (base: string, login: string) => string }[]} */ ([
  { name: "Home Assistant", text: (base, login) => `camera:\n  - platform: mjpeg\n    mjpeg_url: ${base}/videostream.cgi?${login}\n    still_image_url: ${base}/snapshot.cgi?${login}` },
  { name: "ZoneMinder", text: (base, login) => `${base}/videostream.cgi?${login}` },
  { name: "Motion", text: (base, login) => `netcam_url ${base}/videostream.cgi?${login}` },
  { name: "Frigate", text: (base, login) => `go2rtc:\n  streams:\n    camera: ${base}/videostream.cgi?${login}` },
  { name: "VLC", text: (base, login) => `${base}/videostream.asf?${login}` },
  { name: "OctoPrint", text: (base, login) => `${base}/videostream.cgi?${login}` },
]);

/** @param {HTMLElement} room */
export async function show(room) {
  const [base, login] = [location.origin, `user=viewer&pwd=${say("clients.password")}`];
  room.append(el("p", {}, say("clients.how")));
  for (const { name, text } of CLIENTS) {
    const words = text(base, login);
    const told = el("span", { role: "status", class: "told" });
    const copy = el("button", { type: "button", onclick: () => copied(words).then(() => (told.textContent = say("copied"))) }, say("copy"));
    room.append(card(name, el("pre", { tabindex: 0 }, words), el("div", { class: "actions" }, copy, told)));
  }
}

/** @param {string} words */
async function copied(words) {
  // There is no clipboard for pages that came in clear.
  if (navigator.clipboard) return navigator.clipboard.writeText(words);
  const area = el("textarea", {}, words);
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
