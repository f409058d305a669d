// The whole alarm chain at once, against real servers: aiosmtpd, vsftpd and mosquitto, and a server of HTTP made here. A drill
// is seen at each of them, marked, and is no alarm; a storm of triggers is one alarm and one mail (PROFILE 4.4, RULES F19).

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { userInfo } from "node:os";
import { createInterface } from "node:readline";
import { after, describe, test } from "node:test";

import { admin, camera, isJpeg, query, scratch } from "./camera.mjs";
import { broker, certify, eventually, freePort, mailServers, mails, mosquittoAccount, runMqtt, vsftpd } from "./servers.mjs";

const folder = mkdtempSync(`${scratch}/alarm-`);
certify(folder);
const port = await freePort();
const account = { user: "cam", pwd: "tells-it" };
writeFileSync(`${folder}/passwords`, "", { mode: 0o600 });
mosquittoAccount(`${folder}/passwords`, account);
writeFileSync(`${folder}/conf`, `user ${userInfo().username}
allow_anonymous false
password_file ${folder}/passwords
log_dest file ${folder}/broker.log
listener ${port} 127.0.0.1
`);
const [{ clear }, store] = await Promise.all([mailServers(folder), vsftpd(folder, "store"), broker(`${folder}/conf`, port)]);

/** What the server of HTTP was asked. */
const calls = [];
const hook = createServer(({ method, url, headers }, answer) => {
  calls.push({ method, url, drill: headers["x-drill"] });
  answer.end();
}).listen(0, "127.0.0.1");
await once(hook, "listening");
after(() => hook.close());

/** What was published. */
const heard = [];
const listener = ["-h", "127.0.0.1", "-p", `${port}`, "-u", account.user, "-P", account.pwd];
createInterface({ input: runMqtt("mosquitto_sub", ...listener, "-t", "#", "-F", "%t %p").stdout }).on("line", (line) => heard.push(line));

const configuration = `[alarm]
call_targets = "any"
[mqtt]
server = "mqtt://127.0.0.1:${port}"
user = "${account.user}"
password = "${account.pwd}"
`;
const [all, stormy] = await Promise.all([camera("alarm-drill", configuration), camera("alarm-storm")]);
const get = async (at, path) => (await fetch(`${at.http}/${path}${path.includes("?") ? "&" : "?"}${query(admin)}`)).text();
const login = { cam_user: admin.user, cam_pwd: admin.pwd };
const set = async (at, path, parameters) =>
  assert.equal(await (await fetch(`${at.http}/${path}?${new URLSearchParams(parameters)}`)).text(), "ok.\n", path);
const status = async (at) => /^var alarm_status=(\d);$/m.exec(await get(at, "get_status.cgi"))[1];
const metric = async (at, name) => Number((await get(at, "metrics")).split("\n").find((one) => one.startsWith(`${name} `))?.split(" ").at(-1) ?? 0);

/** Has a camera mail to somebody. */
async function mailTo(at, receiver1) {
  const receivers = { receiver1, receiver2: "", receiver3: "", receiver4: "" };
  await set(at, "set_mail.cgi", { svr: "127.0.0.1", port: clear, tls: 0, user: "cam", pwd: "mails-it", sender: "cam@example.org", ...receivers, ...login });
}
const mailed = (receiver) => mails(folder).filter(({ receivers }) => receivers.includes(receiver));

describe("the whole chain", { concurrency: true }, () => {
  test("a drill is seen at every server, marked, and is no alarm", async () => {
    await mailTo(all, "drill@example.org");
    const files = { dir: "", mode: 1, tls: 0, retain: 0, upload_interval: 0, filename: "", numberoffiles: 0 };
    await set(all, "set_ftp.cgi", { svr: "127.0.0.1", port: store.port, ...store.account, ...files, ...login });
    const rules = { motion_armed: 0, input_armed: 0, sounddetect_armed: 0, mail: 1, upload_interval: 1, http: 1 };
    const url = `http://127.0.0.1:${hook.address().port}/hook?of=drill`;
    await set(all, "set_alarm.cgi", { ...rules, http_url: url, ...admin });
    await eventually("the broker has let it in", () => heard.some((line) => line.endsWith("/status online")));
    const seen = new Set();
    let over = false;
    const drilled = get(all, "drill.cgi").finally(() => {
      over = true;
    });
    while (!over) seen.add(await status(all));
    const told = JSON.parse(await drilled);
    const links = Object.fromEntries(told.links.map(({ link, result, words }) => [link, `${result}: ${words}`]));
    assert.equal(told.passed, true, JSON.stringify(told));
    const [file, ...more] = readdirSync(store.home);
    assert.deepEqual(more, []);
    assert.equal(links.mail, "done: sent to drill@example.org");
    assert.equal(links.ftp, `done: uploaded as ${file} to 127.0.0.1`);
    assert.equal(links.http, "done: answered by 127.0.0.1");
    assert.equal(links.mqtt, "done: told to 127.0.0.1");

    const [mail, ...others] = mailed("drill@example.org");
    assert.deepEqual(others, []);
    assert.match(mail.subject, /^DRILL [0-9A-F]{12}\(ipcamera\) motion alarm at \d{14}$/);
    assert.match(mail.text, /^This is a drill/);
    assert.ok(mail.pictures.length > 0);
    assert.match(file, /^drill_[0-9A-F]{12}\(ipcamera\)_1_\d{14}_\d+\.jpg$/);
    isJpeg(readFileSync(`${store.home}/${file}`));
    assert.deepEqual(calls, [{ method: "GET", url: "/hook?of=drill", drill: "1" }]);
    const message = await eventually("the broker has told of it", () => heard.filter((line) => /\/drill /.test(line))[0]);
    assert.deepEqual(JSON.parse(message.slice(message.indexOf(" "))), { drill: true, cause: "motion" });
    assert.ok(!heard.some((line) => /\/(motion|input|sound) ON$/.test(line)), "no sensor is on");
    assert.deepEqual([...seen], ["0"], "alarm_status");
    assert.equal(await status(all), "0");
  });

  test("a storm of triggers is one alarm and one mail", async () => {
    await mailTo(stormy, "storm@example.org");
    await set(stormy, "set_alarm.cgi", { motion_armed: 0, input_armed: 1, mail: 1, ...admin });
    const storm = async (triggers) => {
      for (let at = 0; at < triggers; at++) for (const level of [0, 1]) assert.equal(await get(stormy, `input.cgi?level=${level}`), "ok.\n");
    };
    await storm(200);
    await eventually("the mail has come", () => mailed("storm@example.org").length > 0);
    await storm(100);
    assert.equal(await status(stormy), "2");
    const decided = (reason) => metric(stormy, `lookout_alarm_decisions_total{cause="input",reason="${reason}"}`);
    const lost = await metric(stormy, "lookout_alarm_triggers_lost_total");
    assert.deepEqual([await decided("alarm"), (await decided("alarm prolonged")) + lost], [1, 299]);
    // A drill's mail takes as long as an alarm's: one of a trigger before would have come before it.
    assert.match(await get(stormy, "drill.cgi"), /sent to storm@example\.org/);
    await eventually("nothing waits", async () => (await metric(stormy, 'lookout_alarm_queued{link="mail"}')) === 0);
    const subjects = mailed("storm@example.org").map(({ subject }) => /^(DRILL )?.*\) (\w+) alarm/.exec(subject).slice(1));
    assert.deepEqual(subjects, [[undefined, "input"], ["DRILL ", "motion"]]);
  });
});
