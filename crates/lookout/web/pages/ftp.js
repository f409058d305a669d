// Uploads: where pictures go, on alarms and by the clock.

import { isWord, settings, test } from "../parts/card.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_ftp.cgi", { hidden: (field) => isWord(field) || field.wire === "schedule_enable" });
  element.append(test(form, "ftp"));
  room.append(element);
}
