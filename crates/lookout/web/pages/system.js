// The camera itself: its name, lamp and head, its journal, backup, upgrade, restart.

import { list, send } from "../camera.js";
import { el } from "../dom.js";
import { anew, card, danger, deed, settings } from "../parts/card.js";
import { say } from "../words.js";

/**
 * @param {HTMLElement} room
 * @param {import("../app.js").Context} context
 */
export async function show(room, context) {
  const { id, sys_ver: version } = await context.status();
  room.append(
    card(say("system.about"), el("p", {}, say("system.is", { id, version }))),
    (await settings("set_alias.cgi")).element,
    (await settings("set_misc.cgi")).element,
    (await settings("set_decoder.cgi")).element,
    await journal(),
    card(say("system.backup"), el("p", {}, say("system.backup.how")), el("p", {}, el("a", { href: "backup_params.cgi", download: "" }, say("system.backup.get"))),
      upload("restore_params.cgi", say("system.restore"), { backup_pwd: say("system.restore.password") })),
    card(say("system.upgrade"), upload("upgrade_firmware.cgi", say("system.upgrade.firmware")), upload("upgrade_htmls.cgi", say("system.upgrade.pages"))),
    card(say("system.power"), danger(say("system.restart"), say("system.restart.sure"), () => anew("reboot.cgi")),
      danger(say("system.reset"), say("system.reset.sure"), () => anew("restore_factory.cgi"))),
  );
}

async function journal() {
  const text = el("pre", { tabindex: 0, "aria-label": say("system.log") });
  const load = async () => {
    text.textContent = String((await list("get_log.cgi")).log_text).split("\n").filter(Boolean).reverse().join("\n");
  };
  await load();
  return card(say("system.log"), text, deed(say("again"), load));
}

/**
 * A file that is sent to the camera, which starts anew behind it.
 *
 * @param {string} path
 * @param {string} words
 * @param {Record<string, string>} [asked] What is asked beside the file, by the parameter's name.
 */
function upload(path, words, asked = {}) {
  const file = el("input", { type: "file", "aria-label": words });
  const more = Object.entries(asked).map(([name, label]) => ({ name, input: el("input", { type: "password", autocomplete: "off", placeholder: label, "aria-label": label }) }));
  const go = deed(words, () => {
    const chosen = file.files?.[0];
    if (!chosen) return Promise.resolve(say("system.choose"));
    const query = Object.fromEntries(more.filter(({ input }) => input.value !== "").map(({ name, input }) => [name, input.value]));
    return anew(path, () => send(path, chosen, query));
  });
  return el("div", { class: "row" }, file, ...more.map(({ input }) => input), go);
}
