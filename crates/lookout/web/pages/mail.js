// Mail: where alarms go.

import { settings, test } from "../parts/card.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_mail.cgi");
  element.append(test(form, "mail"));
  room.append(element);
}
