// Sound alone, sound whose microphone comes and goes, and no sound in forbidden hours: by curl and ffmpeg.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { decode, isEven, objects, pitch, RATE, record, samples } from "./asf.mjs";
import { admin, camera, query, run, viewer } from "./camera.mjs";

const lookout = await camera("sound");
const listen = (codec) => `${lookout.http}/audio.wav?${query(viewer)}&codec=${codec}`;

/** Splits samples into pieces of 50 ms, and says of each how loud it is (root mean square) and how high. */
function pieces(heard) {
  const length = RATE / 20;
  return Array.from({ length: Math.floor(heard.length / length) }, (_, at) => {
    const piece = heard.subarray(at * length, (at + 1) * length);
    return { loud: Math.sqrt(piece.reduce((sum, sample) => sum + sample * sample, 0) / length), hz: pitch(piece) };
  });
}

describe("of several cameras at a time", { concurrency: true }, () => {
  for (const [codec, name] of [["pcm", "pcm_s16le"], ["ulaw", "pcm_mulaw"]]) {
    test(`ffmpeg decodes /audio.wav as ${name}, and each second has its tone`, async () => {
      const entries = ["-show_entries", "stream=codec_name,sample_rate,channels", "-of", "csv=p=0"];
      const { text } = await run("ffprobe", "-v", "error", ...entries, listen(codec));
      assert.equal(text.trim(), `${name},8000,1`);
      const { heard, said } = await samples(listen(codec), "-xerror", "-t", "12");
      assert.equal(said, "");
      assert.ok(Math.abs(heard.length - 12 * RATE) < RATE / 4, `${heard.length} samples`);
      const tones = pieces(heard).filter(({ loud }) => loud > 11_300);
      // Of each tone's 100 ms at least one piece is within it, and at most two.
      assert.ok(tones.length >= 11 && tones.length <= 26, `${tones.length} pieces of tones`);
      const high = tones.filter(({ hz }) => Math.abs(hz - 2000) < 100).length;
      const low = tones.filter(({ hz }) => Math.abs(hz - 1000) < 100).length;
      assert.ok(high >= 1 && high <= 4, `${high} pieces of a high tone, of one or two in 12 s`);
      assert.equal(high + low, tones.length);
    });
  }

  test("curl hears nothing without a login", async () => {
    for (const path of ["audio.wav", "videostream.asf"]) {
      const asked = ["-sS", "--max-time", "10", "-w", "%{http_code}", "-o", "/dev/null", `${lookout.http}/${path}`];
      assert.equal((await run("curl", ...asked)).text, "401");
    }
  });

  test("a microphone is lost and comes back, and viewers have silence meanwhile, not a gap", async (t) => {
    // It ends after 5 s, and the camera starts it anew.
    const microphone = "exec:ffmpeg -v error -re -f lavfi -i sine=frequency=440:sample_rate=8000:duration=5 -f s16le -";
    const lossy = await camera("sound-lossy", `[sound]\nmicrophone = "${microphone}"\n`);
    const file = await record(`${lossy.http}/videostream.asf?${query(viewer)}`, 20, `${lossy.folder}/lossy.asf`);
    const sound = objects(readFileSync(file)).filter(({ stream }) => stream === 2);
    isEven(sound);
    const { code, warnings } = await decode(file);
    assert.deepEqual([code, warnings], [0, ""]);
    const heard = pieces((await samples(file)).heard);
    const loud = heard.map(({ loud }) => loud > 500);
    const turns = (to) => loud.filter((is, at) => at > 0 && is === to && loud[at - 1] !== to).length;
    t.diagnostic(`lost ${turns(false)} times, back ${turns(true)} times, silent for ${loud.filter((is) => !is).length * 50} ms`);
    assert.ok(turns(false) >= 2 && turns(true) >= 2, "it was lost and came back, more than once");
    // Of whole pieces within the tone.
    const within = heard.filter((_, at) => loud[at - 1] && loud[at] && loud[at + 1]);
    assert.ok(within.length >= heard.length / 2, "there is sound most of the time");
    assert.ok(within.every(({ hz }) => Math.abs(hz - 440) <= 20), "the tone is the microphone's");
  });

  test("in forbidden hours nothing is heard, and what was recorded before and after plays", async () => {
    const private_ = await camera("sound-private");
    const set = async (path) => {
      assert.equal(await (await fetch(`${private_.http}/${path}&${query(admin)}`)).text(), "ok.\n");
    };
    const go = (day) => set(`set_datetime.cgi?ntp_enable=0&tz=0&now=${Date.UTC(2027, 0, day, 12) / 1000}`);
    const [sunday, monday] = [3, 4];
    const words = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].flatMap((day) =>
      [0, 1, 2].map((word) => `schedule_${day}_${word}=${day === "mon" ? -1 : 0}`),
    );
    await go(sunday);
    await set(`set_forbidden.cgi?schedule_enable=1&${words.join("&")}`);
    const roads = ["videostream.asf", "audio.wav"];
    const url = (road) => `${private_.http}/${road}?${query(viewer)}`;
    for (const turn of ["before", "after"]) {
      const files = roads.map((road) => `${private_.folder}/${turn}-${road}`);
      const recorded = roads.map((road, at) => run("curl", "-sSf", "--max-time", "30", "-o", files[at], url(road)));
      await new Promise((done) => setTimeout(done, 4000));
      await go(monday);
      // The camera ends them.
      for (const { code, said } of await Promise.all(recorded)) assert.notEqual(code, 28, said);
      for (const road of roads) assert.equal((await fetch(url(road))).status, 403, road);
      const { pictures, samples: count, code } = await decode(files[0]);
      assert.ok(code === 0 && pictures > 10 && count > RATE, `${pictures} pictures, ${count} samples`);
      isEven(objects(readFileSync(files[0])).filter(({ stream }) => stream === 2));
      assert.ok((await samples(files[1])).heard.length > RATE);
      await go(sunday);
    }
  });
});
