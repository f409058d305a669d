// Mails to a real mail server, Debian's aiosmtpd (PROFILE 4.2, Q60): every way of connecting and logging in, every code of
// test_mail.cgi, each by what the server really says; the mail of an alarm, read by Python's own parser; and one that waits
// for its server over a restart of the camera. Only a server that is not there is none.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { admin, camera, isJpeg, query, scratch } from "./camera.mjs";
import { certify, eventually, freePort, mailServers, mails } from "./servers.mjs";

/** Makes a folder with an authority of its own and a server's certificate from it. */
function place(name) {
  const folder = mkdtempSync(`${scratch}/mail-${name}-`);
  certify(folder);
  return folder;
}

/** Returns those that test_mail.cgi sent. */
const tests = () => mails(folder).filter(({ subject }) => subject.includes("test mail"));

const folder = place("codes");
const trust = { SSL_CERT_FILE: `${folder}/ca.pem` };
const [ports, late, lookout, alarmed, patient] = await Promise.all([
  mailServers(folder),
  freePort(),
  ...["codes", "alarms", "waits"].map((name) => camera(`mail-${name}`, "", trust)),
]);

const ask = async (path, at = lookout) => (await fetch(`${at.http}/${path}`)).text();
const set = async (path, at = lookout) => assert.equal(await ask(`${path}&${query(admin)}`, at), "ok.\n", path);

/** Names a server of aiosmtpd, and whatever else is to be different. */
async function use(settings, at = lookout) {
  const all = { svr: "127.0.0.1", port: ports.clear, tls: 0, user: "cam", pwd: "mails-it", sender: "cam@example.org", receiver1: "one@example.org" };
  const none = { receiver2: "", receiver3: "", receiver4: "" };
  const login = { cam_user: admin.user, cam_pwd: admin.pwd };
  assert.equal(await ask(`set_mail.cgi?${new URLSearchParams({ ...all, ...none, ...settings, ...login })}`, at), "ok.\n");
}

/** Returns the result of test_mail.cgi. */
async function result(settings) {
  await use(settings);
  const answer = await ask(`test_mail.cgi?${query(admin)}`);
  return Number(/^var result=(-?\d);\n$/.exec(answer)?.[1] ?? assert.fail(answer));
}

// Goes on while the others run: something moves in the demo scene, and is an alarm as soon as its background is known.
const alias = "Gäte <1>";
await set(`set_alias.cgi?alias=${encodeURIComponent(alias)}`, alarmed);
await use({ receiver2: "two@example.org", receiver3: "refused@example.org" }, alarmed);
await set("set_alarm.cgi?motion_armed=1&mail=1", alarmed);
const armed = Date.now() / 1000;
await use({ port: late }, patient);
await set("set_alarm.cgi?motion_armed=1&mail=1", patient);

test("a mail is sent in clear, in TLS and behind STARTTLS, and whoever logs in is who is set", async () => {
  for (const [settings, encrypted, login] of [
    [{}, false, "LOGIN"],
    [{ port: ports.cram }, false, "CRAM-MD5"],
    [{ port: ports.open, user: "", pwd: "" }, false, null],
    [{ port: ports.tls, tls: 1 }, true, "PLAIN"],
    [{ port: ports.upgrade, tls: 2, svr: "localhost" }, true, "PLAIN"],
  ]) {
    const before = tests().length;
    assert.equal(await result(settings), 0, JSON.stringify(settings));
    const mail = tests()[before];
    assert.deepEqual([mail.encrypted, mail.login], [encrypted, login]);
    assert.deepEqual([mail.hello, mail.sender, mail.receivers], ["[127.0.0.1]", "cam@example.org", ["one@example.org"]]);
    assert.match(mail.subject, /^[0-9A-F]{12}\(ipcamera\) test mail at \d{14}$/);
    assert.deepEqual(mail.defects, []);
    assert.equal(mail.pictures.length, 1);
    isJpeg(Buffer.from(mail.pictures[0].jpeg, "base64"));
    assert.match(mail.pictures[0].name, /^[0-9A-F]{12}\(ipcamera\)_0_\d{14}_\d+\.jpg$/);
  }
});

const codes = [
  ["nobody listens", -1, async () => ({ port: await freePort() })],
  ["the connection is lost", -2, () => ({ sender: "lost@example.org" })],
  ["the server serves nobody", -3, () => ({ port: ports.closed })],
  ["the server offers no STARTTLS", -3, () => ({ tls: 2 })],
  ["the server speaks no TLS", -3, () => ({ tls: 1 })],
  ["the user name is refused", -4, () => ({ user: "nobody" })],
  ["the password is refused", -5, () => ({ pwd: "guessed" })],
  ["the password is refused, as CRAM-MD5", -5, () => ({ port: ports.cram, pwd: "guessed" })],
  ["the sender is refused", -6, () => ({ sender: "refused@example.org" })],
  ["a receiver is refused", -7, () => ({ receiver1: "refused@example.org" })],
  ["one of two receivers is refused", -7, () => ({ receiver2: "refused@example.org" })],
  ["the mail is refused", -8, () => ({ receiver1: "spam@example.org" })],
  ["nobody may log in", -9, () => ({ port: ports.open })],
];
for (const [what, expected, settings] of codes) {
  test(`where ${what}, the result is ${expected}`, async () => assert.equal(await result(await settings()), expected));
}

