// Mail: where alarms go.

import { list } from "../camera.js";
import { deed, settings } from "../parts/card.js";
import { say } from "../words.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_mail.cgi");
  element.append(deed(say("test.mail"), async () => {
    await form.store();
    const { result } = await list("test_mail.cgi");
    return say("test.result", { words: say(`mail.${result}`), code: result });
  }));
  room.append(element);
}
