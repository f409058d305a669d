// Zips of real programs, sent by curl as the scripts for old cameras do it: taken, shown, and replaced.

import assert from "node:assert/strict";
import { test } from "node:test";

import { admin, camera, run, zip } from "./camera.mjs";

const lookout = await camera("pages", "[web]\npacks = true\n");
const files = { "index.htm": "<html>front</html>", "img/über uns.htm": "<p>über</p>", "app_ver.txt": "2.4.10.5\n" };

async function install(file) {
  const login = ["-u", `${admin.user}:${admin.pwd}`];
  return (await run("curl", "-sS", ...login, "-F", `file=@${file}`, `${lookout.http}/upgrade_htmls.cgi`)).text;
}

const get = async (path) => (await fetch(`${lookout.http}/${path}`)).text();

async function isShown() {
  assert.equal(await get(""), files["index.htm"]);
  assert.equal(await get("img/%C3%BCber%20uns.htm"), files["img/über uns.htm"]);
  assert.match(await get("get_status.cgi"), /^var app_ver='2\.4\.10\.5';$/m);
}

test("a zip of Debian's zip is the new web UI", async () => {
  assert.equal(await install(await zip(lookout.folder, files)), "ok.\n");
  await isShown();
});

test("a zip of Python, stored or deflated, takes its place", async () => {
  for (const packing of ["ZIP_STORED", "ZIP_DEFLATED"]) {
    const file = `${lookout.folder}/${packing}.zip`;
    const code = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.${packing}) as out:
    for name, content in json.loads(sys.argv[2]).items(): out.writestr(name, content)`;
    await run("python3", "-c", code, file, JSON.stringify(files));
    assert.equal(await install(file), "ok.\n", packing);
    await isShown();
  }
});

test("a zip of Debian's zip that keeps a link is refused", async () => {
  const folder = `${lookout.folder}/links`;
  const file = await zip(folder, files);
  await run("ln", "-s", "/etc/passwd", `${folder}/link`);
  await run("zip", "-q", "-y", "-j", file, `${folder}/link`);
  assert.equal(await install(file), "error: bad package.");
  await isShown();
});
