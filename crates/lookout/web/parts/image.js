// Settings of the picture, which take effect at once.

import { list, order } from "../camera.js";
import { el } from "../dom.js";
import { CHOICES, FLIP, SLIDES } from "../model/orders.js";
import { say } from "../words.js";

/** @param {(error: unknown) => void} refused Hears why something was not done. */
export async function image(refused) {
  const now = await list("get_camera_params.cgi");
  // One behind the other, as they came.
  let sent = Promise.resolve();
  const set = (/** @type {number} */ param, /** @type {string | number} */ value) => {
    sent = sent.then(() => order("camera_control.cgi", { param, value })).catch(refused);
  };
  const slides = Object.entries(SLIDES).map(([name, [param, max]]) => {
    const slide = el("input", { type: "range", min: 0, max, value: now[name], onchange: () => set(param, slide.value) });
    return el("label", {}, say(`image.${name}`), slide);
  });
  const choices = Object.entries(CHOICES).map(([name, [param, values]]) => {
    const option = (/** @type {number} */ value) =>
      el("option", { value, selected: value === now[name] }, say(`image.${name}.${value}`));
    const select = el("select", { onchange: () => set(param, select.value) }, ...values.map(option));
    return el("label", { class: "pair" }, say(`image.${name}`), select);
  });
  const boxes = Object.entries(FLIP.bits).map(([name, bit]) => {
    const box = el("input", { type: "checkbox", checked: (Number(now.flip) & bit) !== 0, onchange: () => turn() });
    return { box, bit, label: el("label", { class: "row" }, box, say(`image.${name}`)) };
  });
  const turn = () =>
    set(
      FLIP.param,
      boxes.reduce((sum, { box, bit }) => sum + (box.checked ? bit : 0), 0),
    );
  return el(
    "details",
    { class: "card" },
    el("summary", {}, say("image")),
    ...slides,
    ...choices,
    ...boxes.map(({ label }) => label),
  );
}
