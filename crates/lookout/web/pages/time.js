// The clock.

import { list, order } from "../camera.js";
import { el } from "../dom.js";
import { deed, settings } from "../parts/card.js";
import { language, say } from "../words.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_datetime.cgi");
  const clock = el("p", {});
  const look = async () => {
    const { now, tz } = await list("get_status.cgi");
    // `tz` counts seconds west of Greenwich (PROFILE 4.1).
    const local = new Date((Number(now) - Number(tz)) * 1000);
    clock.textContent = say("time.now", { now: local.toLocaleString(language, { timeZone: "UTC", dateStyle: "full", timeStyle: "medium" }) });
  };
  element.prepend(clock);
  element.append(
    deed(say("time.browser"), async () => {
      form.control("tz")?.write(String(new Date().getTimezoneOffset() * 60));
      await order("set_datetime.cgi", { ...form.values(), now: Math.round(Date.now() / 1000) });
      await form.load();
      await look();
    }),
  );
  room.append(element);
  await look();
  const timer = setInterval(() => look().catch(() => {}), 5000);
  return () => clearInterval(timer);
}
