// Weeks and zones: painted by mouse, finger and keys, written as text, and read back as the words that the camera stores.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { desktop, page, phone, pictures } from "../browser.mjs";
import { admin, camera } from "../camera.mjs";
import { card, live, open, order, save, say, setting } from "./ui.mjs";

const lookout = await camera("web-schedule");
await order(lookout, "set_setup.cgi", { done: 1 });

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const weeks = {
  [say("schedule.alarm")]: { listing: "get_params.cgi", prefix: "alarm_schedule_" },
  [say("schedule.privacy")]: { listing: "get_forbidden.cgi", prefix: "schedule_" },
  [say("schedule.ftp")]: { listing: "get_params.cgi", prefix: "ftp_schedule_" },
};
const [alarm] = Object.keys(weeks);

/** Returns the words of a week in which quarter-hours `from` to `to` of some days are on; only those that are not 0. */
function words(...strokes) {
  const all = {};
  for (const [names, from, to] of strokes) {
    for (const name of names.split(" ")) {
      for (let quarter = from; quarter < to; quarter += 1) {
        const word = `${name}_${quarter >> 5}`;
        all[word] = ((all[word] ?? 0) | (1 << (quarter & 31))) >>> 0;
      }
    }
  }
  return all;
}

/** Reads the words that the camera has, but those that are 0. */
async function stored(heading) {
  const { listing, prefix } = weeks[heading];
  const names = days.flatMap((day) => [0, 1, 2].map((word) => `${day}_${word}`));
  const all = await Promise.all(names.map(async (name) => [name, await setting(lookout, prefix + name, listing)]));
  return Object.fromEntries(all.filter(([, word]) => word !== 0));
}

const cell = (form, day, quarter) => form.locator(`[data-day="${days.indexOf(day)}"][data-quarter="${quarter}"]`);
async function middle(cell) {
  const { x, y, width, height } = await cell.boundingBox();
  return [x + width / 2, y + height / 2];
}

/** Draws from one cell to another with the mouse. */
async function draw(page, from, to) {
  await page.mouse.move(...(await middle(from)));
  await page.mouse.down();
  await page.mouse.move(...(await middle(to)), { steps: 5 });
  await page.mouse.up();
}

/** Swipes with a finger, sideways. */
async function swipe(page, x, y, by) {
  const devtools = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", { x, y });
  for (let step = 1; step <= 10; step += 1) await touch("touchMove", { x: x + (by * step) / 10, y });
  await touch("touchEnd");
}

/** Begins with an empty week. */
async function begin(page, heading = alarm) {
  await open(page, lookout, "schedule");
  const form = card(page, heading);
  const text = form.getByRole("textbox");
  await form.getByText(say("week.text")).click();
  await text.fill("");
  await text.blur();
  return { form, text };
}

