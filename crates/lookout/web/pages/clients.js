// What recorders, players and home automation want to be told, to be copied. A card ticks when its client has come.

import { el } from "../dom.js";
import { card } from "../parts/card.js";
import { ago } from "../parts/guests.js";
import { say } from "../words.js";

/**
 * What each client is given, and how its programs call themselves. ZoneMinder, Motion and Frigate all let FFmpeg or curl
 * come, so that they tick together.
 *
 * @type {{ name: string, agent: RegExp, text: (base: string, login: string) => string }[]}
 */
const CLIENTS = [
  {
    name: "Home Assistant",
    agent: /HomeAssistant/i,
    text: (base) =>
      lines(
        "MJPEG IP Camera",
        `MJPEG URL: ${base}/videostream.cgi`,
        `Still image URL: ${base}/snapshot.cgi`,
        "Username: viewer",
        `Password: ${password()}`,
      ),
  },
  {
    name: "ZoneMinder",
    agent: /ZoneMinder|Lavf|libcurl|^curl/i,
    text: (base, login) => `Source Type: FFmpeg\nSource Path: ${base}/videostream.cgi?${login}`,
  },
  {
    name: "Motion",
    agent: /Motion|Lavf|libcurl/i,
    text: (base) => `netcam_url ${base}/videostream.cgi\nnetcam_userpass viewer:${password()}`,
  },
  {
    name: "Frigate",
    agent: /go2rtc|Go-http-client|Lavf/i,
    // A stream over HTTP has no times of its own, and ffmpeg would take 25 pictures a second for granted.
    text: (base, login) =>
      `go2rtc:\n  streams:\n    camera: "ffmpeg:${base}/videostream.cgi?${login}#video=h264` +
      `#input=-use_wallclock_as_timestamps 1 -i {input}"`,
  },
  { name: "VLC", agent: /VLC/i, text: (base, login) => `${base}/videostream.asf?${login}` },
  {
    name: "OctoPrint",
    agent: /OctoPrint|python-requests/i,
    text: (base, login) => `Stream URL: ${base}/videostream.cgi?${login}\nSnapshot URL: ${base}/snapshot.cgi?${login}`,
  },
];

const lines = (/** @type {string[]} */ ...all) => all.join("\n");

/** What stands where the password belongs. */
const password = () => say("clients.password");

/**
 * @param {HTMLElement} room
 * @param {import("../camera.js").Context} context
 */
export async function show(room, context) {
  const [base, login] = [location.origin, `user=viewer&pwd=${password()}`];
  room.append(el("p", {}, say("clients.how")));
  for (const { name, agent, text } of CLIENTS) {
    const words = text(base, login);
    const [told, came] = [el("span", { role: "status", class: "told" }), el("p", { class: "good" })];
    const copy = el(
      "button",
      { type: "button", onclick: () => copied(words).then(() => (told.textContent = say("copied"))) },
      say("copy"),
    );
    room.append(
      card(
        name,
        el("pre", { tabindex: 0, role: "region", "aria-label": name }, words),
        el("div", { class: "actions" }, copy, told),
        came,
      ),
    );
    context.follow(({ came: all = [] }) => {
      const guest = all.find((guest) => agent.test(guest.agent));
      came.textContent = guest
        ? `✓ ${say("clients.came", { agent: guest.agent, from: guest.from, ago: ago(guest.seconds) })}`
        : "";
    });
  }
}

/** @param {string} words */
async function copied(words) {
  // There is no clipboard for pages that came in clear.
  if (
    await navigator.clipboard
      ?.writeText(words)
      .then(() => true)
      .catch(() => false)
  )
    return;
  const area = el("textarea", {}, words);
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
