// Uploads to two real FTP servers, Debian's vsftpd and ProFTPD: every way of connecting, and every code of test_ftp.cgi
// (PROFILE 4.3, Q57); pictures of alarms through an outage, a full disk, and a camera that is killed while it uploads. Only
// a server that hangs up is a double, made here: no real one does.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { userInfo } from "node:os";
import { createInterface } from "node:readline";
import { after, test } from "node:test";

import { admin, camera, isJpeg, query, run, scratch } from "./camera.mjs";
import { certify, eventually, freePort, ftpPlace, greets, serveFtp, vsftpd as vsftpdIn } from "./servers.mjs";

const folder = mkdtempSync(`${scratch}/ftp-`);
const { username, uid, gid } = userInfo();
const group = execFileSync("id", ["-gn"]).toString().trim();

/** Makes a server's folder; what it stores is in `home`. */
const place = (name) => ftpPlace(folder, name);

/** Starts vsftpd in our folder. */
const vsftpd = (...how) => vsftpdIn(folder, ...how);

/** Puts what ProFTPD may load into one folder; returns the lines that load what is built in up to Debian 12. */
function proftpdModules(to) {
  mkdirSync(to);
  for (const from of ["proftpd-core", "proftpd-mod-crypto"].map((name) => `${scratch}/${name}/usr/lib/proftpd`)) {
    for (const name of names(from)) symlinkSync(`${from}/${name}`, `${to}/${name}`);
  }
  return ["mod_xfer", "mod_ls", "mod_delay"].filter((name) => existsSync(`${to}/${name}.so`)).map((name) => `LoadModule ${name}.c`);
}

/** Starts ProFTPD as whoever runs this test, with one account. */
async function proftpd(name, more = "") {
  const at = place(name);
  const port = await freePort();
  const hash = execFileSync("openssl", ["passwd", "-6", "stores-it"]).toString().trim();
  writeFileSync(`${at}/passwd`, `cam:${hash}:${uid}:${gid}::${at}/home:/bin/sh\n`, { mode: 0o600 });
  const lines = [
    "ServerType standalone",
    "DefaultAddress 127.0.0.1",
    "SocketBindTight on",
    `Port ${port}`,
    `User ${username}`,
    `Group ${group}`,
    "RootLogin on",
    `ModulePath ${at}/modules`,
    ...proftpdModules(`${at}/modules`),
    `PidFile ${at}/pid`,
    `ScoreboardFile ${at}/score`,
    "DelayEngine off",
    "WtmpLog off",
    "AuthOrder mod_auth_file.c",
    `AuthUserFile ${at}/passwd`,
    "RequireValidShell off",
    "UseReverseDNS off",
    "UseFtpUsers off",
    `TransferLog ${at}/transfers`,
    `SystemLog ${at}/system`,
    `ExtendedLog ${at}/log ALL`,
    "AllowOverwrite on",
    more,
  ];
  writeFileSync(`${at}/conf`, `${lines.join("\n")}\n`);
  const server = serveFtp(folder, name, `${scratch}/proftpd-core/usr/sbin/proftpd`, ["-n", "-q", "-c", `${at}/conf`]);
  await eventually(`${name} greets`, () => greets(port));
  return { ...server, port, home: `${at}/home`, log: `${at}/log`, account: { user: "cam", pwd: "stores-it" } };
}

/** Starts a server that greets and hangs up. */
async function hangsUp() {
  const server = net.createServer((socket) => socket.end("220 Hello.\r\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  return { port: server.address().port, account: { user: "a", pwd: "b" } };
}

// RSA, as vsftpd offers no other cipher.
certify(folder, "rsa:2048");
const certificate = { ssl_enable: "YES", allow_anon_ssl: "YES", rsa_cert_file: `${folder}/cert.pem`, rsa_private_key_file: `${folder}/key.pem` };
const tls = [
  "LoadModule mod_tls.c",
  "TLSEngine on",
  "TLSRequired on",
  `TLSRSACertificateFile ${folder}/cert.pem`,
  `TLSRSACertificateKeyFile ${folder}/key.pem`,
  `TLSLog ${folder}/tls.log`,
].join("\n");

const lookout = await camera("ftp-camera", "", { SSL_CERT_FILE: `${folder}/ca.pem` });

const ask = async (path, at = lookout.http) => (await fetch(`${at}/${path}`)).text();
const set = async (path, at) => assert.equal(await ask(`${path}&${query(admin)}`, at), "ok.\n", path);

/** Names a server, and what else is to be as in the factory state or as said. */
async function use(server, settings = {}, at = undefined) {
  const all = { svr: "127.0.0.1", port: server.port, ...server.account, mode: 1, tls: 0, dir: "", retain: 0, ...settings };
  const { user, pwd, ...rest } = { filename: "", numberoffiles: 0, upload_interval: 0, ...all };
  const login = { user, pwd, cam_user: admin.user, cam_pwd: admin.pwd };
  assert.equal(await ask(`set_ftp.cgi?${new URLSearchParams({ ...rest, ...login })}`, at), "ok.\n");
}

/** Returns the result of test_ftp.cgi. */
async function result(server, settings) {
  await use(server, settings);
  const answer = await ask(`test_ftp.cgi?${query(admin)}`);
  return Number(/^var result=(-?\d);\n$/.exec(answer)?.[1] ?? assert.fail(answer));
}

/** Returns the names of files in a folder, in order. */
const names = (home) => (existsSync(home) ? readdirSync(home).sort() : []);

/** Fails unless all files in a folder are whole pictures; returns their names. */
function pictures(home) {
  const all = names(home);
  for (const name of all) isJpeg(readFileSync(`${home}/${name}`));
  return all;
}

const plain = await vsftpd("plain");
const strict = await proftpd("strict");

test("a test file is stored in every way of connecting, and not left there", async () => {
  const encrypted = [await vsftpd("secret", { ...certificate, force_anon_data_ssl: "YES" }), await proftpd("encrypted", tls)];
  for (const [servers, secrecy] of [[[plain, strict], 0], [encrypted, 1]]) {
    for (const server of servers) {
      for (const mode of [0, 1]) {
        const where = `${server.home}, mode ${mode}, TLS ${secrecy}`;
        assert.equal(await result(server, { mode, tls: secrecy, dir: "a b/c" }), 0, where);
        assert.deepEqual([names(server.home), names(`${server.home}/a b/c`)], [["a b"], []], where);
      }
    }
  }
});

/** Signs a certificate that nobody trusts. */
function untrusted() {
  const files = ["-keyout", `${folder}/own.key`, "-out", `${folder}/own.pem`];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, "-days", "2", "-subj", "/CN=127.0.0.1"], { stdio: "ignore" });
  return { ...certificate, rsa_cert_file: `${folder}/own.pem`, rsa_private_key_file: `${folder}/own.key` };
}