describe("a week", () => {
  for (const heading of Object.keys(weeks)) {
    test(`of “${heading}” is painted, stored and shown again`, () =>
      page(admin, async (page) => {
        const { form, text } = await begin(page, heading);
        // A rectangle, drawn backwards; then a hole in it.
        await draw(page, cell(form, "wed", 39), cell(form, "mon", 32));
        await draw(page, cell(form, "tue", 34), cell(form, "tue", 35));
        await draw(page, cell(form, "sun", 95), cell(form, "sun", 95));
        const painted = "Mon 08:00-10:00\nTue 08:00-08:30, 09:00-10:00\nWed 08:00-10:00\nSun 23:45-24:00";
        assert.equal(await text.inputValue(), painted);
        assert.deepEqual(await stored(heading), {}, "nothing is stored yet");
        await save(form);
        const expected = words(["mon tue wed", 32, 40], ["sun", 95, 96]);
        expected.tue_1 &= ~0b1100;
        assert.deepEqual(await stored(heading), expected);
        await open(page, lookout, "live");
        await open(page, lookout, "schedule");
        assert.equal(await card(page, heading).locator("textarea").inputValue(), painted);
        if (heading === alarm) await page.screenshot({ path: `${pictures}/week.png`, fullPage: true });
      }));
  }

  test("is that of its own card only", async () => {
    assert.notDeepEqual(await stored(say("schedule.privacy")), {});
    await order(
      lookout,
      "set_alarm.cgi",
      Object.fromEntries(days.flatMap((day) => [0, 1, 2].map((word) => [`schedule_${day}_${word}`, 0]))),
    );
    assert.deepEqual(await stored(alarm), {});
    assert.notDeepEqual(await stored(say("schedule.privacy")), {});
  });

  test("is painted by whole days and hours, and a day is copied", () =>
    page(admin, async (page) => {
      const { form, text } = await begin(page);
      await form.getByRole("button", { name: "Fri", exact: true }).click();
      await form.getByRole("button", { name: say("week.hour", { hour: 7 }) }).click();
      assert.equal(await text.inputValue(), "Mon-Thu 07:00-08:00\nFri 00:00-24:00\nSat-Sun 07:00-08:00");
      await form.getByRole("button", { name: "Fri", exact: true }).click();
      await form.getByRole("button", { name: say("week.hour", { hour: 22 }) }).click();
      assert.equal(
        await text.inputValue(),
        "Mon-Thu 07:00-08:00, 22:00-23:00\nFri 22:00-23:00\nSat-Sun 07:00-08:00, 22:00-23:00",
      );
      await form.getByLabel(say("week.from")).selectOption("Fri");
      await form.getByRole("button", { name: say("week.copy") }).click();
      assert.equal(await text.inputValue(), "Mon-Sun 22:00-23:00");
      await save(form);
      assert.deepEqual(await stored(alarm), words([days.join(" "), 88, 92]));
    }));

  test("is written as text, and what is no week is told with its line and stores nothing", () =>
    page(admin, async (page) => {
      const { form, text } = await begin(page);
      await text.fill("Mon-Fri 22:00-06:00\nSat");
      await text.blur();
      assert.equal(await cell(form, "sat", 0).getAttribute("aria-selected"), "true");
      await save(form);
      const right = words(["mon tue wed thu fri", 88, 96], ["tue wed thu fri sat", 0, 24], ["sat", 0, 96]);
      assert.deepEqual(await stored(alarm), right);
      for (const [wrong, told] of [
        ["Mon 8-9", say("week.times", { line: 1 })],
        ["Mon\nFoo", say("week.days", { line: 2 })],
        ["Mon\n\nTue 10:10-11:00", say("week.quarter", { line: 3 })],
      ]) {
        await text.fill(wrong);
        await text.blur();
        await form.getByRole("alert").getByText(told).waitFor();
        assert.equal(await text.inputValue(), wrong, "what was typed stays");
      }
      assert.deepEqual(await stored(alarm), right);
    }));

  test("is painted with keys alone", () =>
    page(admin, async (page) => {
      const { form, text } = await begin(page);
      await form.locator(".cell[tabindex='0']").focus();
      const press = async (...keys) => {
        for (const key of keys) await page.keyboard.press(key);
      };
      await press("Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp");
      await press("PageDown", "ArrowRight", " ", "Shift+ArrowRight", "Shift+ArrowDown");
      assert.equal(await text.inputValue(), "Mon 01:15-01:45\nTue 01:30-01:45");
      await press("End", " ");
      assert.equal(await text.inputValue(), "Mon 01:15-01:45\nTue 01:30-01:45, 23:45-24:00");
      const here = await page.evaluate(() => document.activeElement.ariaLabel);
      assert.equal(here, "Tue 23:45");
      await save(form);
      assert.deepEqual(await stored(alarm), words(["mon", 5, 7], ["tue", 6, 7], ["tue", 95, 96]));
    }));

  test("is painted with a finger, and all its hours can be reached with one", () =>
    page(
      admin,
      async (page) => {
        const { form, text } = await begin(page);
        await cell(form, "mon", 4).tap();
        assert.equal(await text.inputValue(), "Mon 01:00-01:15");
        const grid = form.locator(".week");
        await form.getByRole("button", { name: say("week.hour", { hour: 3 }) }).scrollIntoViewIfNeeded();
        const [, y] = await middle(form.getByRole("button", { name: say("week.hour", { hour: 3 }) }));
        const reached = () => grid.evaluate((grid) => grid.scrollWidth - grid.clientWidth - grid.scrollLeft < 1);
        for (let swipes = 0; swipes < 6 && !(await reached()); swipes += 1) await swipe(page, 330, y, -300);
        assert.ok(await reached());
        await cell(form, "mon", 95).tap();
        assert.equal(await text.inputValue(), "Mon 01:00-01:15, 23:45-24:00");
      },
      phone,
    ));

  test("says when it turns next", () =>
    page(admin, async (page) => {
      const { form, text } = await begin(page);
      await form.getByText(say("week.off.all")).waitFor();
      await form.locator('[name="schedule_enable"]').check();
      await form.getByText(say("week.never")).waitFor();
      await text.fill("Mon-Sun");
      await text.blur();
      await form.getByText(say("week.always")).waitFor();
      const now = new Date((await setting(lookout, "now", "get_status.cgi")) * 1000);
      const name = (day) => days[day % 7].replace(/^./, (first) => first.toUpperCase());
      await text.fill(`${name(now.getUTCDay() + 2)} 10:00-11:00`);
      await text.blur();
      await form.getByText(say("week.on", { day: name(now.getUTCDay() + 2), time: "10:00" })).waitFor();
    }));
});

