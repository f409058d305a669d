// Mail: where alarms go.

import { settings } from "../parts/card.js";
import { trial } from "../parts/trial.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_mail.cgi");
  element.append(trial(form, "mail"));
  room.append(element);
}
