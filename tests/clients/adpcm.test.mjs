// The noise that ADPCM adds, beside that of ffmpeg's own encoder for the same sound.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";

import { BLOCK, samples } from "./asf.mjs";
import { camera, query, run, scratch, viewer } from "./camera.mjs";

/**
 * Makes noise like speech, 8000 samples a second: four syllables a second, each a vowel of three formants, voiced or not,
 * now and then none at all.
 */
function speech(seconds) {
  const vowels = [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410]];
  const formants = [[0, 0], [0, 0], [0, 0]];
  const samples = new Int16Array(seconds * 8000);
  let random = 1;
  for (let n = 0; n < samples.length; n += 1) {
    const syllable = Math.floor(n / 2000);
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const noise = (random >>> 16) / 32768 - 1;
    let sound = syllable % 3 ? 0.3 * noise + (n % 67 ? 0 : 6) : noise;
    sound *= syllable % 7 === 6 ? 0.01 : Math.sin((Math.PI * n) / 2000) ** 2 + 0.01;
    for (const [at, formant] of formants.entries()) {
      const turn = (2 * Math.PI * vowels[(syllable * 7) % 5][at]) / 8000;
      const next = 0.1 * sound + 1.9 * Math.cos(turn) * formant[0] - 0.9025 * formant[1];
      formant.unshift(next);
      formant.pop();
      sound = at ? 0.5 * (sound + next) : next;
    }
    samples[n] = Math.max(-32768, Math.min(32767, Math.round(15000 * sound)));
  }
  return samples;
}

/** Says how much louder a sound is than what was added to it, in dB. */
function ratio(sound, heard) {
  let [energy, added] = [0, 0];
  for (const [at, sample] of sound.entries()) {
    energy += sample ** 2;
    added += (sample - heard[at]) ** 2;
  }
  return 10 * Math.log10(energy / added);
}

const spoken = `${scratch}/speech.raw`;
writeFileSync(spoken, speech(60));
const lookout = await camera("adpcm", `[sound]\nmicrophone = "exec:cat ${spoken}"\n`);

test("ffmpeg hears speech with less noise than its own encoder adds", async () => {
  const url = (path) => `${lookout.http}${path}?${query(viewer)}`;
  const both = await Promise.all([samples(url("/videostream.asf"), "-t", "10"), samples(`${url("/audio.wav")}&codec=pcm`, "-t", "12")]);
  const [heard, sound] = both.map(({ heard }) => heard);
  // The first sample of a block is sent as it is: so it is seen which blocks both have. Silence may lead the sound in.
  const blocks = Array.from({ length: 112 }, (_, n) => (n + 24) * BLOCK);
  assert.ok(heard.length > blocks.at(-1) + BLOCK, `${heard.length} samples`);
  const offsets = Array.from({ length: 200 }, (_, n) => (n - 100) * BLOCK);
  const offset = offsets.find((offset) => blocks.every((at) => heard[at] === sound[at + offset]));
  assert.notEqual(offset, undefined, "both have the same blocks");
  const cut = (samples, from) => samples.subarray(from, from + blocks.length * BLOCK);
  const [clean, ours] = [cut(sound, blocks[0] + offset), cut(heard, blocks[0])];

  const raw = `${lookout.folder}/clean.raw`;
  writeFileSync(raw, clean);
  const wav = `${lookout.folder}/theirs.wav`;
  const format = ["-f", "s16le", "-ar", "8000", "-ac", "1"];
  const encoder = ["-c:a", "adpcm_ima_wav", "-block_size", "256"];
  const { code, said } = await run("ffmpeg", "-v", "error", "-nostdin", ...format, "-i", raw, ...encoder, wav);
  assert.deepEqual([code, said], [0, ""]);
  const [by, byTheirs] = [ratio(clean, ours), ratio(clean, (await samples(wav)).heard)];
  console.log(`by the camera: ${by.toFixed(1)} dB; by ffmpeg's encoder: ${byTheirs.toFixed(1)} dB`);
  assert.ok(Math.sqrt(clean.reduce((sum, sample) => sum + sample ** 2, 0) / clean.length) > 300, "it is loud");
  assert.ok(by >= byTheirs, `${by} dB, and ${byTheirs} dB by ffmpeg's encoder`);
});
