// The camera's sound, as it comes: an <audio> hoards many seconds of such a thin stream before it begins, and stays late for
// ever.

import { Refused, ask } from "../camera.js";
import { el } from "../dom.js";
import { say } from "../words.js";

/** What `audio.wav` holds: samples of 16 bits, so many a second, behind a head of so many bytes. */
const [RATE, HEAD] = [8000, 44];
/** How long nothing may come, ms. */
const SILENCE = 6000;
/** How far ahead sound is planned, and how late it may get before some is left out, s. */
const [AHEAD, LATE] = [0.2, 1];

/**
 * A button that lets hear the sound.
 *
 * @param {(error: unknown) => void} refused Hears why there is none.
 */
export function sound(refused) {
  /** @type {AbortController | undefined} */
  let going;
  const press = el("button", { type: "button", "aria-pressed": "false" }, say("live.sound"));
  const state = (/** @type {boolean} */ on, /** @type {string} */ word) => {
    press.setAttribute("aria-pressed", String(on));
    press.dataset.state = word;
  };
  press.addEventListener("click", async () => {
    if (going) return going.abort();
    // Some browsers let sound begin only in the click itself.
    const context = new AudioContext();
    const mine = (going = new AbortController());
    state(true, "waiting");
    // Whoever goes on to another page hears no more.
    const begun = () => (press.isConnected ? state(true, "playing") : mine.abort());
    await play(context, mine.signal, begun).catch((error) => mine.signal.aborted || refused(silent(error)));
    // What fell silent is not received any longer.
    mine.abort();
    await context.close();
    going = undefined;
    state(false, "silent");
  });
  return press;
}

/**
 * A camera without a microphone is not busy.
 *
 * @param {unknown} error
 */
const silent = (error) => (error instanceof Refused && error.why === "busy" ? new Refused("silent") : error);

/**
 * Plays until it is told to end, or the camera ends it; then it fails.
 *
 * @param {AudioContext} context
 * @param {AbortSignal} signal
 * @param {() => void} begun
 */
async function play(context, signal, begun) {
  const { body } = await ask("audio.wav", {}, { signal });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
  let [rest, skip, next] = [new Uint8Array(0), HEAD, 0];
  for (;;) {
    const silence = AbortSignal.timeout(SILENCE);
    const { done, value } = await Promise.race([reader.read(), ends(silence)]);
    if (done || !value) return;
    const bytes = new Uint8Array([...rest, ...value]);
    const from = Math.min(skip, bytes.length);
    const samples = (bytes.length - from) >> 1;
    skip -= from;
    rest = bytes.slice(from + samples * 2);
    if (samples === 0) continue;
    next = plan(context, new DataView(bytes.buffer, from, samples * 2), next);
    begun();
  }
}

/** @param {AbortSignal} signal */
const ends = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Refused("away")), { once: true }));

/**
 * Plans samples behind those that were planned; says when they end.
 *
 * @param {AudioContext} context
 * @param {DataView} samples
 * @param {number} next
 */
function plan(context, samples, next) {
  const now = context.currentTime;
  // Too much waits: what comes now is left out, so that sound and picture stay together.
  if (next > now + LATE) return next;
  const buffer = context.createBuffer(1, samples.byteLength / 2, RATE);
  const channel = buffer.getChannelData(0);
  for (let at = 0; at < channel.length; at += 1) channel[at] = samples.getInt16(at * 2, true) / 32768;
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  const at = next > now ? next : now + AHEAD;
  source.start(at);
  return at + buffer.duration;
}
