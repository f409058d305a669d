// Starts the camera for a test file, and finds what `./test clients` installed.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of everything that the tests make and install. */
export const scratch = resolve(process.env.CLIENTS ?? `${root}target/clients`);

/** The camera's program. */
export const program = process.env.LOOKOUT ?? `${root}target/debug/lookout`;

/** Loads an npm package. */
export const load = createRequire(`${scratch}/`);

/** The accounts of every camera that is started here. */
export const admin = { user: "admin", pwd: "manages-it" };
export const viewer = { user: "viewer", pwd: "watches-it" };

/** Says a login as query parameters. */
export const query = ({ user, pwd }) => `user=${user}&pwd=${pwd}`;

/** Puts a login before a URL's host. */
export const within = (url, { user, pwd }) => url.replace("://", `://${user}:${pwd}@`);

/** A configuration by which services of dynamic DNS are not reached, and nobody is asked for the public address. */
const nobody = ["dyndns", "dyn3322", "oray"].reduce((text, name) => `${text}${name}_url = "http://127.0.0.1:9/"\n`, "[ddns]\ncheck_urls = []\n");

/**
 * Starts a camera for the tests of a file, and ends it after them.
 *
 * Returns its addresses `http` and `https` (URLs without a slash at the end), `port`, `pid`, the certificate's `fingerprint`, and
 * `folder`, a folder of its own. `environment` is given to it beside ours; `source` is where its pictures come from.
 */
export async function camera(name, configuration = "", environment = {}, source = "demo:") {
  const folder = mkdtempSync(`${scratch}/${name}-`);
  // No test asks the Internet for the time; one of the clock names its own server.
  const clock = configuration.includes("[clock]") ? "" : "[clock]\nntp = false\n";
  // Nor who it is, nor has it told anybody.
  const ddns = configuration.includes("[ddns]") ? "" : nobody;
  writeFileSync(`${folder}/lookout.toml`, configuration + clock + ddns);
  const addresses = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];
  const files = ["--config", `${folder}/lookout.toml`, "--state", `${folder}/state`];
  const passwords = { LOOKOUT_ADMIN_PASSWORD: admin.pwd, LOOKOUT_VIEWER_PASSWORD: viewer.pwd };
  const env = { ...process.env, ...environment, ...passwords };
  const daemon = spawn(program, ["run", "--source", source, "--json", ...addresses, ...files], { env });
  daemon.stderr.pipe(createWriteStream(`${folder}/log`));
  const ended = once(daemon, "exit");
  after(async () => {
    assert.equal(daemon.exitCode, null, "the camera still runs");
    daemon.kill("SIGTERM");
    const [code] = await ended;
    assert.equal(code, 0, "the camera's exit code after SIGTERM");
  });
  const line = once(createInterface({ input: daemon.stdout }), "line");
  const early = ended.then(() => assert.fail(`the camera does not start, see ${folder}/log`));
  early.catch(() => {}); // that it ends later is looked at above
  const [said] = await Promise.race([line, early]);
  const { http, https, fingerprint } = JSON.parse(said);
  const port = Number(http.split(":").at(-1));
  return { http: `http://${http}`, https: `https://${https}`, port, fingerprint, folder, pid: daemon.pid };
}

/** Runs a program; returns its exit code and what it wrote, standard output as bytes. */
export async function run(program, ...args) {
  const options = { encoding: "buffer", maxBuffer: 64 << 20, timeout: 120_000 };
  const done = (code, { stdout, stderr }) => ({ code, out: stdout, text: stdout.toString(), said: stderr.toString() });
  try {
    return done(0, await promisify(execFile)(program, args, options));
  } catch (failure) {
    if (typeof failure.code !== "number") throw failure;
    return done(failure.code, failure);
  }
}

/** Zips files, given as their content by name, with Debian's zip; returns the zip's path. */
export async function zip(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(`${folder}/ui/${name}`), { recursive: true });
    writeFileSync(`${folder}/ui/${name}`, content);
  }
  await promisify(execFile)("zip", ["-q", "-r", "../ui.zip", "."], { cwd: `${folder}/ui` });
  return `${folder}/ui.zip`;
}

/** Fails unless the bytes are one whole JPEG. */
export function isJpeg(bytes) {
  assert.equal(bytes.subarray(0, 2).toString("hex"), "ffd8", "begins as a JPEG");
  assert.equal(bytes.subarray(-2).toString("hex"), "ffd9", "ends as a JPEG");
}

/** Reads the camera's name, for which nobody needs a login. */
export async function alias(url) {
  const status = await (await fetch(`${url}/get_status.cgi`)).text();
  return /^var alias='(.*)';$/m.exec(status)[1];
}

/** Makes another camera the second device of one, seen there by its visitor. */
export async function setDevice(lookout, other) {
  const none = { alias: "", host: "", port: 0, user: "", pwd: "" };
  const device = { alias: "Gate", host: "127.0.0.1", port: other.port, ...viewer };
  const fields = [device, none, none].flatMap((values, at) =>
    Object.entries(values).map(([name, value]) => [`dev${at + 2}_${name}`, value]),
  );
  const parameters = new URLSearchParams([...fields, ...Object.entries(admin)]);
  assert.equal(await (await fetch(`${lookout.http}/set_devices.cgi?${parameters}`)).text(), "ok.\n");
}
