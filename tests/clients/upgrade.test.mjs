// Packages of new versions, with the real minisign: its keys and ours, its signatures and ours, and a whole upgrade by curl.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { admin, camera, program, run, scratch } from "./camera.mjs";
import { eventually, wholeEnv } from "./servers.mjs";

const folder = mkdtempSync(`${scratch}/upgrade-`);
const at = (name) => `${folder}/${name}`;

/** Runs a command with something typed; returns what it printed, or throws with what it said. */
const typed = (command, args, input, env) => execFileSync(command, args, { input, env, encoding: "utf8", stdio: "pipe" });
const minisign = (args, input = "") =>
  typed(`${scratch}/minisign/usr/bin/minisign`, args, input, wholeEnv("minisign"));
const lookout = (args, password) => typed(program, args, "", { ...process.env, LOOKOUT_KEY_PASSWORD: password });

/** Signs the program under test as a version. */
const sign = (version, key, password) =>
  lookout(["sign", "--key", at(key), "--program-version", version, "--output", at(version)], password);

minisign(["-G", "-p", at("theirs.pub"), "-s", at("theirs.key")], "a pass phrase\na pass phrase\n");
lookout(["keygen", "--key", at("ours.key")], "another one");
const pinned = ["theirs.pub", "ours.key.pub"].map((name) => readFileSync(at(name), "utf8").split("\n")[1]);

test("a key of minisign's signs, with its password and with no other", () => {
  assert.match(sign("9.0.0", "theirs.key", "a pass phrase"), /version 9\.0\.0 for /);
  assert.throws(() => sign("9.9.9", "theirs.key", "wrong"), /theirs\.key cannot be used/);
});

test("minisign verifies what we sign", () => {
  sign("9.0.1", "ours.key", "another one");
  const bytes = readFileSync(at("9.0.1"));
  const length = bytes.readUInt32LE(8);
  writeFileSync(at("signature"), bytes.subarray(12, 12 + length));
  writeFileSync(at("signed"), bytes.subarray(12 + length));
  const verify = () => minisign(["-V", "-m", at("signed"), "-x", at("signature"), "-p", at("ours.key.pub")]);
  assert.match(verify(), /Signature and comment signature verified[^]*lookout 9\.0\.1 /);
  writeFileSync(at("signed"), Buffer.concat([bytes.subarray(12 + length), Buffer.from("x")]));
  assert.throws(verify, /Signature verification failed/);
});

test("curl installs what either has signed, and nothing else", async () => {
  const { http, folder } = await camera("upgrade", `[upgrade]\nkeys = ${JSON.stringify(pinned)}\n`);
  const login = ["-s", "-u", `${admin.user}:${admin.pwd}`];
  const install = (file) => run("curl", ...login, "-F", `file=@${file}`, `${http}/upgrade_firmware.cgi`);
  const wanted = () => readFileSync(`${folder}/state/upgrade/installed`, "utf8").split(" ")[0];
  assert.equal((await install(program)).text, "error: bad package.");
  for (const version of ["9.0.0", "9.0.1"]) {
    assert.equal((await install(at(version))).text, "ok.\n");
    const back = () => run("curl", "-s", `${http}/healthz`).then(({ text }) => text === "ok\n" && wanted() === version);
    await eventually(`${version} runs`, back);
  }
  assert.equal((await install(at("9.0.0"))).text, "error: bad package.");
});