describe("zones", () => {
  const full = 192;
  /** The stored mask, as the cells that are not watched. */
  async function unwatched() {
    const digits = await setting(lookout, "alarm_motion_mask");
    if (digits === "") return [];
    assert.equal(digits.length, full);
    return [...digits].flatMap((digit, at) =>
      [0, 1, 2, 3].filter((bit) => (Number.parseInt(digit, 16) >> (3 - bit)) & 1).map((bit) => at * 4 + bit),
    );
  }
  const zone = (form, at) => form.locator(`.zone[data-at="${at}"]`);

  for (const [size, screen] of Object.entries({ desktop, phone })) {
    test(`lie where the picture shows them, on a ${size}`, () =>
      page(
        admin,
        async (page) => {
          await open(page, lookout, "alarms");
          await live(page);
          const boxes = await page.evaluate(() => {
            const canvas = document.querySelector("canvas");
            const box = canvas.getBoundingClientRect();
            // What is drawn, within its element.
            const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
            const [width, height] = [canvas.width * scale, canvas.height * scale];
            const drawn = [box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height];
            const { x, y, width: w, height: h } = document.querySelector(".zones").getBoundingClientRect();
            return { drawn: drawn.map(Math.round), zones: [x, y, w, h].map(Math.round) };
          });
          for (const at of [0, 1, 2, 3]) assert.ok(Math.abs(boxes.drawn[at] - boxes.zones[at]) <= 2, JSON.stringify(boxes));
        },
        screen,
      ));
  }

  test("are painted over the picture, and stored", () =>
    page(admin, async (page) => {
      await open(page, lookout, "alarms");
      await live(page);
      const form = card(page, say("alarm.zones"));
      await form.locator(".zones").scrollIntoViewIfNeeded();
      await draw(page, zone(form, 0), zone(form, 3));
      await draw(page, zone(form, 767), zone(form, 767));
      await page.screenshot({ path: `${pictures}/zones.png` });
      await save(form);
      assert.deepEqual(await unwatched(), [0, 1, 2, 3, 767]);
      await draw(page, zone(form, 1), zone(form, 2));
      await form.locator(".zones").focus();
      for (const key of ["ArrowDown", " "]) await page.keyboard.press(key);
      await save(form);
      assert.deepEqual(await unwatched(), [0, 3, 34, 767]);
      await form.getByRole("button", { name: say("alarm.zones.none") }).click();
      await save(form);
      assert.equal((await unwatched()).length, 768);
      await form.getByRole("button", { name: say("alarm.zones.all") }).click();
      await save(form);
      assert.deepEqual(await unwatched(), []);
    }));
});
