// Motion, as docs/manual/clients.md configures it, takes pictures of the demo scene's. It comes as Debian's program, without its
// service.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";

import { admin, camera, isJpeg, query, scratch, viewer } from "./camera.mjs";
import { eventually, wholeEnv } from "./servers.mjs";

const lookout = await camera("motion", "", {}, "demo:?size=640x480&fps=10");

/** Motion's two readers, and how each calls itself: the libraries of ffmpeg, and its own. */
for (const [scheme, agent] of [
  ["http", /^Lavf\//],
  ["mjpeg", /^Motion-netcam\//],
]) {
  test(`it writes pictures of ${scheme}://…/videostream.cgi`, async () => {
    const folder = `${lookout.folder}/${scheme}`;
    mkdirSync(folder);
    // It writes each picture, as if something moved all the time; nobody asks it anything.
    const own = "daemon off\nemulate_motion on\npicture_output on\nmovie_output off\nwebcontrol_port 0\nstream_port 0\n";
    const size = "width 640\nheight 480\nframerate 10\n";
    const address = `netcam_url ${lookout.http.replace("http", scheme)}/videostream.cgi\n`;
    const login = `netcam_userpass ${viewer.user}:${viewer.pwd}\n`;
    writeFileSync(`${folder}/motion.conf`, `${own}${size}target_dir ${folder}\n${address}${login}`);
    const motion = spawn(`${scratch}/motion/usr/bin/motion`, ["-n", "-c", `${folder}/motion.conf`], { env: wholeEnv("motion") });
    const ended = once(motion, "exit");
    after(() => motion.kill("SIGKILL"));
    for (const output of [motion.stdout, motion.stderr]) output.pipe(createWriteStream(`${folder}/log`, { flags: "a" }));

    const pictures = () => readdirSync(folder).filter((name) => name.endsWith(".jpg"));
    await eventually("it has written 30 pictures", () => motion.exitCode !== null || pictures().length >= 30);
    const { came } = await (await fetch(`${lookout.http}/now.json?${query(admin)}`)).json();
    assert.ok(
      came.some((guest) => agent.test(guest.agent) && guest.user === viewer.user),
      JSON.stringify(came),
    );
    motion.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null], readFileSync(`${folder}/log`, "utf8"));
    isJpeg(readFileSync(`${folder}/${pictures()[0]}`));
  });
}
