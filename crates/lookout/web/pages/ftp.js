// Uploads: where pictures go, on alarms and by the clock.

import { isHours } from "../form.js";
import { settings } from "../parts/card.js";
import { trial } from "../parts/trial.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_ftp.cgi", { hidden: isHours });
  element.append(trial(form, "ftp"));
  room.append(element);
}
