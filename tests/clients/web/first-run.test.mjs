// The first run: from a camera that was just switched on to the live picture of one that is its owner's.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { test } from "node:test";

import { page, phone, pictures, troubles } from "../browser.mjs";
import { admin, camera, query, scratch, viewer } from "../camera.mjs";
import { certify, mailServers, mails } from "../servers.mjs";
import { inaccessible, wide, wordless } from "./checks.mjs";
import { accounts, live, say, settled } from "./ui.mjs";

const folder = mkdtempSync(`${scratch}/web-first-`);
certify(folder);
const [ports, fresh, left] = await Promise.all([mailServers(folder), camera("web-first"), camera("web-first-left")]);

const steps = ["password", "picture", "time", "alarms"].map((step) => say(`setup.${step}`));
const at = (page, step) => page.getByRole("heading", { name: steps[step], exact: true }).waitFor();
const begin = (page, lookout) => page.goto(`${lookout.http}/`, { waitUntil: "domcontentloaded" }).then(() => at(page, 0));
const done = async (lookout, login = admin) =>
  (await (await fetch(`${lookout.http}/now.json?${query(login)}`)).json()).setup_done;

test("is for managers only", () =>
  page(viewer, async (page) => {
    await page.goto(`${fresh.http}/`, { waitUntil: "domcontentloaded" });
    await settled(page, "live");
    await page.goto(`${fresh.http}/#setup`, { waitUntil: "domcontentloaded" });
    await page.reload({ waitUntil: "domcontentloaded" });
    await settled(page, "live");
    assert.equal(await done(fresh), false);
  }));

test("goes from the password to the live picture, and is not seen again", async () => {
  const owner = { user: admin.user, pwd: "my-own-one" };
  const setting = async (name) =>
    new RegExp(`^var ${name}=(.*);$`, "m").exec(await (await fetch(`${fresh.http}/get_params.cgi?${query(owner)}`)).text())[1];
  await page(
    admin,
    async (page) => {
      const found = troubles(page, fresh.http);
      await begin(page, fresh);
      const next = page.getByRole("button", { name: say("setup.next") });
      const password = (one, again) =>
        page
          .getByLabel(say("setup.password.one"))
          .fill(one)
          .then(() => page.getByLabel(say("setup.password.again")).fill(again))
          .then(() => next.click());
      await password(owner.pwd, "my-own-two");
      await page.getByText(say("refused.differ")).waitFor();
      await password("short", "short");
      await page.getByText(say("refused.illegal")).waitFor();
      assert.equal(
        (await fetch(`${fresh.http}/check_user.cgi?${query(admin)}`)).status,
        200,
        "the password is still the old one",
      );
      await password(owner.pwd, owner.pwd);

      await at(page, 1);
      assert.equal((await fetch(`${fresh.http}/check_user.cgi?${query(admin)}`)).status, 401);
      await live(page);
      await page.getByLabel(say("set.alias")).fill("Tür");
      await page.getByLabel(say("image.flip")).check();
      await next.click();

      await at(page, 2);
      await page.getByRole("button", { name: say("time.browser").split(" (")[0] }).click();
      await page.getByText(say("done")).waitFor();
      await next.click();

      await at(page, 3);
      const mail = {
        svr: "127.0.0.1",
        port: ports.clear,
        user: "cam",
        pwd: "mails-it",
        sender: "cam@example.org",
        receiver1: "one@example.org",
      };
      for (const [wire, value] of Object.entries(mail)) await page.locator(`[name="${wire}"]`).fill(String(value));
      await page.getByRole("button", { name: say("test.mail") }).click();
      await page.getByText(`${say("mail.0")} (0)`).waitFor();
      assert.equal(mails(folder).length, 1);
      await page.locator('[name="motion_armed"]').check();
      await page.locator('[name="mail"]').check();
      await page.getByRole("button", { name: say("setup.finish") }).click();

      await settled(page, "live");
      await live(page);
      await page.locator("header").getByText("Tür", { exact: true }).waitFor();
      assert.deepEqual(found, []);
    },
    { timezoneId: "Asia/Kolkata" },
  );
  const set = {
    alias: "'Tür'",
    tz: "-19800",
    mail_receiver1: "'one@example.org'",
    mail_pwd: "'********'",
    alarm_motion_armed: "1",
    alarm_mail: "1",
  };
  for (const [name, value] of Object.entries(set)) assert.equal(await setting(name), value, name);
  assert.equal(await done(fresh, owner), true);
  await page(owner, async (page) => {
    await page.goto(`${fresh.http}/`, { waitUntil: "domcontentloaded" });
    await settled(page, "live");
  });
});

test("may be left out, step by step, and changes nothing then", () =>
  page(
    admin,
    async (page) => {
      const before = await (await fetch(`${left.http}/get_params.cgi?${query(admin)}`)).text();
      const wrong = [];
      const found = troubles(page, left.http);
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await begin(page, left);
        for (const step of steps.keys()) {
          await at(page, step);
          if (step === 1) await live(page);
          await page.screenshot({ path: `${pictures}/web/first-${colorScheme}-${step + 1}.png`, fullPage: true });
          wrong.push(
            ...[await wide(page, phone), await wordless(page), await inaccessible(page), found.splice(0)]
              .flat()
              .map((what) => `${step}: ${what}`),
          );
          if (step === steps.length - 1 && colorScheme === "dark") break;
          await page.getByRole("button", { name: say("setup.skip") }).click();
        }
        // Whoever goes away in the midst of it begins anew.
        if (colorScheme === "dark") assert.equal(await done(left), false);
      }
      await settled(page, "live");
      assert.deepEqual(wrong, []);
      assert.equal(await done(left), true);
      const rest = (listing) => listing.replace(/^var (?:now|setup_done)=.*\n/gm, "");
      assert.equal(rest(await (await fetch(`${left.http}/get_params.cgi?${query(admin)}`)).text()), rest(before));
    },
    phone,
  ));

test("comes back with a factory reset", async () => {
  await accounts(left);
  assert.equal(await done(left), true);
  assert.equal(await (await fetch(`${left.http}/restore_factory.cgi?${query(admin)}`)).text(), "ok.\n");
  await page(admin, async (page) => {
    for (let tries = 0; tries < 100; tries += 1) {
      if (
        await done(left).then(
          (is) => is === false,
          () => false,
        )
      )
        break;
      await page.waitForTimeout(100);
    }
    await begin(page, left);
  });
});
