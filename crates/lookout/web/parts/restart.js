// What the camera starts anew behind.

import { ask } from "../camera.js";
import { say } from "../words.js";

/** How long it is waited for, s: for the going, and for the coming back. */
const [GOES, COMES] = [5, 120];
/** How often it is looked, ms: a restart may take no longer than some hundred. */
const LOOK = 100;

/**
 * Has the camera do it, and waits until it is back.
 *
 * @param {() => Promise<unknown>} act
 */
export async function restarting(act) {
  await act();
  // A camera may be back within a second, and then nobody sees it go.
  await until(GOES, false);
  return say((await until(COMES, true)) ? "back" : "refused.away");
}

/**
 * Waits until the camera answers, or does not.
 *
 * @param {number} patience s
 * @param {boolean} wanted
 */
async function until(patience, wanted) {
  const end = performance.now() + patience * 1000;
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    // Its health is told without a login, which a reset may have changed.
    const asked = ask("healthz", {}, { signal: AbortSignal.timeout(2000) });
    const healthy = await asked.then(() => true).catch(() => false);
    if (healthy === wanted) return true;
  }
  return false;
}
