// MQTT by a real broker, Debian's mosquitto, with accounts, rights and TLS: what Home Assistant finds there, what it may
// switch, what an alarm tells, and what becomes of the camera when the broker goes away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { admin, camera, isJpeg, query, run, scratch, viewer } from "./camera.mjs";
import { broker as startBroker, eventually, freePort, mosquittoAccount, runMqtt } from "./servers.mjs";

const folder = mkdtempSync(`${scratch}/mosquitto-`);
const home = { user: "home", pwd: "sees all" };
const cam = { user: "cam", pwd: 'pass "word" #1' };

const [clear, tls] = [await freePort(), await freePort()];
execFileSync("openssl", [
  ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(" "),
  ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`],
], { stdio: "ignore" });
writeFileSync(`${folder}/passwords`, "", { mode: 0o600 });
for (const account of [home, cam]) mosquittoAccount(`${folder}/passwords`, account);
// The camera may do what it must and no more; what it tries beyond that is in the broker's log.
writeFileSync(`${folder}/rights`, `user home\ntopic readwrite #\nuser cam\ntopic readwrite lookout/#\ntopic write homeassistant/#\n`);
writeFileSync(`${folder}/conf`, `user ${userInfo().username}
allow_anonymous false
password_file ${folder}/passwords
acl_file ${folder}/rights
log_dest file ${folder}/log
log_type all
listener ${clear} 127.0.0.1
listener ${tls} 127.0.0.1
certfile ${folder}/cert.pem
keyfile ${folder}/key.pem
`);

/** Starts the broker; the same again once it was killed. */
const broker = () => startBroker(`${folder}/conf`, clear);

const account = ["-h", "127.0.0.1", "-p", `${clear}`, "-u", home.user, "-P", home.pwd];

/** Everything that was published, in order. */
let heard = [];

/** Listens to everything; `heard` begins anew. */
function listen() {
  heard = [];
  const into = heard;
  const child = runMqtt("mosquitto_sub", ...account, "-t", "#", "-F", "%t %r %x");
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [topic, retained, hex] = line.split(" ");
    into.push({ topic, retained: retained === "1", bytes: Buffer.from(hex ?? "", "hex") });
  });
}

const last = (topic) => heard.findLast((message) => message.topic === topic)?.bytes.toString();
const is = (topic, text) => eventually(`${topic} is ${text}`, () => last(topic) === text);

async function publish(topic, text, ...more) {
  const { code, said } = await run("mosquitto_pub", ...account, "-q", "1", "-t", topic, "-m", text, ...more);
  assert.equal(code, 0, said);
}

let mosquitto = await broker();
listen();
writeFileSync(`${folder}/password`, `${cam.pwd}\n`);
const lookout = await camera("mqtt", `[mqtt]
server = "mqtts://localhost:${tls}"
ca = "${folder}/cert.pem"
user = "${cam.user}"
password_file = "${folder}/password"
`);
const get = async (path, login = admin) => (await fetch(`${lookout.http}/${path}${path.includes("?") ? "&" : "?"}${query(login)}`)).text();
const status = async (path) => (await fetch(`${lookout.http}/${path}?${query(viewer)}`)).status;
const set = async (path) => assert.equal(await get(path), "ok.\n", path);
const param = async (name) => new RegExp(`^var ${name}=(.*);$`, "m").exec(await get("get_params.cgi"))[1];
const metric = async (line) => Number((await get("metrics")).split("\n").find((one) => one.startsWith(`${line} `))?.split(" ")[1] ?? 0);
const id = /^var id='(.*)';$/m.exec(await get("get_status.cgi"))[1];
const base = `lookout/${id}`;
/** Returns the document by which the camera announces itself, once it is there. */
const announced = async () => JSON.parse(await eventually("it is announced", () => last(`homeassistant/device/lookout_${id}/config`)));

