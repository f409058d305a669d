// ffprobe and ffmpeg, on which many recorders stand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { camera, query, run, setDevice, viewer, within } from "./camera.mjs";

const lookout = await camera("ffmpeg");
const sizes = [
  ["", 640, 480],
  ["&resolution=8", 320, 240],
];

for (const [resolution, width, height] of sizes) {
  const stream = () => `${lookout.http}/videostream.cgi?${query(viewer)}${resolution}`;

  test(`ffprobe sees MJPEG of ${width}x${height}`, async () => {
    const { code, text, said } = await run("ffprobe", "-v", "warning", "-show_streams", "-of", "json", stream());
    assert.deepEqual([code, said], [0, ""]);
    const { codec_name, width: w, height: h } = JSON.parse(text).streams[0];
    assert.deepEqual([codec_name, w, h], ["mjpeg", width, height]);
  });

  test(`ffmpeg decodes 60 pictures of ${width}x${height} without a warning`, async () => {
    const frames = ["-frames:v", "60", "-f", "framemd5", "-"];
    const { code, text, said } = await run("ffmpeg", "-v", "warning", "-nostdin", "-xerror", "-i", stream(), ...frames);
    assert.deepEqual([code, said], [0, ""]);
    const sums = text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split(",").at(-1));
    assert.equal(sums.length, 60);
    assert.ok(new Set(sums).size > 50, "the scene moves");
  });
}

test("ffmpeg logs in with a login in the URL", async () => {
  const url = within(`${lookout.http}/videostream.cgi`, viewer);
  const { code, said } = await run("ffmpeg", "-v", "warning", "-nostdin", "-xerror", "-i", url, "-frames:v", "5", "-f", "null", "-");
  assert.deepEqual([code, said], [0, ""]);
});

test("ffprobe reads a snapshot", async () => {
  const entries = ["-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"];
  const { text } = await run("ffprobe", "-v", "error", ...entries, `${lookout.http}/snapshot.cgi?${query(viewer)}`);
  assert.equal(text.trim(), "mjpeg,640,480");
});

test("ffmpeg decodes the pictures of another camera without a warning", async () => {
  await setDevice(lookout, await camera("ffmpeg-gate"));
  const url = `${lookout.http}/device/2/videostream.cgi?${query(viewer)}`;
  const { code, said } = await run("ffmpeg", "-v", "warning", "-nostdin", "-xerror", "-i", url, "-frames:v", "30", "-f", "null", "-");
  assert.deepEqual([code, said], [0, ""]);
});
