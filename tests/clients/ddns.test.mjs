// Dynamic DNS against servers on loopback (PROFILE 4.5, Q77-Q80): every answer of dyndns2 in turn, over HTTPS and through Debian's
// tinyproxy; servers that hang, reset, rave, lie and send elsewhere; and the public address as servers say it. All the while
// pictures and CGIs go on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { admin, camera, query, scratch, viewer } from "./camera.mjs";
import { certify, eventually, freePort } from "./servers.mjs";

const folder = mkdtempSync(`${scratch}/ddns-`);
certify(folder);
const trust = { SSL_CERT_FILE: `${folder}/ca.pem` };
const keys = { cert: readFileSync(`${folder}/cert.pem`), key: readFileSync(`${folder}/key.pem`) };

/** Starts a server that hands each request to `serve.now` and keeps what it was asked; ends it behind the tests. */
async function serve(now, secure = false, name = "localhost") {
  const self = { now, heard: [] };
  const listener = (request, answer) => {
    self.heard.push(request);
    self.now(request, answer);
  };
  const server = secure ? https.createServer(keys, listener) : http.createServer(listener);
  server.on("clientError", (_, socket) => socket.destroy());
  server.listen(0, name.startsWith("127.") ? name : "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  self.port = server.address().port;
  self.url = `${secure ? "https" : "http"}://${name}:${self.port}/`;
  return self;
}

const say = (text, status = 200) => (_, answer) => answer.writeHead(status, { "content-type": "text/plain" }).end(text);

/** Says the address that whoever asks for an update has sent. */
const agree = (request, answer) => say(`good ${new URL(request.url, "http://a").searchParams.get("myip")}\r\n`)(request, answer);

/** Starts a camera whose services are `base`, and whose public address these servers say. */
async function keeper(name, base, checks, environment = trust) {
  const urls = ["dyndns", "dyn3322", "oray"].map((service) => `${service}_url = "${base}update"`);
  const asked = checks.map(({ url }) => `"${url}"`).join(", ");
  return camera(`ddns-${name}`, ["[ddns]", ...urls, `check_urls = [${asked}]`, ""].join("\n"), environment);
}

const get = async (lookout, path) => (await fetch(`${lookout.http}/${path}`, { signal: AbortSignal.timeout(20_000) })).text();

let user = 0;
/** Sets an account that was not set before, or `changes` of it. */
async function set(lookout, changes) {
  const all = { service: 2, user: `u${user++}`, pwd: "dyn secret", host: "cam.example.org", proxy_svr: "", proxy_port: 0 };
  const login = { cam_user: admin.user, cam_pwd: admin.pwd };
  assert.equal(await get(lookout, `set_ddns.cgi?${new URLSearchParams({ ...all, ...changes, ...login })}`), "ok.\n");
}

const status = async (lookout) => Number(/^var ddns_status=(\d+);$/m.exec(await get(lookout, "get_status.cgi"))[1]);
const becomes = (lookout, wanted) => eventually(`ddns_status is ${wanted}`, async () => (await status(lookout)) === wanted);

/** Three servers that say who asks, of which the last lies. Those of one host name would be one voice. */
const checks = async () => [
  await serve(say("8.8.4.4\n"), false, "127.0.0.2"),
  await serve(say("<html><body>Current IP Address: 8.8.4.4</body></html>"), true),
  await serve(say("6.6.6.6"), false, "127.0.0.1"),
];

test("an update has the address that two servers say, the login, and who asks; over HTTPS that is checked", async () => {
  const [service, three] = [await serve(agree, true), await checks()];
  const lookout = await keeper("https", service.url, three);
  await set(lookout, { service: 3, user: "dyn" });
  await becomes(lookout, 3);
  const [{ url, headers }] = service.heard;
  assert.equal(url, "/update?system=statdns&hostname=cam.example.org&myip=8.8.4.4");
  assert.equal(headers.authorization, `Basic ${btoa("dyn:dyn secret")}`);
  assert.match(headers["user-agent"], /^Lookout - IP camera - \d+\.\d+\.\d+$/);
  const log = await get(lookout, `get_log.cgi?${query(admin)}`);
  assert.match(log, /DDNS updated/);
  const told = [log, ...["log", "state/ddns"].map((place) => readFileSync(`${lookout.folder}/${place}`, "utf8"))];
  for (const text of told) assert.doesNotMatch(text, /dyn secret|ZHlu/);
  // One that does not trust the authority is asked nothing: in clear, two say the address.
  const clear = await Promise.all(["127.0.0.1", "127.0.0.2"].map((name) => serve(say("8.8.4.4"), false, name)));
  const stranger = await keeper("untrusted", service.url, clear, {});
  await set(stranger, {});
  await becomes(stranger, 2);
  assert.equal(service.heard.length, 1);
});

test("a machine without CA certificates keeps its name in clear, and says once why it does not over HTTPS", async () => {
  const none = { SSL_CERT_FILE: "/dev/null", SSL_CERT_DIR: "" };
  const checks = await Promise.all(["127.0.0.1", "127.0.0.2"].map((name) => serve(say("8.8.4.4"), false, name)));
  const [clear, secure] = [await serve(agree), await serve(agree, true)];
  const good = await keeper("clear", clear.url, checks, none);
  await set(good, {});
  await becomes(good, 3);
  const log = (lookout) => readFileSync(`${lookout.folder}/log`, "utf8");
  assert.doesNotMatch(log(good), /CA certificates/);
  const bad = await keeper("bare", secure.url, checks, none);
  await set(bad, {});
  await becomes(bad, 2);
  assert.equal(log(bad).match(/nothing is asked over TLS: no CA certificates/g)?.length, 1);
  assert.equal(secure.heard.length, 0);
});

test("each answer is the number of its service", async () => {
  const answers = { good: 3, nochg: 3, badauth: 5, "!donator": 6, notfqdn: 7, nohost: 8, "!yours": 9, numhost: 10, abuse: 11, badagent: 13, "good 127.0.0.1": 13 };
  const oray = { 3: 17, 5: 15, 7: 16, 8: 16, 9: 16, 10: 16 };
  const [first, second] = await checks();
  const one = async ([answer, number], service, wanted) => {
    const server = await serve(say(answer));
    const lookout = await keeper("answers", server.url, [first, second]);
    await set(lookout, { service });
    await becomes(lookout, wanted);
    assert.equal(server.heard.length, 1, `${answer} ${number}`);
  };
  const cases = Object.entries({ ...answers, dnserr: 4, 911: 12, "<h1>hello</h1>": 13 });
  for (const part of cases) await Promise.all([one(part, 2, part[1]), one(part, 9, part[1] + 26), one(part, 1, oray[part[1]] ?? 14)]);
});

test("what was refused is tried again when somebody rings, and a restart asks nobody", async () => {
  const [server, three] = [await serve(say("badauth", 401)), await checks()];
  const lookout = await keeper("again", server.url, three);
  await set(lookout, { user: "same" });
  await becomes(lookout, 5);
  await pause(3000);
  assert.equal(server.heard.length, 1);
  server.now = agree;
  await get(lookout, `reboot.cgi?${query(admin)}`);
  await pause(3000);
  await becomes(lookout, 5);
  assert.equal(server.heard.length, 1, "it is still refused");
  await set(lookout, { user: "same", restart_dyndns: 1 });
  await becomes(lookout, 3);
  assert.equal(server.heard.length, 2);
});

test("servers that misbehave say nothing that counts, and hold nothing up", async (t) => {
  const elsewhere = await serve(agree);
  const ways = {
    hang: [() => {}, 13],
    reset: [({ socket }) => socket.resetAndDestroy(), 13],
    drip: [({ socket }) => {
      const bytes = [..."HTTP/1.1 200 OK\r\nX-Slow: very very very very very slow"];
      const drip = setInterval(() => socket.write(bytes.shift() ?? "w"), 1000);
      socket.on("close", () => clearInterval(drip)).on("error", () => {});
    }, 13],
    rave: [(_, answer) => {
      const much = "good ".repeat(1 << 14);
      const speak = () => {
        while (!answer.destroyed && answer.write(much));
      };
      answer.on("drain", speak).on("error", () => {});
      speak();
    }, 13],
    redirect: [(_, answer) => answer.writeHead(302, { location: elsewhere.url }).end(), 13],
    fail: [say("<h1>Service Unavailable</h1>", 503), 13],
    lie: [say("good 6.6.6.6"), 13],
  };
  const three = await checks();
  const all = Object.entries(ways).map(async ([name, [way, wanted]]) => {
    const server = await serve(way);
    const lookout = await keeper(name, server.url, three);
    await set(lookout, {});
    const stream = await fetch(`${lookout.http}/videostream.cgi?${query(viewer)}`, { signal: AbortSignal.timeout(60_000) });
    const reader = stream.body.getReader();
    const begin = performance.now();
    let [last, gap, slowest, over] = [begin, 0, 0, false];
    const watched = (async () => {
      while (!over) {
        assert.ok((await reader.read()).value.length > 0, "the stream goes on");
        gap = Math.max(gap, performance.now() - last);
        last = performance.now();
      }
    })();
    while (!over) {
      const asked = performance.now();
      over = (await status(lookout)) === wanted;
      slowest = Math.max(slowest, performance.now() - asked);
      assert.ok(asked - begin < 60_000, `${name}: ddns_status is not ${wanted}`);
      await pause(20);
    }
    await watched;
    await reader.cancel();
    t.diagnostic(`${name}: a picture every ${gap.toFixed()} ms at most, a CGI within ${slowest.toFixed()} ms`);
    // This machine is busy with all of them at once; whoever waits for a server waits for 10 s and more.
    assert.ok(gap < 5000 && slowest < 5000, `${name}: ${gap} ms, ${slowest} ms`);
    assert.ok(server.heard.length >= 1);
  });
  await Promise.all(all);
  assert.equal(elsewhere.heard.length, 0, "nobody is sent elsewhere");
  const nowhere = await keeper("nowhere", `http://127.0.0.1:${await freePort()}/`, three);
  await set(nowhere, {});
  await becomes(nowhere, 2);
});

test("DynDNS is asked through a proxy, in clear and in a tunnel, and the others are not", async () => {
  const port = await freePort();
  const [log, settings] = [`${folder}/proxy.log`, `${folder}/proxy.conf`];
  writeFileSync(settings, `Port ${port}\nListen 127.0.0.1\nLogFile "${log}"\nLogLevel Connect\nMaxClients 20\nTimeout 60\n`);
  const program = `${scratch}/tinyproxy-bin/usr/bin/tinyproxy`;
  const proxy = spawn("timeout", ["300", program, "-d", "-c", settings], { stdio: "ignore" });
  after(() => proxy.kill());
  await eventually("the proxy listens", () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false));
  const three = await checks();
  const through = async (server, service) => {
    const lookout = await keeper("proxy", server.url, three);
    const before = readFileSync(log, "utf8").split("Request").length;
    await set(lookout, { service, proxy_svr: "127.0.0.1", proxy_port: port });
    await becomes(lookout, service === 2 ? 3 : service === 8 ? 29 : 17);
    assert.match(server.heard[0].url, /myip=8\.8\.4\.4$/);
    return readFileSync(log, "utf8").split("Request").length - before;
  };
  assert.ok((await through(await serve(agree), 2)) > 0);
  const tunnel = await serve(agree, true);
  assert.ok((await through(tunnel, 2)) > 0);
  assert.match(readFileSync(log, "utf8"), new RegExp(`CONNECT localhost:${tunnel.port} `));
  assert.equal(await through(await serve(agree), 8), 0);
  assert.equal(await through(await serve(agree), 1), 0);
});