test("each code is the one of what the server refuses", async () => {
  const servers = {
    noPasv: await vsftpd("no-pasv", { pasv_enable: "NO" }),
    noPort: await vsftpd("no-port", { port_enable: "NO" }),
    noStor: await vsftpd("no-stor", { cmds_denied: "STOR" }),
    noFolder: await vsftpd("no-folder", { anon_mkdir_write_enable: "NO" }),
    crowded: await vsftpd("crowded", { max_clients: 1 }),
    untrusted: await vsftpd("untrusted", untrusted()),
    hangsUp: await hangsUp(),
  };
  const nobody = { port: await freePort(), account: strict.account };
  assert.equal(await result(nobody), -1, "nobody listens");
  assert.equal(await result(servers.hangsUp), -2, "hangs up");
  assert.equal(await result(plain, { tls: 1 }), -3, "knows no TLS");
  assert.equal(await result(servers.untrusted, { tls: 1 }), -3, "is not whom we trust");
  assert.equal(await result(plain, { user: "bob" }), -4, "asks no password of whom it does not know");
  assert.equal(await result(strict, { pwd: "wrong" }), -5, "asks for the password first");
  assert.equal(await result(servers.noFolder, { dir: "missing" }), -6, "makes no folder");
  assert.equal(await result(servers.noPasv, { mode: 1 }), -7, "no PASV");
  assert.equal(await result(servers.noPasv, { mode: 0 }), 0, "no PASV, but PORT");
  assert.equal(await result(servers.noPort, { mode: 0 }), -8, "no PORT");
  assert.equal(await result(servers.noPort, { mode: 1 }), 0, "no PORT, but PASV");
  assert.equal(await result(servers.noStor), -9, "no STOR");
  const guest = net.connect(servers.crowded.port, "127.0.0.1");
  await once(guest, "data");
  assert.equal(await result(servers.crowded), -3, "has too many guests");
  guest.destroy();
});

test("a full disk is -9 and leaves nothing behind", async (t) => {
  const apart = ["unshare", "--mount", ...(uid === 0 ? [] : ["--map-root-user"])];
  if ((await run(apart[0], ...apart.slice(1), "true")).code !== 0) return t.skip("no namespaces of our own");
  const home = `${place("full")}/home`;
  const script = `mount -t tmpfs -o size=4k tmpfs ${home} && printf %5000s | cat > ${home}/fill; exec "$@"`;
  const full = await vsftpd("full", {}, [...apart, "sh", "-c", script, "sh"]);
  assert.equal(await result(full), -9);
  const inside = execFileSync("sh", ["-c", `ls /proc/$(pgrep -P ${full.pid})/root/${home}`]).toString();
  assert.equal(inside, "fill\n");
});

test("timed pictures arrive whole and named, over one login if the connection is kept", async () => {
  await use(strict, { dir: "timed", retain: 1, upload_interval: 1 });
  const [stem] = (await ask(`get_status.cgi`)).match(/(?<=var id=')[0-9A-F]{12}/);
  const home = `${strict.home}/timed`;
  const before = readFileSync(strict.log, "utf8").split("USER cam").length;
  await eventually("three pictures are there", () => names(home).length >= 3);
  await use(strict, { dir: "timed", retain: 1 });
  const form = new RegExp(`^${stem}\\(ipcamera\\)_0_\\d{14}_\\d+\\.jpg$`);
  const all = await eventually("nothing is on its way", () => names(home).every((name) => form.test(name)) && pictures(home));
  const numbers = all.map((name) => Number(/_(\d+)\.jpg$/.exec(name)[1])).sort((one, other) => one - other);
  assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at), "numbered without a gap");
  const logins = readFileSync(strict.log, "utf8").split("USER cam").length - before;
  assert.ok(logins <= 1, `${logins} logins for ${all.length} pictures`);
});

