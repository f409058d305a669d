// A card with the clock: what it shows, its settings, and a button that takes the browser's time.

import { list } from "../camera.js";
import { el } from "../dom.js";
import { browser, local, summers, zones } from "../model/clock.js";
import { language, say } from "../words.js";
import { action, settings } from "./card.js";

/** How often it is shown, ms. */
const LOOK = 1000;
const FORMAT = /** @type {const} */ ({ timeZone: "UTC", dateStyle: "full", timeStyle: "medium" });

/** @param {import("../form.js").Choice} [choice] */
export async function clock(choice) {
  const offers = { tz: zones(), daylight_saving_time: summers(say("time.summer.no")) };
  const { form, element } = await settings("set_datetime.cgi", { offers, ...choice });
  const shown = el("p", {});
  // Asked once, and counted on: the camera's clock goes as ours does.
  let [listed, since] = [await list("get_params.cgi"), performance.now()];
  const show = () => {
    const passed = Math.round((performance.now() - since) / 1000);
    const now = local({ ...listed, now: Number(listed.now) + passed });
    shown.textContent = say("time.now", { now: now.toLocaleString(language, FORMAT) });
  };
  const ask = async () => {
    [listed, since] = [await list("get_params.cgi"), performance.now()];
    show();
  };
  form.element.addEventListener("saved", ask);
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  const take = action(say("time.browser", { zone }), async () => {
    await form.store({ ...browser(), now: String(Math.round(Date.now() / 1000)) });
  });
  form.element.before(shown, take);
  show();
  const timer = setInterval(show, LOOK);
  return { form, element, end: () => clearInterval(timer) };
}
