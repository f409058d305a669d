// Reads ASF recordings: what packets they have, and how well picture and sound of the demo scene agree in them.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, truncateSync } from "node:fs";

import { run, scratch } from "./camera.mjs";

/** Records a stream with curl for some seconds. */
export async function record(url, seconds, file, ...options) {
  const { code, said } = await run("curl", "-sSf", "--max-time", `${seconds}`, ...options, "-o", file, url);
  assert.equal(code, 28, `curl ends it, not the camera: ${said}`);
  return trimmed(file);
}

/**
 * Records as a viewer on a slow line does, at so many bytes a second. Its kernel has little room: behind `curl --limit-rate` it
 * takes in half a minute that was sent at full speed.
 */
export async function recordSlowly(url, seconds, file, rate) {
  const script = `
import socket, sys, time
host, port, path, seconds, file, rate = sys.argv[1:]
line = socket.socket()
line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
line.connect((host, int(port)))
line.sendall(f"GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n".encode())
begin, got, head = time.monotonic(), 0, b""
with open(file, "wb") as out:
    while time.monotonic() < begin + float(seconds):
        some = line.recv(1 << 14)
        assert some, "the camera ended it"
        got += len(some)
        time.sleep(max(0, begin + got / float(rate) - time.monotonic()))
        if head is not None:
            head += some
            if b"\\r\\n\\r\\n" not in head: continue
            status, some = head.split(b"\\r\\n\\r\\n", 1)
            assert b" 200 " in status, status
            head = None
        out.write(some)
`;
  const { hostname, port, pathname, search } = new URL(url);
  const { code, said } = await run("python3", "-c", script, hostname, port, pathname + search, `${seconds}`, file, `${rate}`);
  assert.equal(code, 0, said);
  return trimmed(file);
}

/**
 * Cuts a recording off behind its last whole packet, wherever it ended: of one that ends in a block of sound, ffmpeg takes what
 * there is for a block, and complains.
 */
function trimmed(file) {
  const bytes = readFileSync(file);
  const { packet, data } = beginning(bytes);
  truncateSync(file, bytes.length - ((bytes.length - data) % packet));
  return file;
}

/** What ffmpeg says of any sound whose file tells neither where its loudspeaker stands nor how long it is, also of its own files. */
const GUESS = /^.*(Guessed Channel Layout|Ignoring maximum wav).*\n/gm;

/** Decodes with ffmpeg, which ends at the first error; returns how many pictures and samples there were, and its warnings. */
export async function decode(input, ...options) {
  const crc = ["-map", "0", "-fps_mode", "passthrough", "-f", "framecrc", "-"];
  const { code, text, said } = await run("ffmpeg", "-v", "warning", "-nostdin", "-xerror", ...options, "-i", input, ...crc);
  return { code, ...counted(text), warnings: said.replace(GUESS, "") };
}

/** Decodes the sound of an input with ffmpeg to samples, `heard`; `said` is what it complains of. */
export async function samples(input, ...options) {
  const raw = ["-map", "0:a", "-f", "s16le", "-"];
  const { code, out, said } = await run("ffmpeg", "-v", "warning", "-nostdin", ...options, "-i", input, ...raw);
  assert.equal(code, 0, said);
  return { heard: new Int16Array(out.buffer, out.byteOffset, out.length >> 1), said: said.replace(GUESS, "") };
}

/** Counts in what ffmpeg's `framecrc` wrote; pictures are the first stream, sound the second. */
export function counted(text) {
  // Stream, two times, duration, size, sum.
  const lines = text.split("\n").filter((line) => /^\d/.test(line)).map((line) => line.split(",").map(Number));
  const pictures = lines.filter(([stream]) => stream === 0).length;
  const samples = lines.filter(([stream]) => stream === 1).reduce((sum, line) => sum + line[4] / 2, 0);
  return { pictures, samples };
}

/** Fails unless sound goes on without a gap or a stutter. */
export function isEven(sound) {
  for (const [at, { number, presentation }] of sound.entries()) {
    assert.equal(number, (sound[0].number + at) % 256, `block ${at}`);
    const even = sound[0].presentation + (at * BLOCK * 1000) / RATE;
    assert.ok(Math.abs(presentation - even) <= 1, `block ${at} is presented at ${presentation} ms instead of ${even} ms`);
  }
}