test("a kept connection that the server has closed is made anew", async () => {
  const impatient = await vsftpd("impatient", { idle_session_timeout: 1 });
  await use(impatient, { retain: 1, upload_interval: 3 });
  await eventually("two pictures are there", () => names(impatient.home).filter((name) => name.endsWith(".jpg")).length >= 2);
  assert.doesNotMatch(await ask(`get_log.cgi?${query(admin)}`), /FTP failed/);
});

test("a fixed name is overwritten, and a ring has as many files as were asked for", async () => {
  await use(plain, { dir: "one", filename: "door", upload_interval: 1 });
  const home = (name) => `${plain.home}/${name}`;
  const stored = () => readFileSync(plain.log, "utf8").split("RNTO door").length - 1;
  await eventually("it was stored twice", () => stored() >= 2);
  await use(plain, { dir: "ring", filename: "door", numberoffiles: 2, upload_interval: 1 });
  await eventually("the ring is full", () => stored() >= 6);
  await use(plain);
  await eventually("nothing is on its way", () => !names(home("ring")).some((name) => name.endsWith(".part")));
  assert.deepEqual(pictures(home("one")), ["door.jpg"]);
  assert.deepEqual(pictures(home("ring")), ["door_0.jpg", "door_1.jpg"]);
});

/** Starts a camera that a test may kill; `again` starts it with the same state. */
async function mortal(name) {
  const at = mkdtempSync(`${scratch}/${name}-`);
  writeFileSync(`${at}/lookout.toml`, "[clock]\nntp = false\n");
  const passwords = { LOOKOUT_ADMIN_PASSWORD: admin.pwd, LOOKOUT_VIEWER_PASSWORD: admin.pwd };
  const program = process.env.LOOKOUT;
  const args = ["run", "--source", "demo:", "--json", "--listen", "127.0.0.1:0", "--config", `${at}/lookout.toml`, "--state", `${at}/state`];
  const start = async () => {
    const daemon = spawn("timeout", ["-s", "KILL", "120", program, ...args], { env: { ...process.env, ...passwords } });
    daemon.stderr.pipe(createWriteStream(`${at}/log`, { flags: "a" }));
    const ended = once(daemon, "exit");
    const [line] = await once(createInterface({ input: daemon.stdout }), "line");
    const kill = async () => {
      // The camera, not what watches over it.
      if (daemon.exitCode === null && daemon.signalCode === null) execFileSync("pkill", ["-KILL", "-P", `${daemon.pid}`]);
      await ended;
    };
    after(kill);
    return { http: `http://${JSON.parse(line).http}`, kill, waiting: () => names(`${at}/state/queue/ftp`).length };
  };
  return start;
}

/** Returns the numbers in names of pictures, in order. */
const numbered = (all) => all.map((name) => Number(/_2_\d{14}_(\d+)\.jpg$/.exec(name)?.[1])).sort((one, other) => one - other);

test("pictures of an alarm survive an outage and a camera that is killed while it uploads: each arrives once, whole", async () => {
  const start = await mortal("ftp-mortal");
  let lives = await start();
  let server = await vsftpd("fragile");
  const arrived = () => names(server.home).filter((name) => name.endsWith(".jpg"));
  await use(server, {}, lives.http);
  await set("set_alarm.cgi?input_armed=1&upload_interval=1", lives.http);
  await set("input.cgi?level=1", lives.http);
  await eventually("a picture arrives while the alarm lasts", () => arrived().length >= 1);
  await server.end();
  await eventually("pictures wait on the disk", () => lives.waiting() >= 2);
  const log = await ask(`get_log.cgi?${query(admin)}`, lives.http);
  assert.equal(log.split("FTP failed").length - 1, 1, "the outage is told once");
  await set("set_alarm.cgi?input_armed=0", lives.http);
  const before = arrived().length;
  // It takes two seconds for a picture now. New settings are a reason to try at once.
  const [{ size }] = arrived().map((name) => statSync(`${server.home}/${name}`));
  server = await vsftpd("fragile", { anon_max_rate: Math.round(size / 2), listen_port: server.port });
  await use(server, { retain: 1 }, lives.http);
  await eventually("an upload is on its way", () => names(server.home).some((name) => name.endsWith(".part")));
  await lives.kill();
  assert.ok(lives.waiting() >= 1, "something waits when it is killed");
  lives = await start();
  await eventually("all of them are there", () => lives.waiting() === 0);
  const all = pictures(server.home);
  assert.ok(all.length > before, "the rest arrived, and no part is left");
  const numbers = numbered(all);
  assert.deepEqual(numbers, numbers.map((_, at) => at + 1), "each once, and none is missing");
  await lives.kill();
});
