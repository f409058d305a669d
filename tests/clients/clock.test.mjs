// The camera's clock, by a real time server, on a host whose clock jumps (RULES F11): Debian's chronyd serves the right time,
// and Debian's libfaketime moves the host's clock under a camera that runs. The steady clock goes on, as the kernel's does.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import http from "node:http";
import { userInfo } from "node:os";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { admin, camera, query, run, scratch, viewer } from "./camera.mjs";

/** Returns a UDP port that was free a moment ago. */
async function freePort() {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Starts chronyd, which needs no rights for this, sets no clock, and speaks to loopback alone; returns its port. */
async function chronyd() {
  const folder = mkdtempSync(`${scratch}/chronyd-`);
  const port = await freePort();
  const lines = [`port ${port}`, "bindaddress 127.0.0.1", "allow 127.0.0.1", "local stratum 10", "cmdport 0", "bindcmdaddress /"];
  writeFileSync(`${folder}/conf`, [...lines, `pidfile ${folder}/pid`, ""].join("\n"));
  const program = [`${scratch}/chrony/usr/sbin/chronyd`, "-n", "-d", "-x", "-U", "-u", userInfo().username, "-f", `${folder}/conf`];
  // It ends by itself should this test be killed.
  const server = spawn("timeout", ["300", ...program], { stdio: "ignore" });
  const ended = once(server, "exit");
  after(async () => {
    server.kill();
    await ended;
  });
  return port;
}

const libraries = `${scratch}/libfaketime/usr/lib`; // a folder for the machine is in it
const faketime = `${libraries}/${readdirSync(libraries)[0]}/faketime/libfaketime.so.1`;
const folder = mkdtempSync(`${scratch}/faketime-`);

/** Sets the camera's host's clock: `+0`, `-3650d`, `@2038-01-19 03:14:00`, … */
function jump(to) {
  writeFileSync(`${folder}/new`, to);
  renameSync(`${folder}/new`, `${folder}/clock`);
}

jump("+0");
// In the sandbox libfaketime could not read its file.
const lookout = await camera("clock", "sandbox = false\n", {
  LD_PRELOAD: faketime,
  FAKETIME_TIMESTAMP_FILE: `${folder}/clock`,
  FAKETIME_NO_CACHE: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  NO_FAKE_STAT: "1",
  TZ: "UTC",
});

const get = async (path) => (await fetch(`${lookout.http}/${path}`)).text();
const set = async (path) => assert.equal(await get(`${path}&${query(admin)}`), "ok.\n");
const now = async () => Number(/^var now=(\d+);$/m.exec(await get("get_status.cgi"))[1]);
const right = () => Date.now() / 1000;

/** Waits until something is so. */
async function eventually(what, isSo) {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `still not so: ${what}`);
    await pause(100);
  }
}

const isRight = async () => Math.abs((await now()) - right()) < 2;

// Nobody is asked for the time before the server is named.
await set("set_datetime.cgi?ntp_svr=127.0.0.1&now=1800000000");
writeFileSync(`${lookout.folder}/lookout.toml`, `sandbox = false\n[clock]\nntp_port = ${await chronyd()}\n`);

test("chronyd sets the clock at the start", async () => {
  assert.ok(!(await isRight()));
  await set("reboot.cgi?");
  await eventually("the camera is back and its clock is right", () => isRight().catch(() => false));
});

/** The host's clock jumps ten years in both directions, to its beginning, to the ends of 31 and of 32 bits, and back. */
const jumps = ["+3650d", "-3650d", "@1970-01-02 00:00:00", "@2038-01-19 03:14:00", "@2106-02-07 06:28:00", "+0"];

/** Returns what the host's clock says after a jump, seconds since 1970; `@` stands for the moment of the camera's start. */
const host = (to) => (to.startsWith("@") ? Date.parse(`${to.slice(1)}Z`) / 1000 : right() + parseInt(to, 10) * 86_400);

/** Guesses a password from an address of its own. */
async function guess() {
  const request = http.get(`${lookout.http}/check_user.cgi?user=admin&pwd=guessed`, { localAddress: "127.0.0.66" });
  const [response] = await once(request, "response");
  response.resume();
  return response;
}

test("the clock is right again when the host's has jumped, and everything else goes on as if it had not", async (t) => {
  const stream = http.get(`${lookout.http}/videostream.cgi?${query(viewer)}`);
  const [response] = await once(stream, "response");
  let [last, widest, over] = [performance.now(), 0, false];
  response.on("data", () => {
    const at = performance.now();
    [last, widest] = [at, Math.max(widest, at - last)];
  });
  response.on("close", () => (over = true));
  for (const to of jumps) {
    await eventually("guessing is slowed down", async () => (await guess()).headers["retry-after"] > 1);
    jump(to);
    const begin = performance.now();
    const { statusCode, headers } = await guess();
    const off = Date.parse(headers.date) / 1000 - host(to);
    assert.ok(Math.abs(off) < 600, `the camera sees the jump to ${to}: ${headers.date}`);
    assert.equal(statusCode, 429, `guessing is still slowed down after the jump to ${to}`);
    assert.ok(headers["retry-after"] <= 60, `and not for ages: ${headers["retry-after"]}`);
    const { code, said } = await run("curl", "-sSkf", "-o", "/dev/null", `${lookout.https}/get_status.cgi`);
    assert.deepEqual([code, said], [0, ""], "HTTPS is served");
    await eventually(`the clock is right after the jump to ${to}`, isRight);
    t.diagnostic(`right ${Math.round(performance.now() - begin)} ms after the jump to ${to}`);
  }
  assert.ok(!over, "the stream goes on");
  stream.destroy();
  t.diagnostic(`the widest gap in the stream was ${Math.round(widest)} ms`);
  assert.ok(widest < 3000, `a gap of ${widest} ms; a second is asked, and a busy machine has more`);
});

test("forbidden hours begin and end with the clock of a camera that follows its host's jumps", async () => {
  const words = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    .flatMap((day) => [0, 1, 2].map((word) => `schedule_${day}_${word}=${day === "mon" ? -1 : 0}`))
    .join("&");
  const sunday = Date.UTC(2027, 0, 3, 12) / 1000;
  await set(`set_datetime.cgi?ntp_enable=0&tz=0&now=${sunday}`);
  await set(`set_forbidden.cgi?schedule_enable=1&${words}`);
  const status = async () => (await fetch(`${lookout.http}/snapshot.cgi?${query(viewer)}`)).status;
  for (const [to, expected] of [["+0", 200], ["+1d", 403], ["+3650d", 200], ["-6d", 403], ["+0", 200]]) {
    jump(to);
    await eventually(`a snapshot is ${expected} after the jump to ${to}`, async () => (await status()) === expected);
  }
});
