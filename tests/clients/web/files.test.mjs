// The files of the web UI: what they weigh, what they say in which language, and that all stands in files of their own.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = fileURLToPath(new URL("../../../crates/lookout/web/", import.meta.url));
const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(folder + name).isFile());
const read = (name) => readFileSync(folder + name, "utf8");
const scripts = names.filter((name) => name.endsWith(".js"));
const catalogues = Object.fromEntries(
  names.filter((name) => name.startsWith("lang/")).map((name) => [name, JSON.parse(read(name))]),
);
const english = catalogues["lang/en.json"];

/** Returns the parts of files that match, as `FILE: PART`. */
const found = (files, expression) =>
  files.flatMap((name) => [...read(name).matchAll(expression)].map(([part]) => `${name}: ${part}`));

test("all files together weigh less than 150 KB, compressed", () => {
  const weights = names.map((name) => [name, gzipSync(readFileSync(folder + name), { level: 9 }).length]);
  const weight = weights.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`${names.length} files weigh ${weight} bytes, compressed`);
  assert.ok(weight <= 150_000, JSON.stringify(Object.fromEntries(weights), null, 1));
});

test("every language says what English says, with the same values in it", () => {
  const values = (text) => [...text.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
  assert.deepEqual(Object.keys(catalogues).sort(), ["lang/de.json", "lang/en.json", "lang/es.json", "lang/zh.json"]);
  for (const [name, catalogue] of Object.entries(catalogues)) {
    assert.deepEqual(Object.keys(catalogue), Object.keys(english).sort(), name);
    for (const [key, text] of Object.entries(catalogue)) {
      assert.ok(typeof text === "string" && text.trim() !== "", `${name} ${key}`);
      assert.deepEqual(values(text), values(english[key]), `${name} ${key}`);
    }
  }
});

test("no key stands twice in a catalogue", () => {
  for (const name of Object.keys(catalogues)) {
    const keys = [...read(name).matchAll(/^\s*"([^"]+)":/gm)].map(([, key]) => key);
    assert.deepEqual(
      keys.filter((key, at) => keys.indexOf(key) !== at),
      [],
      name,
    );
  }
});

test("what the scripts say is in the catalogue", () => {
  const said = scripts.flatMap((name) => [...read(name).matchAll(/\bsay\(\s*"([^"]+)"/g)].map(([, key]) => ({ name, key })));
  assert.ok(said.length > 50, `${said.length} keys`);
  assert.deepEqual(
    said.filter(({ key }) => !(key in english)),
    [],
  );
});

test("what the scripts say by parts is in the catalogue, too, and nothing is there in vain", () => {
  const all = scripts.map(read).join("\n");
  const begins = [...all.matchAll(/`([\w-]+\.)(?:[\w.-]*)\$\{/g)].map(([, begin]) => begin);
  const said = [...all.matchAll(/\bsay\(`([\w.-]+\.)\$\{/g)].map(([, begin]) => begin);
  assert.ok(said.length > 10, `${said}`);
  assert.deepEqual(
    said.filter((begin) => !Object.keys(english).some((key) => key.startsWith(begin))),
    [],
  );
  // A literal anywhere may be handed to `say` elsewhere, and so may the first part of a key: say(`${what}.${result}`).
  const literals = new Set([...all.matchAll(/"([\w.-]+)"/g)].map(([, text]) => text));
  const isSaid = (key) => literals.has(key) || literals.has(key.split(".")[0]) || begins.some((begin) => key.startsWith(begin));
  assert.deepEqual(
    Object.keys(english).filter((key) => !isSaid(key)),
    [],
  );
});

test("no line is longer than 130 characters", () => {
  const long = (name) =>
    read(name)
      .split("\n")
      .filter((line) => line.length > 130)
      .map((line) => `${name}: ${line}`);
  assert.deepEqual(names.filter((name) => /\.(js|css|htm)$/.test(name)).flatMap(long), []);
});

test("no script and no style stands in a page, and none is made of text", () => {
  const pages = names.filter((name) => /\.html?$/.test(name));
  assert.ok(pages.includes("index.htm"));
  assert.deepEqual(found(pages, /<script(?![^>]*\bsrc=)[^>]*>|<style|\s(?:style|on\w+)\s*=|javascript:/gi), []);
  assert.deepEqual(
    found(
      scripts,
      /\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\b|createContextualFragment|DOMParser/g,
    ),
    [],
  );
});

test("nothing is fetched from anywhere else", () => {
  // The namespace of SVG is a name, not an address.
  const urls = found(
    names.filter((name) => !name.endsWith(".svg")),
    /(?:https?:)?\/\/[a-z0-9-]+\.[a-z][^\s"'`)]*/gi,
  );
  assert.deepEqual(urls, []);
  assert.deepEqual(
    found(
      names.filter((name) => name.endsWith(".css")),
      /@import|url\([^)]*\)/g,
    ),
    [],
  );
  const imported = found(scripts, /(?:from|import)\s+"[^"]+"/g).filter((line) => !/"\.{1,2}\/[\w./-]+\.js"$/.test(line));
  assert.deepEqual(imported, []);
});
