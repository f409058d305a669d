// A button that stores a form, tries what it says, and tells the cause in words beside the profile's code.

import { list, patiently } from "../camera.js";
import { say } from "../words.js";
import { action } from "./card.js";

/**
 * @param {import("../form.js").SettingsForm} form
 * @param {"mail" | "ftp"} what
 */
export function trial(form, what) {
  return action(say(`test.${what}`), async () => {
    await form.store();
    const { result } = await list(`test_${what}.cgi`, {}, patiently());
    return say("test.result", { words: say(`${what}.${result}`), code: result });
  });
}