/** Samples a second, and samples in a block of IMA ADPCM. */
export const RATE = 8000;
export const BLOCK = 505;

const HEADER = "3026b2758e66cf11a6d900aa0062ce6c";
const FILE_PROPERTIES = "a1dcab8c47a9cf118ee400c00c205365";
const DATA = "3626b2758e66cf11a6d900aa0062ce6c";

/**
 * Reads a recording's beginning: its preroll in ms, the size of its data packets, and where the first of them is; `undefined`
 * while it is not there as a whole.
 */
export function beginning(bytes) {
  if (bytes.length < 30) return undefined;
  assert.equal(bytes.toString("hex", 0, 16), HEADER, "begins as ASF");
  const data = Number(bytes.readBigUInt64LE(16)) + 50;
  if (bytes.length < data) return undefined;
  assert.equal(bytes.toString("hex", data - 50, data - 34), DATA);
  const file = bytes.indexOf(Buffer.from(FILE_PROPERTIES, "hex"));
  const sizes = [bytes.readUInt32LE(file + 92), bytes.readUInt32LE(file + 96)];
  assert.equal(bytes.readUInt32LE(file + 88) & 1, 1, "a broadcast");
  assert.equal(sizes[0], sizes[1], "packets of one size");
  return { preroll: Number(bytes.readBigUInt64LE(file + 80)), packet: sizes[0], data };
}

/**
 * Reads the media objects of a recording, of one payload a packet, up to where it is cut off.
 *
 * Each has its stream (1 pictures, 2 sound), its number in it, the presentation time in ms without preroll, the times of
 * sending of its packets, and where it ends in the file; those that are not whole are left out.
 */
export function objects(bytes) {
  const { preroll, packet, data } = beginning(bytes);
  const whole = [];
  const open = new Map();
  let sent = 0;
  for (let at = data; at + packet <= bytes.length; at += packet) {
    assert.equal(bytes[at], 0x82, `error correction data at ${at}`);
    const [lengths, properties] = [bytes[at + 3], bytes[at + 4]];
    assert.deepEqual([lengths & 0x67, properties], [0, 0x5d], `the layout of the packet at ${at}`);
    let next = at + 5;
    const padding = { 0x00: 0, 0x08: bytes[next], 0x10: bytes.readUInt16LE(next) }[lengths & 0x18];
    next += (lengths & 0x18) >> 3;
    const sending = bytes.readUInt32LE(next);
    assert.ok(sending >= sent, `times of sending never run back: ${sending} after ${sent}`);
    sent = sending;
    next += 6;
    const [stream, number, offset] = [bytes[next] & 0x7f, bytes[next + 1], bytes.readUInt32LE(next + 2)];
    assert.equal(bytes[next + 6], 8, "replicated data");
    const [size, presentation] = [bytes.readUInt32LE(next + 7), bytes.readUInt32LE(next + 11) - preroll];
    const length = at + packet - padding - (next + 15);
    assert.ok(length > 0, "a payload");
    if (offset === 0) open.set(stream, { stream, number, presentation, size, sent: [], got: 0 });
    const object = open.get(stream);
    // The packets of an object whose beginning was cut off.
    if (!object) continue;
    assert.deepEqual([number, offset, size, presentation], [object.number, object.got, object.size, object.presentation]);
    object.got += length;
    object.sent.push(sending);
    if (object.got < size) continue;
    assert.equal(object.got, size, "an object of the size that was said");
    open.delete(stream);
    whole.push({ ...object, end: at + packet });
  }
  return whole;
}

/** Runs ffmpeg with a filter that shows what passes; returns its lines as objects: `pts_time`, `nb_samples`, … */
async function shown(filter, ...how) {
  const { code, said } = await run("ffmpeg", "-v", "info", "-nostats", "-nostdin", "-xerror", ...how);
  assert.equal(code, 0, said.slice(-2000));
  const line = new RegExp(`_${filter}_\\d+ @.* n: *\\d`);
  return said.split("\n").filter((text) => line.test(text)).map((text) => Object.fromEntries([...text.matchAll(/(\w+): *(-?[\d.]+)/g)].map(([, name, value]) => [name, +value])));
}

