// The web UI is typed and formatted: its JSDoc is what tsc holds the code to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { run, scratch } from "../camera.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

test("tsc has nothing to say about the web UI", async () => {
  const tsc = `${scratch}/node_modules/typescript/bin/tsc`;
  const { code, text } = await run(process.execPath, tsc, "--project", here("jsconfig.json"), "--pretty", "false");
  assert.equal(code, 0, text);
});

test("the web UI and its tests are formatted", async () => {
  const prettier = `${scratch}/node_modules/prettier/bin/prettier.cjs`;
  const files = [here("../../../crates/lookout/web"), here(".")].map((folder) => `${folder}/**/*.{js,mjs,css}`);
  const { code, said } = await run(process.execPath, prettier, "--print-width", "130", "--check", ...files);
  assert.equal(code, 0, said);
});
