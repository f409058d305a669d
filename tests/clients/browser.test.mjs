// Chromium: what an owner sees, and what other people's pages cannot do to his camera.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { once } from "node:events";
import { after, test } from "node:test";

import { page, pictures } from "./browser.mjs";
import { admin, alias, camera, query, setDevice, viewer, within, zip } from "./camera.mjs";
import { say } from "./web/ui.mjs";

// Browsers send `Sec-Fetch-…` only to origins that they trust, such as 127.0.0.1; a camera in a local network is none, so all is
// tried on it under a name, too. Chromium keeps a login apart for each site on whose pages it was given. A page on another port of
// the camera's own host is of the same site, and its requests bear the login.
const lookout = await camera("browser", '[http]\nhosts = ["camera.test"]\n');
const stranger = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end('<!doctype html><meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>Stranger</title>');
});
stranger.listen(0, "127.0.0.1");
await once(stranger, "listening");
after(() => stranger.close());

const other = stranger.address().port;
const byAddress = { called: "by its address", at: lookout.http };
const byName = { called: "by a name", at: `http://camera.test:${lookout.port}` };
const strangers = [
  { ...byAddress, of: "another site", from: `http://localhost:${other}` },
  { ...byAddress, of: "another port", from: `http://127.0.0.1:${other}`, bears: true },
  { ...byName, of: "another site", from: `http://another.test:${other}` },
  { ...byName, of: "another port", from: `http://camera.test:${other}`, bears: true },
];

/** Logs in as the owner, and the browser remembers it. */
const logIn = (page, at) => page.goto(`${within(at, admin)}/check_user.cgi`);

/**
 * Watches how the camera answers requests for `path`, also where the page itself is not told.
 *
 * Returns a function that waits until `count` are answered, and returns their status codes.
 */
async function answers(page, path) {
  const devtools = await page.context().newCDPSession(page);
  const asked = new Map();
  const answered = [];
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => asked.set(requestId, request.url));
  devtools.on("Network.responseReceivedExtraInfo", (answer) => answered.push(answer)); // may come before the other
  await devtools.send("Network.enable");
  const found = () => answered.filter(({ requestId }) => asked.get(requestId)?.includes(path));
  return async (count) => {
    for (let patience = 100; found().length < count && patience > 0; patience -= 1) await page.waitForTimeout(50);
    return found().map(({ statusCode }) => statusCode);
  };
}

/** What a page can do to make its reader's browser ask for a URL. These functions run in the page. */
const attempts = {
  "image": (src) => new Promise((done) => Object.assign(new Image(), { onload: done, onerror: done, src })),
  "script": (src) =>
    new Promise((done) => {
      document.head.append(Object.assign(document.createElement("script"), { onload: done, onerror: done, src }));
    }),
  "frame": (src) =>
    new Promise((done) => {
      document.documentElement.append(Object.assign(document.createElement("iframe"), { onload: done, src }));
    }),
  "fetch": (url) => fetch(url, { mode: "no-cors", credentials: "include" }).catch(() => {}),
  "fetch with CORS": (url) =>
    fetch(url, { credentials: "include", headers: { "X-Requested-With": "XMLHttpRequest" } }).catch(() => {}),
};

/** Sends the reader away to a URL with a form, from a page that does not say who it is. */
async function sendAway(page, url) {
  const answered = page.waitForResponse((response) => response.url().startsWith(url));
  await page.evaluate((url) => {
    const form = Object.assign(document.createElement("form"), { action: url, method: "get" });
    for (const [name, value] of new URL(url).searchParams)
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    document.documentElement.append(form);
    form.submit();
  }, url);
  return (await answered).status();
}

/** Waits for a picture of the live page, and says how large it is. */
async function sides(page, at = "live-picture") {
  await page.waitForFunction((at) => document.querySelector(at)?.state === "live", at);
  return page.$eval(`${at} canvas`, ({ width, height }) => [width, height]);
}

/** Fails if a picture does not change. */
async function moves(page, at = "live-picture") {
  const drawn = () => page.$eval(`${at} canvas`, (canvas) => canvas.toDataURL());
  const first = await drawn();
  for (let patience = 100; (await drawn()) === first; patience -= 1) {
    assert.ok(patience > 0, `${at} moves`);
    await page.waitForTimeout(50);
  }
}

for (const { called, at } of [byAddress, byName]) {
  test(`the live page of a camera called ${called} shows a moving picture`, () =>
    page(viewer, async (page) => {
      await page.goto(`${at}/`, { waitUntil: "domcontentloaded" });
      assert.deepEqual(await sides(page), [640, 480]);
      await moves(page);
      await page.screenshot({ path: `${pictures}/live.png` });
      assert.equal(await page.getByRole("alert").count(), 0);
    }));

  test(`the live page of a camera called ${called} says so when the login is wrong`, () =>
    page({ ...viewer, pwd: "guessed-it" }, async (page) => {
      await page.goto(`${at}/`, { waitUntil: "domcontentloaded" });
      await page.getByRole("alert").getByText(say("refused.login")).waitFor();
      assert.equal(await page.locator("canvas").count(), 0);
    }));
}

for (const { called, at, of, from } of strangers) {
  test(`a page of ${of} cannot frame the pages of a camera called ${called}`, () =>
    page(null, async (page) => {
      await logIn(page, at);
      for (const path of ["", "index.htm#system", "live.htm", "reboot.cgi"]) {
        await page.goto(from);
        await page.evaluate(attempts.frame, `${at}/${path}`);
        // What was refused is a page of the browser's own, that has nothing of the camera.
        const [, frame] = page.frames();
        assert.doesNotMatch(await frame.content(), /app\.js|<main|<form/, path);
      }
      // Whoever goes there himself sees it.
      await page.goto(`${at}/#live`, { waitUntil: "domcontentloaded" });
      await sides(page);
    }));
}