/**
 * Decodes a recording of the demo scene with ffmpeg and compares picture and sound.
 *
 * Each picture says in its cells at what time of the scene it was captured (`crates/core/src/media/scene/cells.rs`), and with
 * each second of the scene a tone begins, a higher one with each tenth. Returns for each tone how many ms it comes later
 * than the picture of the same moment, `lags`, beside the times in seconds of all `pictures`. `shift` makes the sound come
 * later by so many seconds.
 */
export async function lipsync(file, shift = 0) {
  const folder = mkdtempSync(`${scratch}/lipsync-`);
  const [cells, sound] = [`${folder}/cells`, `${folder}/sound`];
  const crop = "format=gray,crop=iw*14/80:iw*2/80:iw*26/80:iw/80,scale=14:2:flags=area,showinfo";
  // Each by an ffmpeg of its own: one whose filters run at the same time writes their lines into each other.
  const [frames, blocks] = await Promise.all([
    shown("showinfo", "-i", file, "-map", "0:v", "-vf", crop, "-fps_mode", "passthrough", "-f", "rawvideo", cells),
    shown("ashowinfo", "-itsoffset", `${shift}`, "-i", file, "-map", "0:a", "-af", "ashowinfo", "-f", "s16le", sound),
  ]);
  const read = readFileSync(cells);
  const pictures = frames.map(({ pts_time }, at) => ({ at: pts_time, scene: sceneTime(read, at) }));
  const samples = new Int16Array(readFileSync(sound).buffer);
  const heard = tones(samples, blocks);
  const lags = heard.map(({ at, high }) => {
    const near = pictures.reduce((best, picture) => (Math.abs(picture.at - at) < Math.abs(best.at - at) ? picture : best));
    // The time of the scene at that moment, by the picture.
    const scene = near.scene + at - near.at;
    const second = Math.round(scene);
    assert.equal(high, second % 10 === 0, `the tone at ${at} s is the one of second ${scene}`);
    return (scene - second) * 1000;
  });
  return { lags, pictures: pictures.map(({ at }) => at), tones: heard, samples: samples.length };
}

/** Reads the time of the scene, in seconds modulo 10, from the cells of a picture: two rows of 14, one a bit. */
function sceneTime(cells, picture) {
  const row = (row) => cells.subarray(picture * 28 + row * 14).subarray(0, 14);
  const [upper, lower] = [row(0), row(1)];
  const milliseconds = upper.reduce((value, level, bit) => {
    assert.ok(Math.abs(level - lower[bit]) >= 48, `picture ${picture} shows the time of the scene`);
    return value * 2 + (level > lower[bit] ? 1 : 0);
  }, 0);
  return milliseconds / 1000;
}

/** Finds the tones: when each begins, in s, and whether it is a high one. */
function tones(samples, blocks) {
  const LOUD = 1600;
  const times = blocks.flatMap(({ pts_time, nb_samples }) => Array.from({ length: nb_samples }, (_, at) => pts_time + at / RATE));
  assert.equal(times.length, samples.length);
  const found = [];
  for (let at = 0, quiet = 0; at + RATE / 10 < samples.length; at += 1, quiet += 1) {
    if (Math.abs(samples[at]) < LOUD) continue;
    // Between two tones are 0.9 s of quiet. Before one that was cut at the recording's beginning is only the silence that leads in.
    if (quiet > RATE * 0.8) found.push({ at: times[at], high: pitch(samples.subarray(at, at + RATE / 20)) > 1500 });
    quiet = 0;
  }
  return found;
}

/** Returns the pitch of samples in Hz, by how often they cross zero. */
export function pitch(samples) {
  const crossings = samples.filter((sample, at) => at > 0 && sample < 0 !== samples[at - 1] < 0).length;
  return (crossings / 2 / samples.length) * RATE;
}

/** Sums up how far sound lags behind the picture: median and worst, in ms. */
export function summary(lags) {
  const sorted = [...lags].sort((one, other) => one - other);
  const worst = lags.reduce((worst, lag) => (Math.abs(lag) > Math.abs(worst) ? lag : worst), 0);
  const ms = (lag) => Math.round(lag * 10) / 10;
  return { median: ms(sorted[sorted.length >> 1]), worst: ms(worst), marks: lags.length };
}