test("the camera announces itself, and every topic that it names says how the camera stands", async () => {
  await is(`${base}/status`, "online");
  const document = await announced();
  assert.deepEqual(document.device.identifiers, [`lookout_${id}`]);
  assert.equal(document.device.name, "ipcamera");
  assert.ok(document.origin.name);
  assert.equal(last(document.availability_topic), "online");
  const parts = Object.values(document.components);
  assert.deepEqual(parts.map((part) => part.platform).sort(), ["camera", ...Array(3).fill("binary_sensor"), ...Array(4).fill("switch")].sort());
  assert.equal(new Set(parts.map((part) => part.unique_id)).size, 8);
  for (const part of parts.filter((one) => one.state_topic)) await is(part.state_topic, "OFF");
  // Who comes later finds all of it, and no picture.
  listen();
  await is(`${base}/status`, "online");
  await eventually("nine topics are kept", () => heard.length >= 9);
  assert.ok(heard.every((message) => message.retained));
});

test("a switch arms the camera, and a change by somebody else is told", async () => {
  await publish(`${base}/armed/motion/set`, "ON");
  await is(`${base}/armed/motion`, "ON");
  assert.equal(await param("alarm_motion_armed"), "1");
  await set("set_alarm.cgi?motion_armed=0&sounddetect_armed=1");
  await is(`${base}/armed/motion`, "OFF");
  await is(`${base}/armed/sound`, "ON");
  await set("set_alarm.cgi?sounddetect_armed=0");
  await set("set_alias.cgi?alias=front+door");
  await eventually("its new name is announced", async () => (await announced()).device.name === "front door");
  assert.match(await get("get_log.cgi"), /set alarm by MQTT/);
});

test("what is no command to the byte changes nothing", async () => {
  const ignored = () => metric('lookout_mqtt_commands_total{result="ignored"}');
  const before = await ignored();
  const bad = ["on", "ON ", "1", "toggle", "", '{"state":"ON"}', "x".repeat(500)];
  for (const text of bad) await publish(`${base}/privacy/set`, text);
  await eventually("all are ignored", async () => (await ignored()) === before + bad.length);
  assert.equal(await param("privacy_now"), "0");
});

test("the privacy switch ends what runs, and nothing is seen until it is off", async (t) => {
  const response = await fetch(`${lookout.http}/videostream.cgi?${query(viewer)}`);
  const reader = response.body.getReader();
  assert.ok(!(await reader.read()).done);
  const begin = performance.now();
  await publish(`${base}/privacy/set`, "ON");
  // A reset is an end, too.
  for (let over = false; !over; ) over = await reader.read().then(({ done }) => done, () => true);
  t.diagnostic(`the stream ended ${Math.round(performance.now() - begin)} ms after the command was given`);
  await is(`${base}/privacy`, "ON");
  assert.deepEqual([await status("snapshot.cgi"), await status("videostream.cgi")], [403, 403]);
  assert.equal(await param("privacy_now"), "1");
  await set("set_privacy.cgi?now=0");
  await is(`${base}/privacy`, "OFF");
});

test("an alarm behind the closed gate is told without a picture", async () => {
  await set("set_privacy.cgi?now=1");
  await set("set_alarm.cgi?input_armed=1");
  await is(`${base}/armed/input`, "ON");
  await set("input.cgi?level=0");
  await set("input.cgi?level=1");
  await is(`${base}/input`, "ON");
  await set("set_privacy.cgi?now=0");
  await is(`${base}/privacy`, "OFF");
});

test("a retained command is nobody's wish of now", async () => {
  await publish(`${base}/armed/sound/set`, "ON", "-r");
  await is(`${base}/armed/sound`, "ON");
  await set("set_alarm.cgi?sounddetect_armed=0");
  await is(`${base}/armed/sound`, "OFF");
  heard.length = 0;
  await set("reboot.cgi");
  await is(`${base}/status`, "online");
  await eventually("it was ignored", async () => (await metric('lookout_mqtt_commands_total{result="ignored"}')) === 1);
  assert.equal(await param("alarm_sounddetect_armed"), "0");
  await is(`${base}/input`, "OFF");
});

