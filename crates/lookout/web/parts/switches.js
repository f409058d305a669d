// What is switched by hand: the output, and the privacy gate.

import { list, order } from "../camera.js";
import { button, el } from "../dom.js";
import { OUTPUT } from "../model/orders.js";
import { say } from "../words.js";

/** @param {(error: unknown) => void} refused Hears why something was not done. */
export function output(refused) {
  const drive = (/** @type {"on" | "off"} */ level) =>
    button(say(`output.${level}`), () => order("decoder_control.cgi", { command: OUTPUT[level] }).catch(refused));
  return el("section", { class: "card" }, el("h2", {}, say("output")), el("div", { class: "row" }, drive("on"), drive("off")));
}

/** @param {(error: unknown) => void} refused Hears why something was not done. */
export async function privacy(refused) {
  const { privacy_now: now } = await list("get_params.cgi");
  const box = el("input", { type: "checkbox", role: "switch", checked: Number(now) === 1 });
  box.addEventListener("change", async () => {
    // Not `disabled`: the focus would be lost.
    if (box.ariaBusy === "true") return void (box.checked = !box.checked);
    box.ariaBusy = "true";
    try {
      await order("set_privacy.cgi", { now: Number(box.checked) });
    } catch (error) {
      box.checked = !box.checked;
      refused(error);
    } finally {
      box.ariaBusy = null;
    }
  });
  return el("section", { class: "card" }, el("label", { class: "row" }, box, say("privacy.now")));
}
