// npm packages that speak with cameras of this family: `foscam` and `mjpeg-consumer`.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";

import { admin, camera, isJpeg, load, viewer } from "./camera.mjs";

const lookout = await camera("packages");
const foscam = load("foscam");
const Consumer = load("mjpeg-consumer");

/** Calls a function of foscam, whose last argument is a callback without an error: its failures are an event. */
const call = (act, ...args) => new Promise((resolve) => act(...args, resolve));
foscam.on("connection-error", (error) => {
  throw error;
});

foscam.setup({ host: "127.0.0.1", port: lookout.port, user: admin.user, pass: admin.pwd });

test("foscam reads the status", async () => {
  const status = await call(foscam.status);
  assert.match(status.id, /^[0-9A-F]{12}$/);
  assert.equal(status.alarm_status_str, "no alarm");
  assert.equal(status.upnp_status_str, "No Action");
});

test("foscam saves a snapshot, and hands it over", async () => {
  const file = `${lookout.folder}/snapshot.jpg`;
  assert.equal(await call(foscam.snapshot, file), file);
  isJpeg(readFileSync(file));
  isJpeg(Buffer.from(await call(foscam.snapshot), "binary"));
});

test("foscam sets and reads image settings by their names", async () => {
  const set = { brightness: 100, contrast: 4, mode: "60hz", flipmirror: "flip", resolution: "320x240" };
  for (const [name, value] of Object.entries(set)) assert.equal(await call(foscam.control.camera, name, value), "ok.", name);
  const shown = await call(foscam.camera_params);
  assert.deepEqual(shown, { resolution: 8, brightness: 100, contrast: 4, mode: 1, flip: 1, fps: 0 });
});

test("foscam renames the camera and sets its clock", async () => {
  assert.equal(await call(foscam.set.alias, "Gate"), "ok.");
  assert.equal((await call(foscam.status)).alias, "Gate");
  assert.equal(await call(foscam.set.datetime, { tz: -3600, ntp_enable: 0 }), "ok.");
  assert.match(await call(foscam.params), /^var tz=-3600;$/m);
});

test("foscam reads all settings, without a password in them", async () => {
  const params = await call(foscam.params);
  assert.match(params, /^var user1_name='admin';\nvar user1_pwd='\*{8}';\nvar user1_pri=2;$/m);
  assert.ok(![admin.pwd, viewer.pwd].some((pwd) => params.includes(pwd)));
});

test("foscam is told what the camera does not do", async () => {
  assert.equal(await call(foscam.control.camera, "brightness", 256), "error: illegal params.");
});

test("mjpeg-consumer finds whole pictures in the stream", async () => {
  const request = http.get(`${lookout.http}/videostream.cgi`, { auth: `${viewer.user}:${viewer.pwd}` });
  const [response] = await once(request, "response");
  assert.equal(response.headers["content-type"], "multipart/x-mixed-replace;boundary=ipcamera");
  let pictures = 0;
  for await (const picture of response.pipe(new Consumer())) {
    isJpeg(picture);
    if (++pictures === 30) break;
  }
  request.destroy();
  assert.equal(pictures, 30);
});
