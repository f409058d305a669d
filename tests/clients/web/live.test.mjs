// The live page: the picture and what is told of it, a camera that goes away, the picture's settings, and privacy. The head is in
// head.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { page, pictures, troubles } from "../browser.mjs";
import { admin, camera, isJpeg, query, viewer } from "../camera.mjs";
import { eventually } from "../servers.mjs";
import { accounts, ask, operator, order, say, setting, watch } from "./ui.mjs";

const lookout = await camera("web-live");
await accounts(lookout);

const canvas = "live-picture canvas";
const viewers = async () => Number(/^lookout_viewers (\d+)$/m.exec(await ask(lookout, "metrics"))[1]);
const state = (page) => page.$eval("live-picture", ({ state }) => state);
const becomes = (page, wanted, timeout = 15_000) =>
  page.waitForFunction((wanted) => document.querySelector("live-picture").state === wanted, wanted, { timeout });

describe("the picture", () => {
  test("it is as large as the camera's, it moves, and its rate and age are told", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      const drawn = () => page.$eval(canvas, (canvas) => [canvas.width, canvas.height, canvas.toDataURL()]);
      const [width, height, first] = await drawn();
      assert.deepEqual([width, height], [640, 480]);
      await eventually("another picture is drawn", async () => (await drawn())[2] !== first);
      const number = "\\d+\\.\\d";
      await page.getByText(new RegExp(`^${say("live.rate", { rate: number, age: number })}$`)).waitFor();
      const rate = await page.$eval("live-picture", ({ rate }) => rate);
      assert.ok(rate > 1, `${rate} a second`);
      assert.equal(await viewers(), 1);
    }));

  test("a smaller one is to be had", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      for (const [words, width] of [
        [say("live.size.small"), 320],
        [say("live.size.tiny"), 160],
        [say("live.size.full"), 640],
      ]) {
        await page.getByLabel(say("live.size")).selectOption(words);
        await page.waitForFunction((width) => document.querySelector("canvas").width === width, width);
      }
      await eventually("the others are closed", async () => (await viewers()) === 1);
    }));

  test("while the page is hidden nothing is fetched", () =>
    page(viewer, async (page) => {
      // A browser without a screen hides no page, so it is told that it does.
      await page.addInitScript(() => {
        Object.defineProperty(document, "hidden", { get: () => globalThis.away === true });
        globalThis.hide = (away) => {
          globalThis.away = away;
          document.dispatchEvent(new Event("visibilitychange"));
        };
      });
      await watch(page, lookout);
      const asked = [];
      await page.evaluate(() => globalThis.hide(true));
      await eventually("nobody watches", async () => (await viewers()) === 0);
      page.on("request", (request) => asked.push(request.url()));
      await page.waitForTimeout(2500);
      assert.deepEqual(asked, []);
      assert.equal(await state(page), "paused");
      await page.evaluate(() => globalThis.hide(false));
      await becomes(page, "live");
    }));

  test("whoever goes to another page watches no longer", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      await page.locator('#nav a[href="#clients"]').click();
      await eventually("nobody watches", async () => (await viewers()) === 0);
    }));

  test("a snapshot is a picture of its own", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByText(say("live.snapshot")).click()]);
      isJpeg(readFileSync(await download.path()));
      assert.match(download.suggestedFilename(), /\.jpe?g$/);
    }));

  test("its sound is heard, and ends", () =>
    page(viewer, async (page) => {
      const found = troubles(page, lookout.http);
      await watch(page, lookout);
      const press = page.getByRole("button", { name: say("live.sound") });
      await press.click();
      await page.waitForSelector("[aria-pressed=true][data-state=playing]");
      await press.click();
      assert.equal(await press.getAttribute("aria-pressed"), "false");
      assert.deepEqual(found, []);
    }));

  test("without scripts there is a picture, too", () =>
    page(
      viewer,
      async (page) => {
        await page.goto(`${lookout.http}/`, { waitUntil: "domcontentloaded" });
        const picture = page.locator("noscript img, main img");
        await eventually("the picture is there", async () => (await picture.boundingBox())?.height >= 480);
        await page.screenshot({ path: `${pictures}/noscript.png` });
        const link = await page.locator("main a").getAttribute("href");
        assert.equal((await fetch(`${lookout.http}/${link}?${query(viewer)}`)).headers.get("content-type"), "image/jpeg");
      },
      { javaScriptEnabled: false },
    ));
});