test("a server that this machine does not trust, or that is another, gets neither login nor mail", async () => {
  const other = place("other");
  const strange = await mailServers(other);
  assert.equal(await result({ port: strange.tls, tls: 1 }), -3);
  assert.equal(await result({ port: strange.upgrade, tls: 2 }), -3);
  assert.deepEqual(mails(other), []);
});

test("the log says what was wrong, and no password", async () => {
  const log = readFileSync(`${lookout.folder}/log`, "utf8");
  for (const words of ["refuses the user name (AUTH LOGIN): 535 5.7.8", "refuses the receiver refused@example.org: 550 5.1.1", "is not trusted"]) {
    assert.ok(log.includes(words), `${words} in\n${log}`);
  }
  for (const secret of ["mails-it", "guessed"]) {
    for (const form of [secret, Buffer.from(secret).toString("base64")]) assert.ok(!log.includes(form), `${form} in\n${log}`);
  }
});

test("an alarm is one mail, with pictures from before its beginning and of the seconds after it", async () => {
  const alarms = () => mails(folder).filter(({ subject }) => subject.includes(" alarm at "));
  const mail = await eventually("the alarm's mail is there", () => alarms()[0]);
  assert.deepEqual([mail.sender, mail.receivers], ["cam@example.org", ["one@example.org", "two@example.org"]]);
  assert.match(mail.subject, /^[0-9A-F]{12}\(Gäte <1>\) motion alarm at \d{14}$/);
  assert.deepEqual(mail.defects, []);
  assert.ok(mail.headers.every((name) => /^(From|To|Subject|Date|Message-ID|Auto-Submitted|MIME-Version|Content-.*)$/i.test(name)), mail.headers);
  assert.match(mail.from, /<cam@example\.org>$/);
  assert.equal(mail.to, "one@example.org, two@example.org, refused@example.org");
  assert.ok(mail.date >= Math.floor(armed) && mail.date - armed < 60, `${mail.date} after ${armed}`);
  const names = mail.pictures.map(({ name }) => name);
  const parts = names.map((name) => /^[0-9A-F]{12}\(Gäte _1_\)_1_(\d{14})_(\d+)\.jpg$/.exec(name) ?? assert.fail(name));
  const times = parts.map(([, stamp]) => stamp);
  const begin = mail.subject.slice(-14);
  assert.deepEqual(times, [...times].sort(), "the oldest first");
  // Within a second names are alike; the text counts what was before.
  assert.ok(times[0] <= begin && times.at(-1) > begin, `${times} around ${begin}`);
  const counts = /Attached: (\d) pictures? from before its beginning, (\d) pictures? from then on/.exec(mail.text).slice(1).map(Number);
  assert.equal(counts[0] + counts[1], names.length);
  assert.ok(counts[0] >= 1 && counts[0] <= 5 && counts[1] >= 2 && counts[1] <= 6, `${counts}`);
  assert.equal(new Set(parts.map(([, , number]) => number)).size, names.length);
  for (const { type, jpeg } of mail.pictures) {
    assert.equal(type, "image/jpeg");
    isJpeg(Buffer.from(jpeg, "base64"));
  }
  assert.match(await ask(`get_log.cgi?${query(admin)}`, alarmed), /mail failed: receiver rejected/);
  assert.equal(alarms().length, 1);
});

test("a mail that waits for its server arrives once, over a restart of the camera", async () => {
  const there = place("late");
  const get = (path) => ask(`${path}?${query(admin)}`, patient);
  const waits = async (count) => (await get("metrics")).includes(`lookout_alarm_queued{link="mail"} ${count}\n`);
  await eventually("it was tried", async () => /mail failed: cannot connect/.test(await get("get_log.cgi")));
  assert.ok(await waits(1));
  await set("set_alarm.cgi?motion_armed=0", patient);
  await set("reboot.cgi?", patient);
  await mailServers(there, `${late}`);
  await eventually("it has arrived", () => mails(there).length > 0);
  await eventually("nothing waits", () => waits(0).catch(() => false));
  assert.equal(mails(there).length, 1);
  assert.ok(mails(there)[0].pictures.length > 0);
});

test("a drill's mail is marked, and the drill says what came of it", async () => {
  await use({}, alarmed);
  const before = mails(folder).length;
  const told = JSON.parse(await ask(`drill.cgi?${query(admin)}`, alarmed));
  assert.match(JSON.stringify(told), /sent to one@example\.org/);
  const drills = mails(folder).slice(before);
  assert.equal(drills.length, 1);
  assert.match(drills[0].subject, /^DRILL [0-9A-F]{12}\(Gäte <1>\) motion alarm at \d{14}$/);
  assert.match(drills[0].text, /^This is a drill/);
});
