// curl, as scripts and home automation use it.

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { admin, alias, camera, isJpeg, query, run, viewer } from "./camera.mjs";

const lookout = await camera("curl");
const curl = (...args) => run("curl", "-sS", "--max-time", "20", ...args);
const basic = ({ user, pwd }) => ["-u", `${user}:${pwd}`];

test("a snapshot comes with Basic, and with a login in the query", async () => {
  const ways = [[...basic(viewer), `${lookout.http}/snapshot.cgi`], [`${lookout.http}/snapshot.cgi?${query(viewer)}`]];
  for (const way of ways) {
    const { code, out, said } = await curl("-f", ...way);
    assert.equal(code, 0, said);
    isJpeg(out);
  }
});

test("a wrong password and none are 401", async () => {
  for (const way of [[], basic({ user: "viewer", pwd: "guessed-it" })]) {
    const { text } = await curl("-o", "/dev/null", "-w", "%{http_code}", ...way, `${lookout.http}/snapshot.cgi`);
    assert.equal(text, "401");
  }
});

test("curl -OJ saves a snapshot under the name that the camera gives it", async () => {
  const options = ["-f", "--output-dir", lookout.folder, "-OJ", ...basic(viewer)];
  const { code, said } = await curl(...options, `${lookout.http}/snapshot.cgi`);
  assert.equal(code, 0, said);
  const saved = readdirSync(lookout.folder).filter((name) => /^snapshot_[0-9A-F]{12}_\d{14}\.jpg$/.test(name));
  assert.equal(saved.length, 1);
  isJpeg(readFileSync(`${lookout.folder}/${saved[0]}`));
});

test("a stream that is written to a file is whole pictures, as their lengths say", async () => {
  const file = `${lookout.folder}/stream`;
  const stream = `${lookout.http}/videostream.cgi?${query(viewer)}`;
  const { code } = await run("curl", "-sS", "--max-time", "3", "-o", file, stream);
  assert.equal(code, 28, "curl ends it, not the camera");
  const bytes = readFileSync(file);
  let pictures = 0;
  for (let at = 0; ; pictures += 1) {
    const head = /^--ipcamera\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\n\r\n/.exec(
      bytes.toString("latin1", at, at + 100),
    );
    const length = head && head[0].length + Number(head[1]);
    if (!head || at + length + 2 > bytes.length) break; // the last one, cut where curl stopped
    isJpeg(bytes.subarray(at + head[0].length, at + length));
    assert.equal(bytes.toString("latin1", at + length, at + length + 2), "\r\n");
    at += length + 2;
  }
  assert.ok(pictures >= 10, `${pictures} pictures in 3 s`);
});

test("a stream comes at the rate that is asked for", async () => {
  const stream = `${lookout.http}/videostream.cgi?${query(viewer)}&rate=14`;
  const { out } = await run("curl", "-sS", "--max-time", "3", stream);
  const pictures = out.toString("latin1").match(/--ipcamera/g).length;
  assert.ok(pictures >= 3 && pictures <= 8, `${pictures} pictures in 3 s at two a second`);
});

test("HEAD gets the head alone, and changes nothing", async () => {
  const head = await curl("-I", ...basic(viewer), `${lookout.http}/snapshot.cgi`);
  assert.match(head.text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Type: image\/jpeg\r\n/);
  const stream = await curl("-I", ...basic(viewer), `${lookout.http}/videostream.cgi`);
  assert.match(stream.text, /\r\nContent-Type: multipart\/x-mixed-replace;boundary=ipcamera\r\n/);
  const before = await alias(lookout.http);
  await curl("-I", ...basic(admin), `${lookout.http}/set_alias.cgi?alias=headed`);
  assert.equal(await alias(lookout.http), before);
});

test("a setting is stored, and an illegal one is not", async () => {
  const set = (value) => curl("-G", ...basic(admin), "--data-urlencode", `alias=${value}`, `${lookout.http}/set_alias.cgi`);
  assert.equal((await set("Tür & Tor")).text, "ok.\n");
  assert.equal(await alias(lookout.http), "Tür & Tor");
  assert.equal((await set("more than twenty bytes")).text, "error: illegal params.");
  assert.equal(await alias(lookout.http), "Tür & Tor");
});

test("a file that is posted is answered, a large one too, and a POST without a file is no frame", async () => {
  const large = `${lookout.folder}/large`; // large enough for curl to send Expect: 100-continue
  writeFileSync(large, Buffer.alloc(3 << 20));
  const restore = `${lookout.http}/restore_params.cgi`;
  const post = (...way) => curl(...way, restore);
  const { text, said } = await post(...basic(admin), "-v", "-F", `file=@${lookout.folder}/lookout.toml`);
  assert.equal(text, "error: bad package.", said);
  const refused = await post(...basic(admin), "-v", "-F", `file=@${large}`);
  assert.equal(refused.text, "error: too large.");
  assert.match(refused.said, /> Expect: 100-continue/);
  assert.doesNotMatch(refused.said, /< HTTP\/1\.1 100/, "it is told before it sends");
  const unasked = await post(...basic(admin), "-H", "Expect:", "-F", `file=@${large}`);
  assert.deepEqual([unasked.code, unasked.text], [0, "error: too large."], "it can send it all and hears why");
  assert.equal((await post(...basic(admin), "-d", "file=x")).text, "error: illegal http frame.");
});

test("a backup is saved as params.bin and brings back what was changed since", async () => {
  const folder = mkdtempSync(`${lookout.folder}/backup-`);
  const heir = await camera("curl-heir"); // it restarts
  const saved = await curl("-f", "--output-dir", folder, "-OJ", ...basic(admin), `${heir.http}/backup_params.cgi`);
  assert.equal(saved.code, 0, saved.said);
  assert.deepEqual(readdirSync(folder), ["params.bin"]);
  await curl(...basic(admin), `${heir.http}/set_alias.cgi?alias=changed`);
  const file = ["-H", "Expect: 100-continue", "-F", `file=@${folder}/params.bin`];
  const { text, said } = await curl("-v", ...basic(admin), ...file, `${heir.http}/restore_params.cgi`);
  assert.equal(text, "ok.\n", said);
  assert.match(said, /< HTTP\/1\.1 100 Continue/);
  const again = ["--retry", "5", "--retry-all-errors"]; // a restart may come between
  assert.match((await curl(...again, `${heir.http}/get_status.cgi`)).text, /^var alias='ipcamera';$/m);
});

test("HTTPS is verified by the certificate whose fingerprint was printed", async () => {
  const { host } = new URL(lookout.https);
  const { text } = await run("sh", "-c", `openssl s_client -connect ${host} </dev/null 2>/dev/null | openssl x509`);
  const certificate = new X509Certificate(text);
  assert.equal(certificate.fingerprint256, lookout.fingerprint);

  const file = `${lookout.folder}/camera.pem`;
  writeFileSync(file, text);
  const trusted = await curl("-f", "--cacert", file, ...basic(viewer), `${lookout.https}/snapshot.cgi`);
  assert.equal(trusted.code, 0, trusted.said);
  isJpeg(trusted.out);

  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  const pin = (bytes) => `sha256//${createHash("sha256").update(bytes).digest("base64")}`;
  const pinned = (pin) => curl("-k", "--pinnedpubkey", pin, `${lookout.https}/get_status.cgi`);
  assert.match((await pinned(pin(key))).text, /^var id='/);
  assert.equal((await pinned(pin("another"))).code, 90, "another key is refused by curl");
});
