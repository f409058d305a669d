// The players that people have, as docs/manual/players.md calls them, without a display and a sound card, with the demo
// scene's pictures and sound.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";

import { camera, query, run, viewer } from "./camera.mjs";

const lookout = await camera("players");
const stream = `${lookout.http}/videostream.asf?${query(viewer)}`;

/** How many seconds each of them plays. */
const SECONDS = 8;

/**
 * Plays until a player has said enough, ends it, and returns what it has said, with its exit code.
 *
 * `enough` looks at what was said; `ask` is what the player is asked every now and then on its standard input, `last` what
 * it is asked in the end, else it is terminated.
 */
async function play(program, args, { enough, ask, last, env }) {
  const player = spawn(program, args, { env: { ...process.env, ...env } });
  const late = setTimeout(() => player.kill("SIGKILL"), 50_000);
  let said = "";
  let ending = false;
  const hear = (bytes) => {
    said += bytes;
    if (ending || !enough(said)) return;
    ending = true;
    if (last) player.stdin.end(last);
    else player.kill("SIGTERM");
  };
  player.stdout.on("data", hear);
  player.stderr.on("data", hear);
  player.stdin.on("error", () => {}); // it has ended already
  const asking = ask && setInterval(() => ending || player.stdin.write(ask), 500);
  const [code, signal] = await once(player, "close");
  clearTimeout(late);
  clearInterval(asking);
  assert.ok(ending, `${program} ended early, ${signal ?? code}, or did not play for 50 s:\n${said.slice(-3000)}`);
  return { code, said };
}

/** Returns the last number that follows a name. */
function number(said, name) {
  const found = [...said.matchAll(new RegExp(`${name} *[:=] *(-?[\\d.]+)`, "g"))].at(-1);
  return found && Number(found[1]);
}