describe("the camera", () => {
  test("a wrong login is told, and nothing is shown", () =>
    page({ ...viewer, pwd: "guessed-it" }, async (page) => {
      await page.goto(`${lookout.http}/`, { waitUntil: "domcontentloaded" });
      await page.getByRole("alert").getByText(say("refused.login")).waitFor();
      assert.equal(await page.locator("live-picture, #nav a").count(), 0);
    }));

  test("one that starts anew is followed again", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      await page.evaluate(() => {
        globalThis.states = [];
        const picture = document.querySelector("live-picture");
        picture.addEventListener("state", () => globalThis.states.push(picture.state));
      });
      await order(lookout, "reboot.cgi");
      await page.waitForFunction(() => globalThis.states.includes("lost"));
      await becomes(page, "live", 30_000);
    }));

  test("one that hangs is told, and followed again", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      process.kill(lookout.pid, "SIGSTOP");
      try {
        await page.getByText(say("live.lost")).waitFor();
      } finally {
        process.kill(lookout.pid, "SIGCONT");
      }
      await becomes(page, "live", 30_000);
    }));

  test("an alarm is told while it lasts", () =>
    page(viewer, async (page) => {
      await watch(page, lookout);
      await order(lookout, "set_alarm.cgi", { input_armed: 1, ioin_level: 1 });
      await order(lookout, "input.cgi", { level: 1 });
      try {
        await page.getByText(say("live.alarm", { cause: say("cause.input") })).waitFor();
        await page.screenshot({ path: `${pictures}/alarm.png` });
      } finally {
        await order(lookout, "input.cgi", { level: 0 });
        await order(lookout, "set_alarm.cgi", { input_armed: 0 });
      }
    }));
});

describe("the picture's settings", () => {
  /** How bright the picture is, 0 to 255. */
  const brightness = (page) =>
    page.$eval(canvas, (canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((sum, value, at) => sum + (at % 4 === 1 ? value : 0), 0) / (data.length / 4);
    });

  test("brightness and contrast are seen at once, and kept", () =>
    page(operator, async (page) => {
      await watch(page, lookout);
      await page.getByText(say("image"), { exact: true }).click();
      const before = await brightness(page);
      await page.getByLabel(say("image.brightness")).fill("220");
      await eventually("it is brighter", async () => (await brightness(page)) > before + 20);
      await page.getByLabel(say("image.contrast")).fill("1");
      await eventually(
        "they are kept",
        async () =>
          (await setting(lookout, "brightness", "get_camera_params.cgi")) === 220 &&
          (await setting(lookout, "contrast", "get_camera_params.cgi")) === 1,
      );
      await page.reload({ waitUntil: "domcontentloaded" });
      await page.getByText(say("image"), { exact: true }).click();
      assert.equal(await page.getByLabel(say("image.brightness")).inputValue(), "220");
    }));

  test("it is turned over", () =>
    page(operator, async (page) => {
      await watch(page, lookout);
      await page.getByText(say("image"), { exact: true }).click();
      const flip = () => setting(lookout, "flip", "get_camera_params.cgi");
      for (const [name, value] of [
        [say("image.flip"), 1],
        [say("image.mirror"), 3],
      ]) {
        await page.getByLabel(name).check();
        await eventually(`it is ${name}`, async () => (await flip()) === value);
      }
      await page.getByLabel(say("image.flip")).uncheck();
      await eventually("it is only mirrored", async () => (await flip()) === 2);
    }));

  test("what this camera has not is told", () =>
    page(operator, async (page) => {
      await watch(page, lookout);
      await page.getByRole("button", { name: say("output.on"), exact: true }).click();
      await page.getByRole("status").getByText(say("refused.unsupported")).waitFor();
    }));
});

test("privacy closes the picture for everybody, and says so, until it is over", () =>
  page(viewer, (seen) =>
    page(admin, async (page) => {
      await Promise.all([watch(page, lookout), watch(seen, lookout)]);
      const privacy = page.getByLabel(say("privacy.now"));
      await privacy.check();
      for (const one of [page, seen]) {
        await becomes(one, "private");
        await one.getByText(say("live.private")).first().waitFor();
      }
      await seen.screenshot({ path: `${pictures}/private.png` });
      assert.equal(await setting(lookout, "privacy_now"), 1);
      await page.reload({ waitUntil: "domcontentloaded" });
      assert.ok(await privacy.isChecked());
      await privacy.uncheck();
      for (const one of [page, seen]) await becomes(one, "live");
    }),
  ));
