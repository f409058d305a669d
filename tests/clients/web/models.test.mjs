// The parts of the web UI that read what comes from the camera: listings, and the push stream. Others are in weeks.test.mjs.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { model, numbers } from "./model.mjs";

const [vars, { Multipart }] = await Promise.all(["vars", "multipart"].map(model));

describe("listings", () => {
  test("texts and numbers are told apart", () => {
    const text = "var id='000DC5D0A1B2';\nvar now=1352782970;\nvar tz=-28800;\nvar ddns_host='';\n";
    assert.deepEqual(vars.parse(text), { id: "000DC5D0A1B2", now: 1352782970, tz: -28800, ddns_host: "" });
  });

  test("a text is what it is in a script", () => {
    const alias = (quoted) => vars.parse(`var alias='${quoted}';\n`).alias;
    assert.equal(alias("\\x27"), "'");
    assert.equal(alias("it\\'s"), "it's");
    assert.equal(alias("\\x3c/script>\\x3cb>"), "</script><b>");
    assert.equal(alias("<\\/script>"), "</script>");
    assert.equal(alias("a\\\\"), "a\\");
    assert.equal(alias("a\\\\n"), "a\\n");
    assert.equal(alias("one\\ntwo\\rthree"), "one\ntwo\rthree");
    assert.equal(alias("\\u2028\\u2029"), "\u2028\u2029");
    assert.equal(alias("\\x1b"), "\x1b");
    assert.equal(alias("门 Tür 🚪"), "门 Tür 🚪");
    assert.equal(alias("';alert(1);var x=\\'"), undefined);
  });

  test("what escapes as the camera does comes back", () => {
    // PROFILE 1.2, Q2.
    const escape = (text) =>
      text.replace(/[\\'\n\r<\0-\x1f\u2028\u2029]/g, (char) => {
        const named = { "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r" }[char];
        const code = char.charCodeAt(0);
        return named ?? (code > 255 ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, "0")}`);
      });
    const [next, alphabet] = [numbers(1), [..."ab\\'x27nru<>/;=\n\r\0\x1bü门🚪\u2028"]];
    for (let run = 0; run < 500; run += 1) {
      const text = Array.from({ length: next(20) }, () => alphabet[next(alphabet.length)]).join("");
      assert.equal(vars.parse(`var a='${escape(text)}';\nvar b=1;\n`).a, text, JSON.stringify(text));
    }
  });

  test("a scan is arrays", () => {
    const text =
      "var ap_bssid=new Array();\nvar ap_ssid=new Array();\nap_bssid[0]='0015ebbe2153';\nap_ssid[0]='\\x3cimg>';\n" +
      "ap_bssid[1]='0015ebbe2154';\nap_ssid[1]='';\nvar ap_number=2;\n";
    assert.deepEqual(vars.parse(text), { ap_bssid: ["0015ebbe2153", "0015ebbe2154"], ap_ssid: ["<img>", ""], ap_number: 2 });
  });

  test("what is no line of a listing is left out", () => {
    const text =
      "<html>\nvar a=1\nvar b='two'\nvar c=1.5;\nvar d=alert(1);\nvar e='a'+'b';\nvar 9='x';\nvar f=7;\nx[0]='no array';\n";
    assert.deepEqual(vars.parse(text), { f: 7 });
    assert.deepEqual(vars.parse("error: illegal params."), {});
    assert.deepEqual(vars.parse(""), {});
  });

  test("names of every object's own members do no harm", () => {
    const read = vars.parse("var __proto__='x';\nvar constructor='y';\n__proto__[0]='z';\ntoString[0]='z';\n");
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal({}[0], undefined);
    assert.equal(read.constructor, "y");
  });

  test("a journal of a thousand entries is one text", () => {
    const entries = Array.from(
      { length: 1000 },
      (_, at) => `Mon, 2009-08-03 19:53:04   it\\'s ${at}              192.168.0.16      access`,
    );
    const { log_text: log } = vars.parse(`var log_text='${entries.join("\\n")}\\n';\n`);
    assert.equal(log.split("\n").length, 1001);
    assert.match(log.split("\n")[999], /it's 999 /);
  });
});

describe("the push stream", () => {
  /** Writes a stream as the camera does (PROFILE 5.1). */
  const stream = (pictures) =>
    Buffer.concat(
      pictures.flatMap((picture) => [
        Buffer.from(`--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`),
        picture,
        Buffer.from("\r\n"),
      ]),
    );
  const pictures = [
    Buffer.from("\xff\xd8one\r\n\r\n--ipcamera\r\n\xff\xd9", "latin1"),
    Buffer.alloc(5000, "\r\n"),
    Buffer.from("3"),
  ];

  /** Takes a stream in pieces; returns the newest picture of each, and how many there were in all. */
  function take(bytes, sizes) {
    const [parts, taken] = [new Multipart(10_000), []];
    let count = 0;
    for (let at = 0; at < bytes.length;) {
      const size = sizes(at);
      const { picture, pictures } = parts.take(new Uint8Array(bytes.subarray(at, at + size)));
      if (picture) taken.push(Buffer.from(picture));
      assert.equal(picture === undefined, pictures === 0);
      count += pictures;
      at += size;
    }
    return { taken, count };
  }

  test("a picture is whole, however the stream is cut", () => {
    const bytes = stream(pictures);
    for (let size = 1; size < 200; size += 1) {
      const { taken, count } = take(bytes, () => size);
      assert.equal(count, 3, `pieces of ${size}`);
      assert.ok(
        taken.every((picture) => pictures.some((sent) => sent.equals(picture))),
        `pieces of ${size}`,
      );
      assert.ok(taken.at(-1).equals(pictures[2]));
    }
    assert.deepEqual(take(bytes, () => 1).taken, pictures);
    const next = numbers(2);
    for (let run = 0; run < 200; run += 1) {
      const many = Array.from({ length: 1 + next(6) }, () =>
        Buffer.from(Array.from({ length: 1 + next(40) }, () => [13, 10, 45, 255][next(4)])),
      );
      const { taken, count } = take(stream(many), () => 1 + next(60));
      assert.equal(count, many.length);
      assert.ok(taken.at(-1).equals(many.at(-1)));
    }
  });

  test("of several pictures in a piece the newest is given, and all are counted", () => {
    assert.deepEqual(
      take(stream(pictures), () => 1e6),
      { taken: [pictures[2]], count: 3 },
    );
  });

  test("a picture is given as soon as its last byte is there", () => {
    const bytes = stream([pictures[0]]);
    const parts = new Multipart(10_000);
    assert.equal(parts.take(new Uint8Array(bytes.subarray(0, -3))).pictures, 0);
    assert.deepEqual(Buffer.from(parts.take(new Uint8Array(bytes.subarray(-3, -2))).picture), pictures[0]);
  });

  test("what is given does not change with what comes later", () => {
    const parts = new Multipart(10_000);
    const piece = new Uint8Array(stream([pictures[0]]));
    const { picture } = parts.take(piece);
    piece.fill(0);
    assert.deepEqual(Buffer.from(picture), pictures[0]);
  });

  for (const length of ["0", "-1", "10001", "99999999999999999999", "1e3", "0x10", "", "12, 12", "NaN"]) {
    test(`a length of “${length}” is an error`, () => {
      const head = new TextEncoder().encode(`--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`);
      assert.throws(() => new Multipart(10_000).take(head), /length/);
    });
  }

  test("a picture of the longest length is taken", () => {
    const longest = Buffer.alloc(10_000, 7);
    assert.deepEqual(take(stream([longest, longest]), () => 777).count, 2);
  });

  test("what never ends a head is not kept for ever", () => {
    const parts = new Multipart(10_000);
    assert.throws(() => {
      for (let piece = 0; piece < 30; piece += 1) parts.take(new Uint8Array(1000).fill(65));
    }, /not a push stream/);
    assert.throws(
      () => new Multipart(10_000).take(new TextEncoder().encode("--ipcamera\r\nContent-Type: text/html\r\n\r\n")),
      /length/,
    );
  });
});