for (const { called, at, of, from, bears } of strangers) {
  test(`a page of ${of} cannot rename a camera called ${called}`, () =>
    page(null, async (page) => {
      const name = await alias(lookout.http);
      await logIn(page, at);
      const statuses = await answers(page, "/set_alias.cgi");
      for (const [how, attempt] of Object.entries(attempts)) {
        await page.goto(from);
        await page.evaluate(attempt, `${at}/set_alias.cgi?alias=${encodeURIComponent(how)}`);
        assert.equal(await alias(lookout.http), name, how);
      }
      // 403 is for whoever is logged in; 401 says that the browser kept the login to itself; 501 is the preflight's.
      const refused = bears ? 403 : 401;
      assert.deepEqual(await statuses(5), [refused, refused, refused, refused, 501]);
      await page.goto(from);
      assert.equal(await sendAway(page, `${at}/set_alias.cgi?alias=form`), 403);
      assert.equal(await alias(lookout.http), name, "form");
    }));

  test(`a page of ${of} cannot read the settings of a camera called ${called} as a script`, () =>
    page(null, async (page) => {
      await logIn(page, at);
      await page.goto(from);
      const [failed] = await Promise.all([
        page.waitForEvent("requestfailed", (request) => request.url().includes("/get_params.cgi")),
        page.evaluate(attempts.script, `${at}/get_params.cgi`),
      ]);
      if (bears) assert.equal(failed.failure().errorText, "net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin");
      assert.equal(await page.evaluate(() => typeof globalThis.sys_ver), "undefined");
    }));
}

test("one page shows this camera and another one, to a visitor who does not know where that is", async () => {
  await setDevice(lookout, await camera("gate"));
  await page(viewer, async (page) => {
    const hosts = new Set();
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`${lookout.http}/#cameras`, { waitUntil: "domcontentloaded" });
    for (const id of [1, 2].map((number) => `figure:nth-child(${number}) live-picture`)) {
      assert.deepEqual(await sides(page, id), [320, 240]);
      await moves(page, id);
    }
    // A placeholder would be seen in the stream, but is never a snapshot.
    const shot = await fetch(`${lookout.http}/device/2/snapshot.cgi?${query(viewer)}`);
    assert.deepEqual([shot.status, shot.headers.get("content-type")], [200, "image/jpeg"]);
    await page.screenshot({ path: `${pictures}/two.png`, fullPage: true });
    assert.deepEqual([...hosts], [new URL(lookout.http).host]);
  });
});

test("the camera's own pages read its status as a script", () =>
  page(null, async (page) => {
    await logIn(page, byName.at);
    await page.goto(`${byName.at}/get_misc.cgi`);
    await page.evaluate(attempts.script, `${byName.at}/get_params.cgi`);
    assert.match(await page.evaluate(() => globalThis.sys_ver), /^\d+(\.\d+){3}$/);
  }));

test("a change of unknown origin is made when its reader confirms it", () =>
  page(null, async (page) => {
    await logIn(page, byName.at);
    await page.goto(strangers.at(-1).from);
    await sendAway(page, `${byName.at}/set_alias.cgi?alias=confirmed`);
    assert.match(await page.textContent("body"), /^error: confirm\.[^]*\/set_alias\.cgi[^]*confirmed/);
    await page.getByRole("button", { name: "Do it" }).click();
    await page.getByText("ok.").waitFor();
    assert.equal(await alias(lookout.http), "confirmed");
  }));

test("a web pack's page is an old one: it runs its own script, shows status and picture, and reaches no other site", async () => {
  const own = await camera("pack", "[web]\npacks = true\n");
  // As the stock pages are written: script and style in the page, listings loaded as scripts, `eval`, `document.write`.
  const index = `<html><head><title>pack</title><script src="get_status.cgi"></script>
    <script>
      var blocked = [];
      document.addEventListener("securitypolicyviolation", function (event) { blocked.push(event.blockedURI); });
      function show() { document.getElementById("name").innerHTML = eval("alias"); }
    </script></head>
    <body onload="show()" style="color: rgb(1, 2, 3)"><b id="name"></b><img id="live" src="videostream.cgi">
    <script>document.write('<img src="http://127.0.0.1:${other}/spy.gif">');</script>
    <iframe id="menu" src="menu/menu.htm"></iframe></body></html>`;
  const form = new FormData();
  const pack = await zip(own.folder, { "index.htm": index, "menu/menu.htm": "<p>menu</p>" });
  form.append("file", new Blob([readFileSync(pack)]));
  const installed = await fetch(`${own.http}/upgrade_htmls.cgi?${query(admin)}`, { method: "POST", body: form });
  assert.equal(await installed.text(), "ok.\n");
  await page(viewer, async (page) => {
    await page.goto(`${own.http}/`, { waitUntil: "domcontentloaded" });
    await page.waitForFunction(() => document.getElementById("live").naturalWidth > 0);
    await page.waitForFunction(() => globalThis.blocked.length > 0);
    assert.deepEqual(await page.evaluate(() => globalThis.blocked), [`http://127.0.0.1:${other}/spy.gif`]);
    // The stream never ends, and so the page is never loaded.
    await page.evaluate(() => globalThis.show());
    assert.equal(await page.textContent("#name"), "ipcamera");
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(1, 2, 3)");
    assert.equal(await page.frameLocator("#menu").locator("p").textContent(), "menu");
    await page.goto(`http://127.0.0.1:${other}`);
    await page.evaluate(attempts.frame, `${own.http}/menu/menu.htm`);
    assert.equal(await page.frameLocator("iframe").getByText("menu").count(), 0, "no other site frames it");
  });
});
