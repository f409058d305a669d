// The head, as an operator turns it from the live page: by mouse, finger and keys, in patrols, and by presets.

import assert from "node:assert/strict";
import { test } from "node:test";

import { page, phone, pictures, troubles } from "../browser.mjs";
import { camera } from "../camera.mjs";
import { eventually } from "../servers.mjs";
import { accounts, ask, operator, order, say, watch } from "./ui.mjs";

// Viewers see a part of the picture, so that there is room to move.
const lookout = await camera("web-head", '[source]\nsize = "1280x960"\n[ptz]\nview = "640x480"\n');
await accounts(lookout);
// Slow enough to tell a head that was stopped from one that went on to the end.
await order(lookout, "set_misc.cgi", { ptz_patrol_rate: 80 });

const head = async () => JSON.parse(await ask(lookout, "head.json"));
async function rest() {
  await eventually("the head rests", async () => !(await head()).moving);
  return head();
}
async function centre() {
  await order(lookout, "decoder_control.cgi", { command: 25 });
  return rest();
}
const way = (page, name) => page.getByRole("button", { name, exact: true });

/** Has somebody do something, and returns how far the head went until it rests. */
async function goes(act) {
  const before = await centre();
  await act(before);
  const after = await rest();
  for (const axis of ["pan", "tilt"])
    assert.ok(Math.abs(after[axis] - 0.5) < 0.22, `it was not stopped: ${JSON.stringify(after)}`);
  return Object.fromEntries(["pan", "tilt", "zoom"].map((axis) => [axis, after[axis] - before[axis]]));
}
/** Waits until the head has begun to move from somewhere. */
const moved = (before, axis) => eventually("the head moves", async () => (await head())[axis] !== before[axis]);

test("it turns while a button is held, and rests when it is let go", () =>
  page(operator, async (page) => {
    await watch(page, lookout);
    for (const [name, axis, sign] of [
      [say("ptz.left"), "pan", -1],
      [say("ptz.right"), "pan", 1],
      [say("ptz.up"), "tilt", -1],
      [say("ptz.down"), "tilt", 1],
    ]) {
      const went = await goes(async (before) => {
        await way(page, name).hover();
        await page.mouse.down();
        await moved(before, axis);
        await page.mouse.up();
      });
      assert.equal(Math.sign(went[axis]), sign, `${name} ${JSON.stringify(went)}`);
      assert.equal(went[axis === "pan" ? "tilt" : "pan"], 0, name);
    }
  }));

test("it rests when the pointer has left the button, or the page, before it is let go", () =>
  page(operator, async (page) => {
    await watch(page, lookout);
    for (const leave of [
      () => page.mouse.move(5, 5).then(() => page.mouse.up()),
      () => page.evaluate(() => window.dispatchEvent(new Event("blur"))),
    ]) {
      await goes(async (before) => {
        await way(page, say("ptz.left")).hover();
        await page.mouse.down();
        await moved(before, "pan");
        await leave();
      });
      await page.mouse.up();
    }
  }));

test("a click is a step, in all ways", () =>
  page(operator, async (page) => {
    await watch(page, lookout);
    for (const [name, pan, tilt] of [
      [say("ptz.up-left"), -1, -1],
      [say("ptz.up-right"), 1, -1],
      [say("ptz.down-left"), -1, 1],
      [say("ptz.down-right"), 1, 1],
    ]) {
      const went = await goes(() =>
        way(page, name)
          .click()
          .then(() => eventually("it turns", async () => (await head()).pan !== 0.5)),
      );
      assert.deepEqual([Math.sign(went.pan), Math.sign(went.tilt)], [pan, tilt], `${name} ${JSON.stringify(went)}`);
    }
    await way(page, say("ptz.centre")).click();
    await eventually("it is in the middle", async () => (await head()).pan === 0.5);
  }));

test("a finger turns it, too, by a tap and as long as it is held", () =>
  page(
    operator,
    async (page) => {
      await watch(page, lookout);
      const tapped = await goes((before) =>
        way(page, say("ptz.left"))
          .tap()
          .then(() => moved(before, "pan")),
      );
      assert.ok(tapped.pan < 0, JSON.stringify(tapped));
      const devtools = await page.context().newCDPSession(page);
      const touch = (type, ...touchPoints) => devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
      const held = await goes(async (before) => {
        const { x, y, width, height } = await way(page, say("ptz.right")).boundingBox();
        await touch("touchStart", { x: x + width / 2, y: y + height / 2 });
        await moved(before, "pan");
        // A finger is never quite still; the page stays where it is.
        await touch("touchMove", { x: x + width / 2, y: y + height });
        await page.waitForTimeout(300);
        await touch("touchEnd");
      });
      assert.ok(held.pan > 0, JSON.stringify(held));
    },
    phone,
  ));