test("an alarm is told, with a picture that nobody keeps, and so is its end", async () => {
  await eventually("there are pictures again", async () => (await status("snapshot.cgi")) === 200);
  assert.ok(!heard.some((message) => message.topic === `${base}/snapshot`), "none of the alarm before");
  // The demo scene moves all the time.
  await publish(`${base}/armed/motion/set`, "ON");
  await is(`${base}/motion`, "ON");
  const picture = await eventually("a picture comes", () => heard.find((message) => message.topic === `${base}/snapshot`));
  isJpeg(picture.bytes);
  assert.ok(last(`${base}/input`) === "OFF" && last(`${base}/sound`) === "OFF");
  listen();
  await is(`${base}/motion`, "ON");
  assert.ok(!heard.some((message) => message.topic === `${base}/snapshot`), "it is not retained");
  await publish(`${base}/armed/motion/set`, "OFF");
  await is(`${base}/motion`, "OFF");
});

test("a drill is told on a topic of its own, and says so", async () => {
  const told = JSON.parse(await get("drill.cgi?cause=motion"));
  assert.match(JSON.stringify(told), /told to localhost/);
  // The broker has it; whoever listens there may have it a moment later.
  assert.equal(JSON.parse(await eventually("it is told", () => last(`${base}/drill`))).drill, true);
});

test("a broker that was killed and comes back is told everything anew, and nobody waits for it", async () => {
  const ended = once(mosquitto, "exit");
  mosquitto.kill("SIGKILL");
  await ended;
  await eventually("the camera knows", async () => (await metric("lookout_mqtt_up")) === 0);
  assert.equal(await status("snapshot.cgi"), 200);
  await set("set_alarm.cgi?motion_armed=1");
  assert.match(await get("drill.cgi"), /localhost: (connection lost|cannot connect)/);
  mosquitto = await broker();
  listen();
  await is(`${base}/status`, "online");
  await is(`${base}/armed/motion`, "ON");
  await is(`${base}/privacy`, "OFF");
  assert.equal((await announced()).device.name, "front door");
  assert.match(await get("get_log.cgi"), /MQTT failed: connection lost/);
});

test("a wrong password is said in words, and costs the camera nothing", async () => {
  const secret = "not-the-password";
  const other = await camera("refused", `[mqtt]\nserver = "mqtt://127.0.0.1:${clear}"\nuser = "cam"\npassword = "${secret}"\n`);
  const ask = async (path) => (await fetch(`${other.http}/${path}?${query(admin)}`)).text();
  await eventually("the journal says so", async () => /MQTT failed: login refused/.test(await ask("get_log.cgi")));
  assert.equal((await fetch(`${other.http}/snapshot.cgi?${query(viewer)}`)).status, 200);
  const log = readFileSync(`${other.folder}/log`, "utf8");
  assert.match(log, /login refused/);
  assert.ok(!log.includes(secret) && !(await ask("get_params.cgi")).includes(secret));
});

test("nothing of others' topics was asked for", () => {
  const log = readFileSync(`${folder}/log`, "utf8");
  const asked = new Set();
  let by = "";
  for (const line of log.split("\n")) {
    by = /Received SUBSCRIBE from (.*)$/.exec(line)?.[1] ?? by;
    const [, topic] = /^\d+: \t(\S+) \(QoS/.exec(line) ?? [];
    if (topic && by === `lookout-${id}`) asked.add(topic);
  }
  const own = ["armed/input", "armed/motion", "armed/sound", "privacy"].map((one) => `${base}/${one}/set`);
  assert.deepEqual([...asked].sort(), own);
  assert.doesNotMatch(log, /Denied PUBLISH/);
});
