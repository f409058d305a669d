// Every page as each of the three users, on a desktop and a phone, in the light and in the dark: which there are, that nothing goes
// wrong on them, that they fit, and that axe finds nothing. Their pictures are in `pictures/web`.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";

import { desktop, page, phone, pictures, troubles } from "../browser.mjs";
import { admin, camera, viewer } from "../camera.mjs";
import { inaccessible, wide, wordless } from "./checks.mjs";
import { accounts, card, live, open, operator, say, settled } from "./ui.mjs";

const lookout = await camera("web-pages", '[source]\nsize = "1280x960"\n[ptz]\nview = "640x480"\n');
await accounts(lookout);
mkdirSync(`${pictures}/web`, { recursive: true });

const everybody = ["live", "cameras", "clients"];
const all = ["live", "cameras", "alarms", "schedule", "mail", "ftp", "users", "network", "time", "system", "clients"];
const users = {
  manager: { login: admin, pages: all },
  operator: { login: operator, pages: everybody },
  visitor: { login: viewer, pages: everybody },
};
const sizes = { desktop, phone };

/** Goes through all pages that the navigation offers. */
async function walk(page, offered, look) {
  await open(page, lookout, "live");
  const links = page.locator("#nav a");
  assert.deepEqual(await links.evaluateAll((all) => all.map((link) => link.getAttribute("href").slice(1))), offered);
  for (const id of offered) {
    await page.locator(`#nav a[href="#${id}"]`).click();
    await settled(page, id);
    assert.equal(await page.locator("#nav [aria-current=page]").getAttribute("href"), `#${id}`);
    await look(id);
  }
}

for (const [user, { login, pages }] of Object.entries(users)) {
  for (const [size, screen] of Object.entries(sizes)) {
    for (const colorScheme of ["dark", "light"]) {
      // The pages of the other two are a part of the manager's.
      if (user !== "manager" && (size === "phone") !== (colorScheme === "dark")) continue;
      test(`the pages of the ${user} on a ${size}, ${colorScheme}, are whole`, () =>
        page(
          login,
          async (page) => {
            const [found, wrong] = [troubles(page, lookout.http), []];
            await walk(page, pages, async (id) => {
              if (id === "live") await live(page);
              await page.screenshot({ path: `${pictures}/web/${user}-${size}-${colorScheme}-${id}.png`, fullPage: true });
              const alarms = await page.locator(".trouble").allTextContents();
              wrong.push(
                ...[await wide(page, screen), await wordless(page), await inaccessible(page), alarms, found.splice(0)]
                  .flat()
                  .map((what) => `${id}: ${what}`),
              );
            });
            assert.deepEqual(wrong, []);
          },
          { ...screen, colorScheme, reducedMotion: "reduce", locale: "en-GB" },
        ));
    }
  }
}

for (const [locale, tag, word] of [
  ["de-AT", "de", "Sprache"],
  ["es-MX", "es", "Idioma"],
  ["zh-CN", "zh", "语言"],
]) {
  test(`the pages speak ${locale}, and fit a phone`, () =>
    page(
      admin,
      async (page) => {
        const wrong = [];
        await walk(page, all, async (id) => {
          await page.screenshot({ path: `${pictures}/web/${tag}-${id}.png`, fullPage: true });
          wrong.push(...[await wide(page, phone), await wordless(page)].flat().map((what) => `${id}: ${what}`));
        });
        assert.deepEqual(wrong, []);
        assert.equal(await page.evaluate(() => document.documentElement.lang), tag);
        assert.equal(await page.getByLabel(word, { exact: true }).count(), 1);
      },
      { ...phone, locale },
    ));
}

test("the language is the browser's, or English, until another is chosen, which is remembered", () =>
  page(
    viewer,
    async (page) => {
      await open(page, lookout, "live");
      assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
      await page.getByLabel(say("language")).selectOption("Deutsch");
      await page.getByLabel("Sprache").waitFor();
      await page.reload({ waitUntil: "domcontentloaded" });
      await settled(page, "live");
      assert.equal(await page.getByLabel("Sprache").inputValue(), "de");
    },
    { locale: "fr-FR" },
  ));

for (const [user, { login, pages }] of Object.entries(users)) {
  test(`a ${user} who asks for a page of others by its name gets the live picture`, () =>
    page(login, async (page) => {
      for (const id of all) {
        await page.goto(`${lookout.http}/#${id}`, { waitUntil: "domcontentloaded" });
        await settled(page, pages.includes(id) ? id : "live");
      }
    }));
}

/** Names of the old cameras' pages, which are in bookmarks. */
const old = {
  live: ["live.htm", "monitor.htm", "snapshot.htm", "main.htm", "camera.htm", "live2.htm"],
  cameras: ["monitor4.htm", "monitor9.htm", "multi.htm", "device.htm"],
  alarms: ["alarm.htm"],
  users: ["user.htm"],
  network: ["ip.htm", "wireless.htm", "adsl.htm", "ddns.htm", "upnp.htm"],
  mail: ["mail.htm"],
  ftp: ["ftp.htm"],
  time: ["datetime.htm"],
  system: ["alias.htm", "backup.htm", "reboot.htm", "upgrade.htm", "log.htm", "ptz.htm"],
};
test("the names of the old pages lead to ours", () =>
  page(admin, async (page) => {
    const text = async (name) => (await fetch(`${lookout.http}/${name}`)).text();
    for (const [id, names] of Object.entries(old)) {
      await page.goto(`${lookout.http}/${names[0]}`, { waitUntil: "domcontentloaded" });
      await settled(page, id);
      for (const name of [...names, names[0].toUpperCase()]) assert.equal(await text(name), await text(names[0]), name);
    }
    // From there on it is a page like the others.
    await page.locator('#nav a[href="#live"]').click();
    await settled(page, "live");
    await page.goBack();
    await settled(page, "system");
  }));

test("what a client is given works, can be copied, and is ticked when the client has come", () =>
  page(admin, async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(page, lookout, "clients");
    const vlc = card(page, "VLC");
    await vlc.getByRole("button", { name: say("copy") }).click();
    await vlc.getByText(say("copied")).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await vlc.locator("pre").textContent());
    assert.equal(await page.getByText("✓").count(), 0);
    const over = new AbortController();
    const answer = await fetch(copied.replace(say("clients.password"), viewer.pwd), {
      headers: { "User-Agent": "VLC/3.0.18 LibVLC/3.0.18" },
      signal: over.signal,
    });
    assert.equal(answer.status, 200);
    await vlc.getByText(/^✓ .*VLC\/3\.0\.18/).waitFor();
    assert.equal(await page.getByText("✓").count(), 1);
    over.abort();
  }));

test("that a change of the network comes back by itself is told on every page", () =>
  page(admin, async (page) => {
    await page.route("**/now.json*", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), confirm_s: 60 } });
    });
    await open(page, lookout, "mail");
    await page.getByRole("status").filter({ hasText: "60" }).waitFor();
  }));

test("the first paint on a slow phone", () =>
  page(
    viewer,
    async (page) => {
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await open(page, lookout, "live");
      await live(page);
      const [paint, picture] = await page.evaluate(() => [
        performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
        performance.now(),
      ]);
      // Told, not judged: this machine does other things, too.
      console.log(
        `first paint after ${Math.round(paint)} ms, a picture after ${Math.round(picture)} ms, on a processor slowed down fourfold`,
      );
      assert.ok(paint > 0);
    },
    phone,
  ));
