// The camera's sound, as it comes: an <audio> hoards many seconds of such a thin stream before it begins, and stays late for ever.

import { ask } from "../camera.js";

/** What `audio.wav` holds: samples of 16 bits, so many a second, behind a head of so many bytes. */
const [RATE, HEAD] = [8000, 44];
/** How far ahead sound is planned, and how late it may get before some is left out, s. */
const [AHEAD, LATE] = [0.2, 1];

/**
 * Plays until it is told to end, or the camera ends it; then it fails.
 *
 * @param {AbortSignal} signal
 * @param {() => void} begun
 */
export async function play(signal, begun) {
  const { body } = await ask("audio.wav", {}, { signal });
  const context = new AudioContext();
  const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
  let [rest, skip, next] = [new Uint8Array(0), HEAD, 0];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const bytes = new Uint8Array([...rest, ...value]);
      const from = Math.min(skip, bytes.length);
      const samples = (bytes.length - from) >> 1;
      skip -= from;
      rest = bytes.slice(from + samples * 2);
      if (samples === 0) continue;
      next = plan(context, new DataView(bytes.buffer, from, samples * 2), next);
      begun();
    }
  } finally {
    await context.close();
  }
}

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