test("so do keys, held and pressed, and none of them moves the page", () =>
  page(
    operator,
    async (page) => {
      await watch(page, lookout);
      await way(page, say("ptz.centre")).focus();
      const scrolled = await page.evaluate(() => scrollY);
      for (const [key, axis, sign] of [
        ["ArrowLeft", "pan", -1],
        ["ArrowDown", "tilt", 1],
        ["+", "zoom", 1],
        ["-", "zoom", -1],
      ]) {
        const went = await goes(async (before) => {
          await way(page, say("ptz.centre")).focus();
          for (let repeat = 0; repeat < 5; repeat += 1) await page.keyboard.down(key);
          await moved(before, axis);
          await page.keyboard.up(key);
        });
        assert.equal(Math.sign(went[axis]), sign, `${key} ${JSON.stringify(went)}`);
        await order(lookout, "decoder_control.cgi", { command: sign > 0 ? 16 : 18 });
        await order(lookout, "decoder_control.cgi", { command: 17 });
      }
      assert.equal(await page.evaluate(() => scrollY), scrolled);
      const went = await goes(async (before) => {
        await way(page, say("ptz.right")).focus();
        await page.keyboard.press("Enter");
        await moved(before, "pan");
      });
      assert.ok(went.pan > 0, JSON.stringify(went));
    },
    { viewport: { width: 800, height: 400 } },
  ));

test("patrols go until they are ended", () =>
  page(operator, async (page) => {
    await watch(page, lookout);
    for (const [name, patrol] of [
      [say("ptz.patrol.horizontal"), "horizontal"],
      [say("ptz.patrol.vertical"), "vertical"],
    ]) {
      const press = page.getByRole("button", { name });
      await press.click();
      await eventually(`it goes ${patrol}`, async () => (await head()).patrol === patrol);
      await page.locator(`[aria-pressed=true]`, { hasText: name }).waitFor();
      await press.click();
      await eventually("it has ended", async () => (await head()).patrol === "none");
    }
  }));

test("presets are kept with what they show, gone to, and forgotten", () =>
  page(operator, async (page) => {
    const found = troubles(page, lookout.http);
    await watch(page, lookout);
    const name = "<img src=x onerror=alert(1)>";
    const before = await centre();
    await order(lookout, "decoder_control.cgi", { command: 4, onestep: 1, degree: 8 });
    await moved(before, "pan");
    const there = await rest();
    await page.getByRole("textbox", { name: say("preset.name") }).fill(name);
    await page.getByRole("button", { name: say("preset.add") }).click();
    const preset = page.locator(".presets li");
    await preset.getByText(name).waitFor();
    assert.deepEqual(
      (await head()).presets.map(({ preset, name }) => [preset, name]),
      [[1, name]],
    );
    await preset.locator("img").waitFor();
    await eventually("its picture is shown", () => preset.locator("img").evaluate((image) => image.naturalWidth > 0));
    await page.screenshot({ path: `${pictures}/presets.png`, fullPage: true });
    await centre();
    await preset.getByText(name).click();
    await eventually("the head is there", async () => (await head()).pan === there.pan);
    await page.getByRole("button", { name: say("preset.forget", { name }) }).click();
    await eventually("it is forgotten", async () => (await head()).presets.length === 0);
    await preset.waitFor({ state: "detached" });
    assert.deepEqual(found, []);
  }));

test("a Pelco-D head gets no number that means something else to it", () =>
  page(operator, async (page) => {
    await page.route("**/head.json", (route) =>
      route.fulfill({ json: { kind: "pelco-d", lost: false, moving: false, patrol: "none", presets: [] } }),
    );
    await watch(page, lookout);
    const names = await page.locator("ptz-pad button").evaluateAll((all) => all.map((button) => button.ariaLabel));
    assert.deepEqual(
      names,
      ["up", "left", "right", "down", "out", "in"].map((name) => say(`ptz.${name}`)),
    );
    assert.equal(await page.getByRole("button", { name: say("ptz.patrol.vertical") }).count(), 0);
  }));
