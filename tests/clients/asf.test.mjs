// The ASF stream as ffprobe and ffmpeg see it: what is in it, when it begins, and wherever it is cut.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { describe, test } from "node:test";

import { beginning, BLOCK, counted, decode, objects, record } from "./asf.mjs";
import { camera, query, run, viewer } from "./camera.mjs";

const lookout = await camera("asf");
const of = ({ http }) => `${http}/videostream.asf?${query(viewer)}`;

/** Asks ffprobe for the streams of an input. */
async function probe(input) {
  const { code, text, said } = await run("ffprobe", "-v", "error", "-show_streams", "-of", "json", input);
  assert.deepEqual([code, said], [0, ""]);
  return JSON.parse(text).streams;
}

const pictures = (width, height) => ({ codec_name: "mjpeg", codec_tag_string: "MJPG", width, height });
const sound = { codec_name: "adpcm_ima_wav", codec_tag: "0x0011", sample_rate: "8000", channels: 1, bits_per_sample: 4 };

/** Compares streams with what is expected of each, and of no more. */
function are(streams, ...expected) {
  const picked = streams.map((stream, at) => Object.fromEntries(Object.keys(expected[at] ?? {}).map((name) => [name, stream[name]])));
  assert.deepEqual(picked, expected);
}

test("ffprobe sees MJPEG and IMA ADPCM, in the size that is asked for", async () => {
  are(await probe(of(lookout)), pictures(640, 480), sound);
  are(await probe(`${of(lookout)}&resolution=8`), pictures(320, 240), sound);
});

test("ffmpeg decodes pictures of the size that the source has, though another was configured", async () => {
  const small = await camera("asf-other", "", {}, "demo:?size=320x240");
  const { code, pictures, warnings } = await decode(of(small), "-t", "3");
  assert.deepEqual([code, warnings], [0, ""]);
  assert.ok(pictures >= 30, `${pictures} pictures`); // every second is lost if ffmpeg takes them for halves
});

test("ffprobe sees no sound where there is no microphone", async () => {
  const mute = await camera("asf-mute", '[sound]\nmicrophone = "none"\n');
  are(await probe(of(mute)), pictures(640, 480));
});

test("the header comes at once, although the source is slow, and the first picture follows", async () => {
  const snapshot = await fetch(`${lookout.http}/snapshot.cgi?${query(viewer)}`);
  const [picture, signal] = [`${lookout.folder}/picture.jpg`, `${lookout.folder}/signal`];
  writeFileSync(picture, Buffer.from(await snapshot.arrayBuffer()));
  const program = `exec:while :; do [ ! -e ${signal} ] || cat ${picture}; sleep 0.2; done`;
  const slow = await camera("asf-slow", "[source]\nstall_s = 60\n", {}, program);
  const [response] = await once(http.get(of(slow)), "response");
  assert.equal(response.statusCode, 200);
  let bytes = Buffer.alloc(0);
  const shown = () => beginning(bytes) && objects(bytes).filter(({ stream }) => stream === 1).length;
  for await (const some of response) {
    bytes = Buffer.concat([bytes, some]);
    // It may come together with a placeholder, as the source has not started.
    if (beginning(bytes)) writeFileSync(signal, "");
    if (shown() > 0) break;
  }
  assert.ok(existsSync(signal), "the header came before the source had a picture");
  assert.ok(shown() > 0);
});

/** A number between 0 and 1, from a seed: mulberry32. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Decodes bytes with ffmpeg, which goes on after errors; returns its exit code and what it counted. */
async function decodeCut(bytes) {
  const streams = ["-map", "0:v", "-map", "0:a", "-fps_mode", "passthrough", "-f", "framecrc", "-"];
  const ffmpeg = spawn("ffmpeg", ["-v", "error", "-threads", "1", "-i", "-", ...streams]);
  let [text, said] = ["", ""];
  ffmpeg.stdout.on("data", (some) => (text += some));
  ffmpeg.stderr.on("data", (some) => (said += some));
  ffmpeg.stdin.on("error", () => {}); // it ended before it had read all
  ffmpeg.stdin.end(bytes);
  const [code] = await once(ffmpeg, "close");
  return { code, said, ...counted(text) };
}

/** Does something with each of many, some at a time. */
async function each(many, some, work) {
  const left = [...many];
  const lane = async () => {
    while (left.length > 0) await work(left.pop());
  };
  await Promise.all(Array.from({ length: some }, lane));
}

describe("a recording is cut anywhere", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
  let bytes, whole, start;
  test("it is made", async () => {
    const small = await camera("asf-small", '[source]\nsize = "160x120"\nfps = 10\n');
    bytes = readFileSync(await record(of(small), 10, `${lookout.folder}/small.asf`));
    [whole, start] = [objects(bytes), beginning(bytes)];
    assert.ok(whole.length > 200, `${whole.length} pictures and blocks`);
  });

  /** Fails unless ffmpeg decodes the pictures and blocks that are whole, and at most what there is of one more. */
  async function decodes(cut, kept, what) {
    const { code, said, pictures, samples } = await decodeCut(cut);
    assert.equal(code, 0, `${what}: ${said}`);
    const [blocks, all] = [kept.filter(({ stream }) => stream === 2).length, kept.length];
    assert.ok(pictures === all - blocks || pictures === all - blocks + 1, `${what}: ${pictures} of ${all - blocks} pictures`);
    assert.ok(samples >= blocks * BLOCK && samples <= (blocks + 1) * BLOCK, `${what}: ${samples / BLOCK} of ${blocks} blocks`);
  }

  test("at 1,000 places, and ffmpeg decodes what is before it", async (t) => {
    t.diagnostic(`SEED=${seed}`);
    const next = random(seed);
    // Before a whole picture has come, nobody knows how to show one.
    const { end } = whole.find(({ stream }) => stream === 1);
    const places = Array.from({ length: 1000 }, () => end + Math.floor(next() * (bytes.length - end)));
    await each(places, 3, (at) => decodes(bytes.subarray(0, at), whole.filter(({ end }) => end <= at), `SEED=${seed}, cut at ${at}`));
  });

  test("and what comes after a packet's end is decoded, behind the header", async (t) => {
    const next = random(seed + 1);
    const packets = Math.floor((bytes.length - start.data) / start.packet);
    const places = Array.from({ length: 40 }, () => start.data + Math.floor(next() * packets * 0.9) * start.packet);
    await each(places, 3, (at) => {
      const cut = Buffer.concat([bytes.subarray(0, start.data), bytes.subarray(at)]);
      return decodes(cut, objects(cut), `SEED=${seed}, from ${at} on`);
    });
  });
});
