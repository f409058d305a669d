// Real servers for the tests of alarms: Debian's aiosmtpd, vsftpd and mosquitto; and what those tests wait with.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { userInfo } from "node:os";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { scratch } from "./camera.mjs";

/** Returns a TCP port that was free a moment ago. */
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until something is so, and returns it. */
export async function eventually(what, isSo) {
  const end = performance.now() + 40_000;
  for (;;) {
    const so = await isSo();
    if (so) return so;
    assert.ok(performance.now() < end, `still not so: ${what}`);
    await pause(50);
  }
}

/** Makes, in a folder, an authority and a server's certificate from it: `ca.pem`, `cert.pem` and `key.pem`. */
export function certify(folder, kind = "ec -pkeyopt ec_paramgen_curve:prime256v1") {
  const key = `-newkey ${kind} -nodes`;
  const script = `
    openssl req -x509 ${key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test 2>/dev/null &&
    openssl req ${key} -keyout key.pem -out csr.pem -subj /CN=localhost 2>/dev/null &&
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > ext &&
    openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem 2>/dev/null`;
  execFileSync("sh", ["-c", script], { cwd: folder });
}

/**
 * Starts the servers of mail_server.py, whose certificate is in a folder; returns their ports. They end by themselves should
 * this test be killed.
 */
export async function mailServers(folder, ...port) {
  const program = fileURLToPath(new URL("mail_server.py", import.meta.url));
  const server = spawn("timeout", ["120", "/usr/bin/python3", program, folder, ...port], { stdio: ["pipe", "pipe", "pipe"] });
  server.stderr.pipe(createWriteStream(`${folder}/log`));
  const ended = once(server, "exit");
  after(async () => {
    server.stdin.end();
    await ended;
  });
  const [line] = await once(createInterface(server.stdout), "line");
  return JSON.parse(line);
}

/** Returns the mails that the servers of a folder have taken. */
export function mails(folder) {
  const text = existsSync(`${folder}/mails`) ? readFileSync(`${folder}/mails`, "utf8") : "";
  return text.split("\n").filter(Boolean).map(JSON.parse);
}

/** The folders of the libraries that were unpacked beside the FTP servers. */
const libraries = readdirSync(scratch)
  .filter((name) => name.startsWith("lib"))
  .flatMap((name) => [...within(`${scratch}/${name}/usr/lib`), ...within(`${scratch}/${name}/lib`)])
  .join(":");

/** Returns what is in a folder. */
function within(parent) {
  return existsSync(parent) ? readdirSync(parent).map((name) => `${parent}/${name}`) : [];
}

/** Says whether a server greets. */
export const greets = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("data", () => resolve(true) || socket.destroy());
    socket.on("close", () => resolve(false));
    socket.on("error", () => resolve(false));
  });

/** Runs an FTP server, which ends by itself should this test be killed; returns a way to end it. */
export function serveFtp(folder, name, command, args) {
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const server = spawn("timeout", ["-k", "1", "120", command, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(`${folder}/${name}.out`);
  server.stdout.pipe(log);
  server.stderr.pipe(log);
  const ended = once(server, "exit");
  const end = async () => {
    server.kill();
    await ended;
  };
  after(end);
  return { end, pid: server.pid };
}

/** Makes an FTP server's folder; what it stores is in `home`. */
export function ftpPlace(folder, name) {
  mkdirSync(`${folder}/${name}/home`, { recursive: true });
  return `${folder}/${name}`;
}

/** Starts vsftpd as whoever runs this test, for anonymous uploads; `options` are lines of its configuration. */
export async function vsftpd(folder, name, options = {}, within = []) {
  const at = ftpPlace(folder, name);
  const port = options.listen_port ?? (await freePort());
  const lines = {
    listen: "YES",
    background: "NO",
    listen_address: "127.0.0.1",
    listen_port: port,
    run_as_launching_user: "YES",
    ftp_username: within.length ? "root" : userInfo().username,
    anonymous_enable: "YES",
    anon_root: `${at}/home`,
    write_enable: "YES",
    anon_upload_enable: "YES",
    anon_other_write_enable: "YES",
    anon_mkdir_write_enable: "YES",
    seccomp_sandbox: "NO",
    xferlog_enable: "YES",
    vsftpd_log_file: `${at}/log`,
    log_ftp_protocol: "YES",
    ...options,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(`${at}/conf`, text.join(""));
  const command = [...within, `${scratch}/vsftpd/usr/sbin/vsftpd`, `${at}/conf`];
  const server = serveFtp(folder, name, command[0], command.slice(1));
  await eventually(`${name} greets`, () => greets(port));
  return { ...server, port, home: `${at}/home`, log: `${at}/log`, account: { user: "anonymous", pwd: "me@example.org" } };
}

const mosquitto = `${scratch}/mosquitto/usr`;

/** Returns the environment of a program that was unpacked whole: the libraries that this machine lacks lie beside it. */
export const wholeEnv = (name) => {
  const folders = [`${scratch}/${name}/usr/lib`, `${scratch}/${name}/lib`].flatMap(within);
  return { ...process.env, LD_LIBRARY_PATH: folders.join(":") };
};

export const mosquittoEnv = wholeEnv("mosquitto");

/** Adds an account to a file of mosquitto's. */
export function mosquittoAccount(file, { user, pwd }) {
  execFileSync(`${mosquitto}/bin/mosquitto_passwd`, ["-b", file, user, pwd], { env: mosquittoEnv });
}

/** What runMqtt started. An `after` within a test would end them with that test. */
const children = [];
after(async () => {
  for (const child of children.filter((one) => one.exitCode === null && one.signalCode === null)) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
});

/** Runs a program of MQTT that ends with this file of tests, however that ends. */
export function runMqtt(program, ...args) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], { env: mosquittoEnv, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

/** Starts mosquitto by a configuration, and waits until it listens to a port of it. */
export async function broker(configuration, port) {
  const child = runMqtt(`${mosquitto}/sbin/mosquitto`, "-c", configuration);
  const listens = () =>
    new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("connect", () => resolve(true) || socket.destroy());
      socket.on("error", () => resolve(false));
    });
  await eventually("the broker listens", listens);
  return child;
}
