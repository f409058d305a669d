// A card with the clock: what it shows, its settings, and a button that takes the browser's time.

import { every, list } from "../camera.js";
import { el } from "../dom.js";
import { browser, local, summers, zones } from "../model/clock.js";
import { language, say } from "../words.js";
import { action, settings } from "./card.js";

/** How often the clock is looked at, ms. */
const LOOK = 5000;
const FORMAT = /** @type {const} */ ({ timeZone: "UTC", dateStyle: "full", timeStyle: "medium" });

/** @param {import("../form.js").Choice} [choice] */
export async function clock(choice) {
  const offers = { tz: zones(), daylight_saving_time: summers(say("time.summer.no")) };
  const { form, element } = await settings("set_datetime.cgi", { offers, ...choice });
  const shown = el("p", {});
  const look = async () => {
    shown.textContent = say("time.now", { now: local(await list("get_params.cgi")).toLocaleString(language, FORMAT) });
  };
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  const take = action(say("time.browser", { zone }), async () => {
    await form.store({ ...browser(), now: String(Math.round(Date.now() / 1000)) });
    await look();
  });
  form.element.before(shown, take);
  await look();
  return { form, element, end: every(LOOK, look) };
}
