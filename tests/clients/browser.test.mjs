// Chromium: what an owner sees, and what other people's pages cannot do to his camera.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { once } from "node:events";
import { after, test } from "node:test";

import { admin, alias, camera, load, query, scratch, setDevice, viewer, within, zip } from "./camera.mjs";

const { chromium } = load("playwright-core");

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

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync),
  args: [
    "--no-sandbox --headless --disable-gpu --disable-quic --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync",
  ].flatMap((line) => line.split(" ")).concat("--host-resolver-rules=MAP *.test 127.0.0.1"),
});
after(() => browser.close());

/** Runs a test in a browser without a past; `login` answers its question for one. */
async function page(login, act) {
  const { user: username, pwd: password } = login ?? {};
  const context = await browser.newContext(login && { httpCredentials: { username, password } });
  context.setDefaultTimeout(15_000);
  try {
    await act(await context.newPage());
  } finally {
    await context.close();
  }
}

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

for (const { called, at } of [byAddress, byName]) {
  test(`the live page of a camera called ${called} shows a moving picture`, () =>
    page(viewer, async (page) => {
      await page.goto(`${at}/`, { waitUntil: "domcontentloaded" });
      await page.waitForFunction(() => document.getElementById("live").naturalWidth > 0);
      const live = page.locator("#live");
      assert.deepEqual(await live.evaluate((image) => [image.naturalWidth, image.naturalHeight]), [640, 480]);
      mkdirSync(`${scratch}/pictures`, { recursive: true });
      const first = await live.screenshot({ path: `${scratch}/pictures/live.png` });
      await page.waitForTimeout(700);
      assert.ok(!first.equals(await live.screenshot()), "the picture moves");
      assert.equal(await page.textContent("#state"), "");
    }));

  test(`the live page of a camera called ${called} says so when the login is wrong`, () =>
    page({ ...viewer, pwd: "guessed-it" }, async (page) => {
      await page.goto(`${at}/`, { waitUntil: "domcontentloaded" });
      await page.waitForFunction(() => document.getElementById("state").textContent !== "");
      assert.equal(await page.$eval("#live", (image) => image.naturalWidth), 0);
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
    await page.goto(`${lookout.http}/`, { waitUntil: "domcontentloaded" });
    await page.evaluate(() => {
      document.querySelector("main").append(Object.assign(new Image(), { id: "gate", src: "device/2/videostream.cgi" }));
    });
    const sides = (id) => page.locator(id).evaluate((image) => [image.naturalWidth, image.naturalHeight]);
    await page.waitForFunction(() => ["live", "gate"].every((id) => document.getElementById(id).naturalWidth > 0));
    assert.deepEqual([await sides("#live"), await sides("#gate")], [[640, 480], [640, 480]]);
    // A placeholder would be seen in the stream, but is never a snapshot.
    const shot = await fetch(`${lookout.http}/device/2/snapshot.cgi?${query(viewer)}`);
    assert.deepEqual([shot.status, shot.headers.get("content-type")], [200, "image/jpeg"]);
    for (const id of ["#live", "#gate"]) {
      const shots = new Set();
      for (let count = 0; count < 4; count += 1) shots.add((await page.locator(id).screenshot()).toString("base64"));
      assert.ok(shots.size > 1, `${id} moves`);
    }
    await page.screenshot({ path: `${scratch}/pictures/two.png`, fullPage: true });
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
