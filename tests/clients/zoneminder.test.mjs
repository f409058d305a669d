// ZoneMinder's own control modules, out of Debian's package, turn the digital head: all of those that speak decoder_control.cgi
// with this family's numbers, in both directions (Q13, Q65). Only their database, logger and configuration are ours
// (zoneminder.pl).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { admin, camera, query, scratch, within } from "./camera.mjs";
import { eventually } from "./servers.mjs";

const login = query(admin);
const perl = `${scratch}/zoneminder/usr/share/perl5`;
const driver = fileURLToPath(new URL("zoneminder.pl", import.meta.url));

// Viewers see a part of the picture, so that there is room to move; the lamp is a LED as the kernel shows one, of files.
const cameras = {};
for (const directions of ["document", "swapped"]) {
  const lamp = `${scratch}/zoneminder-lamp-${directions}`;
  rmSync(lamp, { recursive: true, force: true });
  mkdirSync(lamp);
  writeFileSync(`${lamp}/max_brightness`, "1\n");
  writeFileSync(`${lamp}/brightness`, "0\n");
  const configuration = `[ptz]\nview = "320x240"\ndirections = "${directions}"\n[gpio]\noutput = "led:${lamp}"\n`;
  cameras[directions] = { ...(await camera(`zoneminder-${directions}`, configuration)), lamp: `${lamp}/brightness` };
}

// What the documentation of each module says goes into the fields “control address” and “control device” of a monitor.
const authority = (at) => at.http.replace("http://", "");
const inAddress = (at) => [within(at.http, admin).replace("http://", ""), ""];
const inDevice = (device) => (at) => [authority(at), device];
const modules = [
  { name: "FI8908W", speaks: "swapped", fields: inDevice(`${admin.user}:${admin.pwd}`), has: "stop diagonals home steps" },
  { name: "FI8918W", speaks: "swapped", fields: inDevice(login), has: "stop diagonals home presets", wake: 0 },
  { name: "Wanscam", speaks: "swapped", fields: inDevice(login), has: "stop diagonals home presets", tele: -1, wake: 1 },
  { name: "FoscamCGI", speaks: "document", fields: inAddress, has: "stop presets patrol", tele: 1, autostop: 0.2 },
  { name: "LoftekSentinel", speaks: "document", fields: inAddress, has: "stop presets patrol", tele: 1, autostop: 0.2 },
  { name: "MaginonIPC", speaks: "document", fields: inAddress, has: "stop diagonals presets" },
  { name: "Keekoon", speaks: "document", fields: (at) => [within(at.http, admin), ""], has: "presets", autostop: 0.2 },
];

/** Starts a module; returns what gives it a command, and fails if it logs an error. */
function start({ name, fields, autostop = 0 }, at) {
  const daemon = spawn("perl", ["-I", perl, driver, name, ...fields(at), `${autostop}`], { stdio: ["pipe", "pipe", "inherit"] });
  after(() => daemon.kill());
  const lines = createInterface({ input: daemon.stdout })[Symbol.asyncIterator]();
  const ended = once(daemon, "exit").then(([code]) => ({ done: true, code }));
  return async (command) => {
    daemon.stdin.write(`${command}\n`);
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), ended]);
      assert.ok(!done, `${name} ended at ${command}`);
      if (value === "done") return;
      assert.doesNotMatch(value, /^(error|warning)/, `${name} ${command}`);
    }
  };
}

const ask = async (at, path) => (await fetch(`${at.http}/${path}`, { headers: { connection: "close" } })).text();
const head = async (at) => JSON.parse(await ask(at, `head.json?${login}`));
const order = async (at, number) =>
  assert.equal(await ask(at, `decoder_control.cgi?command=${number}&${login}`), "ok.\n", `${number}`);

/** Waits until the head rests, and returns where. */
async function rest(at) {
  await eventually("the head rests", async () => !(await head(at)).moving);
  return head(at);
}

async function centre(at) {
  await order(at, 25);
  return rest(at);
}

/** Says how the head goes from where it rests when a module does something: -1, 0 or 1 of right, down and nearer. */
async function goes(at, act, stop) {
  const before = await rest(at);
  const share = (now) => ["pan", "tilt", "zoom"].map((axis) => now[axis] - before[axis]);
  await act();
  await eventually("the head goes", async () => share(await head(at)).some((way) => Math.abs(way) > 0.02));
  if (stop) await stop();
  const there = await rest(at);
  return share(there).map((way) => (Math.abs(way) > 0.005 ? Math.sign(way) : 0));
}

const ways = { Up: [0, -1], Down: [0, 1], Left: [-1, 0], Right: [1, 0] };
const diagonals = { UpLeft: [-1, -1], DownRight: [1, 1], UpRight: [1, -1], DownLeft: [-1, 1] };

/** Has a module turn the head every way, and back again. */
async function turns(module, does, at, right) {
  // Modules that have no diagonals go the one way and then the other, and end each by themselves.
  const stop = module.autostop ? undefined : () => does("moveStop");
  await centre(at);
  for (const [name, [across, down]] of Object.entries({ ...ways, ...diagonals })) {
    const gone = await goes(at, () => does(`moveCon${name}`), stop);
    assert.deepEqual(gone, [right ? across : 0 - across, down, 0], name);
  }
}

/** Has a module do whatever else it can. */
async function doesTheRest(module, does, at) {
  const has = (what) => module.has.split(" ").includes(what);
  const aside = () => goes(at, () => order(at, 4), () => order(at, 1));
  if (has("stop")) {
    await order(at, 0);
    await does("moveStop");
    await rest(at);
  }
  for (const [name, way] of has("steps") ? Object.entries(ways) : []) {
    assert.deepEqual(await goes(at, () => does(`moveRel${name}`)), [...way, 0], name);
  }
  if (module.tele) {
    assert.equal((await goes(at, () => does("zoomConTele"), () => order(at, 17)))[2], module.tele);
  }
  if (has("presets")) {
    await aside();
    const kept = await rest(at);
    await does("presetSet preset=3");
    await centre(at);
    await does("presetGoto preset=3");
    const { pan, tilt, zoom } = await rest(at);
    assert.deepEqual([pan, tilt, zoom], [kept.pan, kept.tilt, kept.zoom]);
  }
  if (has("home")) {
    const centred = await centre(at);
    await aside();
    await does("presetHome");
    assert.equal((await rest(at)).pan, centred.pan);
  }
  for (const [command, level] of module.wake === undefined ? [] : [["wake", module.wake], ["sleep", 1 - module.wake]]) {
    await does(command);
    await eventually("the lamp", async () => Number(readFileSync(at.lamp, "utf8")) === level);
  }
  if (has("patrol")) {
    await does("presetGoto preset=9");
    await eventually("it patrols", async () => (await head(at)).patrol === "horizontal");
    await does("presetGoto preset=10");
    await eventually("it ends", async () => (await head(at)).patrol === "none");
  }
}

describe("ZoneMinder's modules", { concurrency: 2 }, () => {
  for (const [directions, at] of Object.entries(cameras)) {
    describe(`with directions = "${directions}"`, { concurrency: 1 }, () => {
      for (const module of modules) {
        const right = module.speaks === directions;
        test(`${module.name} turns the head${right ? "" : " the other way round"}`, async () => {
          const does = start(module, at);
          await turns(module, does, at, right);
          if (right) await doesTheRest(module, does, at);
        });
      }
    });
  }
});
