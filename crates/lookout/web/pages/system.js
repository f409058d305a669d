// The camera itself: its name, lamp and head, its journal, backup, upgrade, restart.

import { address, list, order, send } from "../camera.js";
import { el, stay } from "../dom.js";
import { action, card, danger, settings } from "../parts/card.js";
import { restarting } from "../parts/restart.js";
import { say } from "../words.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { id, sys_ver: version, app_ver: ui } = await list("get_status.cgi");
  room.append(
    card(say("system.about"), el("p", {}, say("system.is", { id, version, ui }))),
    (await settings("set_alias.cgi")).element,
    (await settings("set_misc.cgi")).element,
    (await settings("set_decoder.cgi")).element,
    await journal(),
    card(
      say("system.backup"),
      el("p", {}, say("system.backup.how")),
      el("p", {}, el("a", { href: "backup_params.cgi", download: "", class: "button" }, say("system.backup.get"))),
      restore(),
    ),
    card(
      say("system.upgrade"),
      upload("upgrade_firmware.cgi", say("system.upgrade.firmware"), restarting),
      upload("upgrade_htmls.cgi", say("system.upgrade.pages"), reload),
      action(say("system.upgrade.own"), () => reload(() => order("restore_htmls.cgi"))),
    ),
    card(
      say("system.power"),
      danger(say("system.restart"), say("system.restart.sure"), () => restarting(() => order("reboot.cgi"))),
      danger(say("system.reset"), say("system.reset.sure"), () => restarting(() => order("restore_factory.cgi"))),
    ),
  );
}

async function journal() {
  const text = el("pre", { tabindex: 0, role: "region", "aria-label": say("system.log") });
  const load = async () => {
    const { log_text: log } = await list("get_log.cgi");
    text.textContent = String(log).replace(/ {3,}/g, "  ").split("\n").filter(Boolean).reverse().join("\n");
    return "";
  };
  await load();
  return card(say("system.log"), text, action(say("system.log.again"), load));
}

/**
 * Shows the pages anew behind what changes them.
 *
 * @param {() => Promise<unknown>} act
 */
async function reload(act) {
  await act();
  location.assign(address("./"));
}

function restore() {
  const password = el("input", {
    type: "password",
    autocomplete: "off",
    placeholder: say("system.restore.password"),
    "aria-label": say("system.restore.password"),
  });
  // Of an old camera's file, what is not asked for stays as it is (Q45).
  const parts = ["users", "network"].map((name) => ({ name, box: el("input", { type: "checkbox" }) }));
  const boxes = parts.map(({ name, box }) => el("label", { class: "row" }, box, say(`system.restore.${name}`)));
  /** @returns {Record<string, string>} */
  const given = () => ({
    ...(password.value === "" ? {} : { backup_pwd: password.value }),
    ...Object.fromEntries(parts.map(({ name, box }) => [name, String(Number(box.checked))])),
  });
  return upload("restore_params.cgi", say("system.restore"), restarting, given, password, ...boxes);
}

/**
 * A file that is sent to the camera, and how far that is.
 *
 * @param {string} path
 * @param {string} words
 * @param {(act: () => Promise<unknown>) => Promise<unknown>} then What comes behind it.
 * @param {() => Record<string, string>} [given] What was answered to more questions.
 * @param {...HTMLElement} more Those questions.
 */
function upload(path, words, then, given = () => ({}), ...more) {
  const file = el("input", { type: "file", "aria-label": say("system.file", { words }) });
  const sent = el("progress", { max: 1, value: 0, hidden: true, "aria-label": say("system.sent") });
  const go = action(words, async () => {
    const chosen = file.files?.[0];
    if (!chosen) return say("system.choose");
    sent.hidden = false;
    return then(() => send(path, chosen, given(), (share) => (sent.value = share))).finally(() => (sent.hidden = true));
  });
  return el("form", { class: "upload", onsubmit: stay }, file, ...more, go, sent);
}
