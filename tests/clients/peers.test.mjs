// Servers that hang, reset, drip, rave or hang up (RULES F16): test_mail.cgi, test_ftp.cgi and a drill end in time with the
// right word, the picture goes on, what waits for nobody does not wait, and no memory is lost. All at once, on loopback.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { admin, camera, query, viewer } from "./camera.mjs";

/** What a server does when its script is over. */
const ways = {
  hang: () => {},
  close: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  drip: (socket) => {
    const drip = setInterval(() => socket.write("2"), 1000);
    socket.on("close", () => clearInterval(drip));
  },
  garbage: (socket) => socket.write(Buffer.from([0, 255, 13, 10, 128, 37, 110, 10, 57, 57, 13, 10])),
  endless: (socket) => {
    const much = Buffer.alloc(1 << 16, "2");
    let left = 1 << 12; // of 64 KiB: more than anybody may take
    const speak = () => {
      while (left-- > 0 && !socket.destroyed && socket.write(much));
    };
    socket.on("drain", speak);
    speak();
  },
};

/**
 * Starts a server that says the first line of its script when somebody connects and one more for each line it hears, and then
 * goes its way; returns its port and what it heard.
 */
async function rogue(way, script = []) {
  const heard = [];
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const lines = [...script];
    const next = () => {
      if (lines.length > 0) socket.write(lines.shift());
      if (lines.length === 0) {
        socket.removeAllListeners("data");
        way(socket);
        if (way === ways.hang) socket.pause();
      }
    };
    socket.on("data", (data) => {
      heard.push(data.toString());
      next();
    });
    if (script.length === 0 || script[0] !== "") next();
    else lines.shift();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: server.address().port, heard };
}

const login = { authorization: `Basic ${btoa(`${admin.user}:${admin.pwd}`)}` };
/** A deadline for what must end by itself in 35 s (a drill: 55 s); generous, as the machine may be busy. */
const signal = () => AbortSignal.timeout(90_000);

async function get(lookout, path) {
  const answer = await fetch(`${lookout.http}/${path}`, { headers: login, signal: signal() });
  return answer.text();
}

/** Tells a camera who its servers are. */
async function serve(lookout, mail, ftp, http) {
  const people = "sender=cam@example.org&receiver1=owner@example.org&receiver2=&receiver3=&receiver4=";
  const set = async (path) => assert.equal(await get(lookout, path), "ok.\n", path);
  await set(`set_mail.cgi?svr=127.0.0.1&port=${mail}&user=&pwd=&${people}`);
  await set(`set_ftp.cgi?svr=127.0.0.1&port=${ftp}&user=u&pwd=p&dir=&mode=1&upload_interval=0&filename=&numberoffiles=0&retain=0`);
  const url = encodeURIComponent(`http://127.0.0.1:${http}/hook`);
  await set(`set_alarm.cgi?motion_armed=0&input_armed=0&mail=1&upload_interval=10&http=1&http_url=${url}`);
}

const configuration = '[alarm]\ncall_targets = "any"\n';
const word = (text) => Number(/^var result=(-?\d+);$/m.exec(text)?.[1]);

/** Does what the three servers are needed for, at once; returns the codes and the drill's results by link. */
async function chain(lookout) {
  const [mail, ftp, drill] = await Promise.all(["test_mail.cgi", "test_ftp.cgi", "drill.cgi"].map((path) => get(lookout, path)));
  const links = JSON.parse(drill).links.map(({ link, result }) => [link, result]);
  return { mail: word(mail), ftp: word(ftp), links: Object.fromEntries(links) };
}

/** Returns how much memory a camera has, in KiB. */
const memory = ({ pid }) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

const smtp = ["220 mail.test ESMTP\r\n"];
const ftp = ["220 ftp.test ready\r\n"];

const cases = [
  { name: "hang", way: ways.hang, mail: [-2], ftp: [-2] },
  { name: "hang behind their greeting", way: ways.hang, greets: true, mail: [-2], ftp: [-2] },
  { name: "drip", way: ways.drip, mail: [-2, -3], ftp: [-2, -3] },
  { name: "rave for ever", way: ways.endless, mail: [-2, -3], ftp: [-2, -3] },
  { name: "rave behind their greeting", way: ways.endless, greets: true, mail: [-2, -3], ftp: [-2, -3] },
  { name: "answer garbage", way: ways.garbage, mail: [-2, -3], ftp: [-2, -3] },
  { name: "hang up", way: ways.close, mail: [-2], ftp: [-2] },
  { name: "reset behind their greeting", way: ways.reset, greets: true, mail: [-2], ftp: [-2] },
];

describe("three servers at once", { concurrency: true }, () => {
  for (const { name, way, greets, ...codes } of cases) {
    test(`that ${name} hold nothing up but themselves`, async (t) => {
      const lookout = await camera("peers", configuration);
      const [mail, store, call] = await Promise.all([rogue(way, greets ? smtp : []), rogue(way, greets ? ftp : []), rogue(way)]);
      await serve(lookout, mail.port, store.port, call.port);
      const stream = await fetch(`${lookout.http}/videostream.cgi?${query(viewer)}&rate=15`, { signal: signal() });
      const reader = stream.body.getReader();
      const picture = async () => assert.ok((await reader.read()).value.length > 0, "the stream goes on");
      await picture();
      const before = memory(lookout);
      let over = false;
      const watched = (async () => {
        while (!over) await picture();
      })();
      const found = await chain(lookout);
      over = true;
      await watched;
      await picture();
      await reader.cancel();
      const grown = memory(lookout) - before;
      t.diagnostic(`test_mail ${found.mail}, test_ftp ${found.ftp}, ${grown} KiB more memory`);
      assert.ok(codes.mail.includes(found.mail), `test_mail.cgi: ${found.mail}`);
      assert.ok(codes.ftp.includes(found.ftp), `test_ftp.cgi: ${found.ftp}`);
      assert.deepEqual([found.links.mail, found.links.ftp, found.links.http], ["failed", "failed", "failed"]);
      assert.ok(grown < 16 << 10, `${grown} KiB more memory`);
    });
  }

  test("of which two hang do not keep the third from being called", async () => {
    const lookout = await camera("peers", configuration);
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const [mail, store, call] = await Promise.all([rogue(ways.hang), rogue(ways.hang), rogue(ways.close, ["", ok])]);
    await serve(lookout, mail.port, store.port, call.port);
    let over = false;
    const drill = get(lookout, "drill.cgi").finally(() => {
      over = true;
    });
    while (call.heard.length === 0) {
      assert.ok(!over, "the call is made while the others hang");
      await pause(20);
    }
    assert.match(call.heard[0], /^GET \/hook HTTP\/1\.1\r\n(.*\r\n)*X-Drill: 1\r\n/);
    const links = Object.fromEntries(JSON.parse(await drill).links.map(({ link, result }) => [link, result]));
    assert.deepEqual([links.mail, links.ftp, links.http], ["failed", "failed", "done"]);
  });

  test("that are not there are so much as that", async () => {
    const lookout = await camera("peers", configuration);
    const gone = net.createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address();
    gone.close();
    await once(gone, "close");
    await serve(lookout, port, port, port);
    const found = await chain(lookout);
    assert.deepEqual([found.mail, found.ftp], [-1, -1]);
  });
});
