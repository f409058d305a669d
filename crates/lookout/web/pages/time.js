// The clock.

import { clock } from "../parts/clock.js";

/** @param {HTMLElement} room */
export async function show(room) {
  const { element, end } = await clock();
  room.append(element);
  return end;
}