describe("players", { concurrency: true }, () => {
  test("VLC plays pictures and sound", async (t) => {
    // It refuses to run as root.
    const [program, ...nobody] = process.getuid() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "vlc"] : ["vlc"];
    const quiet = ["--ignore-config", "--no-media-library", "--no-color", "--vout", "dummy", "--aout", "adummy", "--network-caching=300"];
    const { code, said } = await play(program, [...nobody, "-I", "oldrc", "--rc-fake-tty", ...quiet, stream], {
      env: { HOME: "/nonexistent" },
      ask: "stats\n",
      enough: (said) => number(said, "frames displayed") >= SECONDS * 20 && number(said, "buffers played") >= (SECONDS * 8000) / 505,
      last: "info\nquit\n",
    });
    assert.equal(code, 0);
    assert.match(said, /Codec: Motion JPEG Video \(MJPG\)/);
    assert.match(said, /Video resolution: 640x480/);
    assert.match(said, /Codec: IMA WAV ADPCM Audio/);
    assert.match(said, /Sample rate: 8000 Hz/);
    assert.match(said, /Decoded channels: Mono/);
    const names = ["demux corrupted", "discontinuities", "frames displayed", "frames lost", "buffers played", "buffers lost"];
    const counts = Object.fromEntries(names.map((name) => [name, number(said, name)]));
    t.diagnostic(JSON.stringify(counts));
    assert.deepEqual([counts["demux corrupted"], counts.discontinuities], [0, 0]);
  });

  test("mplayer plays pictures and sound", async (t) => {
    const quiet = ["-noconfig", "all", "-nolirc", "-nojoystick", "-vo", "null", "-ao", "null"];
    // Without a cache it waits for sound before each picture of a live stream, from any server, and falls ever more behind.
    const cache = ["-cache", "4096", "-cache-min", "20"];
    const { code, text } = await run("mplayer", ...quiet, ...cache, "-identify", "-endpos", `${SECONDS}`, stream);
    assert.equal(code, 0);
    const identified = Object.fromEntries([...text.matchAll(/^ID_(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
    const { VIDEO_FORMAT, VIDEO_WIDTH, VIDEO_HEIGHT, VIDEO_CODEC } = identified;
    assert.deepEqual([VIDEO_FORMAT, VIDEO_WIDTH, VIDEO_HEIGHT, VIDEO_CODEC], ["MJPG", "640", "480", "ffmjpeg"]);
    const { AUDIO_FORMAT, AUDIO_RATE, AUDIO_NCH, AUDIO_CODEC } = identified;
    assert.deepEqual([AUDIO_FORMAT, AUDIO_RATE, AUDIO_NCH, AUDIO_CODEC], ["17", "8000", "1", "ffadpcmimawav"]);
    const states = [...text.matchAll(/A: *([\d.]+) V: *([\d.]+) A-V: *(-?[\d.]+) ct: *\S+ +(\d+)\//g)];
    const [, audio, video, apart, pictures] = states.at(-1).map(Number);
    t.diagnostic(JSON.stringify({ audio, video, apart, pictures }));
    assert.ok(audio > SECONDS - 1 && video > SECONDS - 1 && pictures > SECONDS * 15);
    assert.ok(Math.abs(apart) < 0.5, `picture and sound are ${apart} s apart`);
  });

  test("mpv plays pictures and sound", async (t) => {
    const state = "state pos=${=time-pos} apart=${=avsync} dropped=${frame-drop-count} undecoded=${decoder-frame-drop-count}";
    const quiet = ["--no-config", "--no-ytdl", "--vo=null", "--ao=null", `--term-status-msg=${state}`];
    const { code, text, said } = await run("mpv", ...quiet, "--profile=low-latency", `--length=${SECONDS}`, stream);
    assert.equal(code, 0, text + said);
    assert.match(text + said, /Video .*\(mjpeg 640x480/);
    assert.match(text + said, /Audio .*\(adpcm_ima_wav 1ch 8000 ?Hz/);
    const states = [...(text + said).matchAll(/state pos=([\d.]+) apart=([\d.-]+) dropped=(\d+) undecoded=(\d+)/g)].map((state) => state.map(Number));
    const [, at, apart, dropped, undecoded] = states.at(-1);
    t.diagnostic(JSON.stringify({ at, apart, dropped, undecoded }));
    assert.ok(at > SECONDS - 1 && states.length > SECONDS, `${states.length} states`);
    assert.ok(Math.abs(apart) < 0.5, `picture and sound are ${apart} s apart`);
  });

  test("ffplay plays pictures and sound", async (t) => {
    const env = { SDL_VIDEODRIVER: "dummy", SDL_AUDIODRIVER: "dummy" };
    const last = (said) => [...said.matchAll(/([\d.]+) A-V: *(-?[\d.]+) fd= *(\d+)/g)].at(-1)?.map(Number) ?? [];
    const { said } = await play("ffplay", ["-v", "info", "-stats", "-fflags", "nobuffer", stream], { env, enough: (said) => last(said)[1] >= SECONDS });
    assert.match(said, /Video: mjpeg .*640x480/);
    assert.match(said, /Audio: adpcm_ima_wav .*8000 Hz/);
    const [, at, apart, dropped] = last(said);
    t.diagnostic(JSON.stringify({ at, apart, dropped }));
    assert.ok(Math.abs(apart) < 0.5, `picture and sound are ${apart} s apart`);
  });

  test("OpenCV reads pictures", async (t) => {
    const script = `
import cv2, sys
video = cv2.VideoCapture(sys.argv[1])
pictures, shapes, times = 0, set(), []
while pictures < ${SECONDS * 30}:
    whole, picture = video.read()
    if not whole: break
    pictures += 1
    shapes.add(picture.shape)
    times.append(video.get(cv2.CAP_PROP_POS_MSEC))
rising = all(one < next for one, next in zip(times, times[1:]))
print(pictures, shapes, rising, video.getBackendName(), video.get(cv2.CAP_PROP_FPS))
`;
    const { code, text, said } = await run("/usr/bin/python3", "-c", script, stream);
    assert.equal(code, 0, said);
    t.diagnostic(text.trim() + said);
    assert.match(text, new RegExp(`^${SECONDS * 30} {\\(480, 640, 3\\)} True FFMPEG`));
  });
});
