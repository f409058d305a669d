// Sound in step with the picture, for a minute: the demo scene tells both the time, and ffmpeg decodes what viewers got.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { decode, isEven, lipsync, objects, RATE, record, recordSlowly, summary } from "./asf.mjs";
import { camera, query, viewer } from "./camera.mjs";

/** How far picture and sound may be apart, in ms. */
const APART = 40;

const lookout = await camera("lipsync");
const stream = (server = lookout.http) => `${server}/videostream.asf?${query(viewer)}`;
const SECONDS = 64;

const [all, half, encrypted, slow, decoded] = await Promise.all([
  record(stream(), SECONDS, `${lookout.folder}/all.asf`),
  record(`${stream()}&rate=3`, SECONDS, `${lookout.folder}/half.asf`),
  record(`${stream(lookout.https)}&resolution=8`, SECONDS, `${lookout.folder}/encrypted.asf`, "--insecure"),
  recordSlowly(stream(), SECONDS + 2, `${lookout.folder}/slow.asf`, 250_000),
  decode(stream(), "-t", "60"),
]);

/** Fails unless each tone of a minute comes when its picture does; says how far they were apart. */
function inStep(t, { lags, pictures }) {
  const { median, worst, marks } = summary(lags);
  t.diagnostic(`sound lags by ${median} ms (median), ${worst} ms (worst), ${marks} seconds, ${pictures.length} pictures`);
  assert.ok(marks >= 60, `${marks} tones`);
  assert.ok(Math.abs(worst) <= APART, `sound lags by ${worst} ms`);
}

const parts = (file) => {
  const whole = objects(readFileSync(file));
  return { pictures: whole.filter(({ stream }) => stream === 1), sound: whole.filter(({ stream }) => stream === 2) };
};

test("ffmpeg decodes a minute of the stream, and has nothing to complain of", () => {
  assert.deepEqual([decoded.code, decoded.warnings], [0, ""]);
  const { pictures, samples } = decoded;
  assert.ok(samples >= 59 * RATE && samples <= 61 * RATE, `${samples} samples`);
  assert.ok(pictures >= 59 * 15 && pictures <= 61 * 30, `${pictures} pictures`);
});

describe("picture and sound are in step over a minute", () => {
  test("for a viewer of all pictures", async (t) => inStep(t, await lipsync(all)));

  test("for a viewer of half of them", async (t) => {
    const seen = await lipsync(half);
    inStep(t, seen);
    assert.ok(seen.pictures.length <= SECONDS * 15 + 2 && seen.pictures.length > 30 * 15, `${seen.pictures.length} pictures`);
  });

  test("over HTTPS, of smaller pictures", async (t) => inStep(t, await lipsync(encrypted)));

  test("for a slow viewer, who loses pictures but no sound", async (t) => {
    const seen = await lipsync(slow);
    inStep(t, seen);
    assert.ok(seen.pictures.length < parts(all).pictures.length / 2, `it was too fast: ${seen.pictures.length} pictures`);
  });

  test("and sound that is 80 ms late or early would have been seen", async (t) => {
    for (const shift of [0.08, -0.08]) {
      const { median } = summary((await lipsync(half, shift)).lags);
      t.diagnostic(`sound lags by ${median} ms`);
      assert.ok(median * Math.sign(shift) > APART, `${median} ms`);
    }
  });
});

for (const [who, file] of Object.entries({ "all pictures": all, "half of them": half, HTTPS: encrypted, "a slow viewer": slow })) {
  test(`sound goes on without a gap: ${who}`, () => {
    const { sound } = parts(file);
    assert.ok(sound.length >= (60 * RATE) / 505, `${sound.length} blocks`);
    isEven(sound);
  });
}
