// Uploads: where pictures go, on alarms and by the clock.

import { list } from "../camera.js";
import { deed, isWord, settings } from "../parts/card.js";
import { say } from "../words.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { form, element } = await settings("set_ftp.cgi", { hidden: isWord });
  element.append(deed(say("test.ftp"), async () => {
    await form.store();
    const { result } = await list("test_ftp.cgi");
    return say("test.result", { words: say(`ftp.${result}`), code: result });
  }));
  room.append(element);
}
