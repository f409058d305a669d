// The system's page: backup, factory reset and restore; and what strangers can write into the camera, shown as text everywhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { page, pictures, troubles } from "../browser.mjs";
import { admin, camera, program, query, viewer, zip } from "../camera.mjs";
import { accounts, card, live, open, order, say, setting, settled } from "./ui.mjs";

const [lookout, hostile] = await Promise.all([camera("web-system", "[web]\npacks = true\n"), camera("web-hostile")]);
await Promise.all([accounts(lookout), accounts(hostile)]);

describe("the settings", () => {
  const file = `${lookout.folder}/params.bin`;

  test("are saved in a file", () =>
    page(admin, async (page) => {
      await order(lookout, "set_alias.cgi", { alias: "kept" });
      await open(page, lookout, "system");
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByText(say("system.backup.get")).click()]);
      assert.equal(download.suggestedFilename(), "params.bin");
      await download.saveAs(file);
      assert.equal(readFileSync(file).subarray(0, 4).toString("hex"), "bd9a0c44");
    }));

  test("are forgotten only by who is sure", () =>
    page(admin, async (page) => {
      await open(page, lookout, "system");
      const reset = page.getByRole("button", { name: say("system.reset") });
      await reset.click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText(say("system.reset.sure")).waitFor();
      await page.screenshot({ path: `${pictures}/sure.png` });
      await dialog.getByRole("button", { name: say("cancel") }).click();
      await reset.click();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      // What is in front first is not the dangerous answer.
      await reset.click();
      await page.keyboard.press("Enter");
      await dialog.waitFor({ state: "detached" });
      assert.equal(await setting(lookout, "alias"), "kept");
      await reset.click();
      await dialog.getByRole("button", { name: say("system.reset") }).click();
      await page.getByText(say("back")).waitFor();
      assert.equal(await setting(lookout, "alias"), "ipcamera");
    }));

  test("come back out of the file", () =>
    page(admin, async (page) => {
      await open(page, lookout, "system");
      const backup = card(page, say("system.backup"));
      const restore = backup.getByRole("button", { name: say("system.restore"), exact: true });
      await restore.click();
      await backup.getByText(say("system.choose")).waitFor();
      await backup
        .locator("input[type=file]")
        .setInputFiles({ name: "params.bin", mimeType: "application/octet-stream", buffer: Buffer.from("no backup") });
      await restore.click();
      await backup
        .getByRole("status")
        .filter({ hasText: say("refused.damaged") })
        .waitFor();
      assert.equal(await setting(lookout, "alias"), "ipcamera");
      await backup.locator("input[type=file]").setInputFiles(file);
      await backup.getByLabel(say("system.restore.password")).fill(admin.pwd);
      await restore.click();
      await backup.getByText(say("back")).waitFor();
      assert.equal(await setting(lookout, "alias"), "kept");
      assert.equal(await setting(lookout, "user3_name"), "oper");
    }));

  test("are there after a restart", () =>
    page(admin, async (page) => {
      await open(page, lookout, "system");
      await page.getByRole("button", { name: say("system.restart"), exact: true }).click();
      await page
        .getByRole("dialog")
        .getByRole("button", { name: say("system.restart") })
        .click();
      await page.getByText(say("back")).waitFor();
      assert.equal(await setting(lookout, "alias"), "kept");
    }));
});

test("what is no package, or cannot be installed here, is refused, and told", () =>
  page(admin, async (page) => {
    await open(page, lookout, "system");
    for (const [key, why] of [
      ["system.upgrade.firmware", "refused.off"],
      ["system.upgrade.pages", "refused.damaged"],
    ]) {
      const file = page.getByLabel(say("system.file", { words: say(key) }));
      await file.setInputFiles({ name: "x.bin", mimeType: "application/octet-stream", buffer: Buffer.from("x") });
      await page.getByRole("button", { name: say(key), exact: true }).click();
      await page.locator("form").filter({ has: file }).getByText(say(why)).waitFor();
    }
  }));

test("another version is installed, and the page waits until the camera is back", async () => {
  const key = `${lookout.folder}/key`;
  const env = { ...process.env, LOOKOUT_KEY_PASSWORD: "" };
  execFileSync(program, ["keygen", "--key", key], { env });
  execFileSync(program, ["sign", "--key", key, "--program-version", "9.8.7", "-o", `${key}.lookout`], { env });
  const pinned = readFileSync(`${key}.pub`, "utf8").split("\n")[1];
  const upgraded = await camera("web-upgrade", `[upgrade]\nkeys = ["${pinned}"]\n`);
  await accounts(upgraded);
  await page(admin, async (page) => {
    await open(page, upgraded, "system");
    const upgrade = card(page, say("system.upgrade"));
    const install = async (file) => {
      await upgrade.getByLabel(say("system.file", { words: say("system.upgrade.firmware") })).setInputFiles(file);
      await upgrade.getByRole("button", { name: say("system.upgrade.firmware"), exact: true }).click();
    };
    await install(program);
    await upgrade.getByText(say("refused.damaged")).waitFor();
    await install(`${key}.lookout`);
    await page.getByText(say("back")).waitFor();
    assert.match(readFileSync(`${upgraded.folder}/state/upgrade/installed`, "utf8"), /^9\.8\.7 trial 1 /);
  });
});

test("another web UI is installed, and gone again", async () => {
  const pack = await zip(lookout.folder, { "index.htm": "<title>pack</title><p>another</p>" });
  await page(admin, async (page) => {
    await open(page, lookout, "system");
    const upgrade = card(page, say("system.upgrade"));
    await upgrade.getByLabel(say("system.file", { words: say("system.upgrade.pages") })).setInputFiles(pack);
    await upgrade.getByRole("button", { name: say("system.upgrade.pages"), exact: true }).click();
    await page.getByText("another", { exact: true }).waitFor();
    await order(lookout, "restore_htmls.cgi");
    await page.reload();
    await settled(page, "live");
    await live(page);
  });
});

describe("what strangers wrote is shown as text, and runs nothing:", () => {
  const image = "<img src=x onerror=alert(1)>";
  const ssid = `${image}'";</script>`;
  /** Writes a text as a listing does (PROFILE 1.2). */
  const escape = (text) => text.replace(/[\\']/g, "\\$&").replace(/</g, "\\x3c");

  /** Fails if something came alive, or was asked for. */
  async function harmless(page, found) {
    const alive = await page.evaluate(() =>
      [...document.querySelectorAll("img[src=x], main b, main script, main i")].map(({ outerHTML }) => outerHTML),
    );
    assert.deepEqual([alive, found], [[], []]);
  }

  for (const alias of [`'"</script><b>x\\`, "<img src=x onerror=z", "<i>&lt;&amp;{alias}"]) {
    test(`a camera called ${alias}`, () =>
      page(admin, async (page) => {
        await order(hostile, "set_alias.cgi", { alias });
        const found = troubles(page, hostile.http);
        await open(page, hostile, "live");
        await page.locator("header").getByText(alias, { exact: true }).waitFor();
        assert.ok((await page.title()).endsWith(alias), await page.title());
        await page.locator('#nav a[href="#cameras"]').click();
        await settled(page, "cameras");
        await page.locator("figcaption").getByText(alias, { exact: true }).waitFor();
        await page.locator('#nav a[href="#system"]').click();
        await settled(page, "system");
        assert.equal(await page.getByLabel(say("set.alias")).inputValue(), alias);
        await harmless(page, found);
      }));
  }

  test("a line of the log", () =>
    page(admin, async (page) => {
      for (const user of [image, ssid, "</pre><b>"])
        await fetch(`${hostile.http}/check_user.cgi?${new URLSearchParams({ user, pwd: "x" })}`);
      const found = troubles(page, hostile.http);
      await open(page, hostile, "system");
      const log = page.locator("pre");
      assert.match(await log.textContent(), /^\S+ \S+ \S+ +_\/pre__b_ +\S+ +access denied$/m);
      // That journal leaves nothing of a name that could do harm; another one might.
      const line = `Mon, 2009-08-03 19:53:04  ${ssid}  192.168.0.16  </pre><b>access`;
      await page.route("**/get_log.cgi*", (route) =>
        route.fulfill({ contentType: "text/plain", body: `var log_text='first\\n${escape(line)}\\n';\n` }),
      );
      await page.getByRole("button", { name: say("system.log.again") }).click();
      await page.waitForFunction((text) => document.querySelector("pre").textContent === text, `${line}\nfirst`);
      await page.screenshot({ path: `${pictures}/log.png`, fullPage: true });
      await harmless(page, found);
    }));

  test("the name of an account", () =>
    page(admin, async (page) => {
      const found = troubles(page, hostile.http);
      await open(page, hostile, "users");
      const name = `<b>'"\\x</b>`;
      await page.getByLabel(`${say("users.name")} 5`).fill(name);
      await page.getByLabel(`${say("users.password")} 5`).fill("watches-it");
      await page.getByRole("button", { name: say("save"), exact: true }).click();
      await page.getByText(say("saved")).waitFor();
      await page.reload({ waitUntil: "domcontentloaded" });
      await settled(page, "users");
      assert.equal(await page.getByLabel(`${say("users.name")} 5`).inputValue(), name);
      const watching = new AbortController();
      const login = new URLSearchParams({ user: name, pwd: "watches-it" });
      await fetch(`${hostile.http}/videostream.cgi?${login}`, { signal: watching.signal, headers: { "User-Agent": image } });
      await open(page, hostile, "live");
      await page.getByText(say("live.watching")).click();
      await page.locator(".guests li").filter({ hasText: name }).filter({ hasText: image }).waitFor();
      await harmless(page, found);
      watching.abort();
    }));

  test("the name of a network in the neighbourhood", () =>
    page(admin, async (page) => {
      const found = troubles(page, hostile.http);
      const quoted = escape(ssid);
      const listing =
        `var ap_bssid=new Array();\nvar ap_ssid=new Array();\nvar ap_mode=new Array();\nvar ap_security=new Array();\n` +
        `ap_bssid[0]='0015ebbe2153';\nap_ssid[0]='${quoted}';\nap_mode[0]=0;\nap_security[0]=4;\n` +
        `ap_bssid[1]='0015ebbe2154';\nap_ssid[1]='';\nap_mode[1]=0;\nap_security[1]=0;\nvar ap_number=2;\n`;
      await page.route("**/wifi_scan.cgi*", (route) => route.fulfill({ contentType: "text/plain", body: "ok.\n" }));
      await page.route("**/get_wifi_scan_result.cgi*", (route) => route.fulfill({ contentType: "text/plain", body: listing }));
      await open(page, hostile, "network");
      const form = card(page, say("form.set_wifi.cgi"));
      await form.getByRole("button", { name: say("wifi.scan") }).click();
      await form.getByText(say("wifi.hidden")).waitFor();
      await form.getByRole("button", { name: ssid, exact: true }).click();
      assert.equal(await form.locator('[name="ssid"]').inputValue(), ssid);
      assert.equal(await form.locator('[name="encrypt"]').inputValue(), "4");
      await page.screenshot({ path: `${pictures}/wifi.png`, fullPage: true });
      await form.getByRole("button", { name: say("save"), exact: true }).click();
      await form.getByText(say("saved")).waitFor();
      assert.equal(await setting(hostile, "wifi_ssid"), quoted);
      await harmless(page, found);
    }));
});

test("a visitor's page gets nothing of the camera but what visitors may see", () =>
  page(viewer, async (page) => {
    const secrets = [];
    page.on("response", async (response) => {
      if (/\.(?:js|css|json|svg|htm)$/.test(new URL(response.url()).pathname) && !response.url().includes("now.json")) return;
      if (response.status() === 401) secrets.push(`asked in vain for ${response.url()}`);
    });
    for (const id of ["live", "cameras", "clients"]) await open(page, lookout, id);
    assert.deepEqual(secrets, []);
    const now = await (await fetch(`${lookout.http}/now.json?${query(viewer)}`)).json();
    for (const name of ["watching", "came", "confirm_s", "setup_done"]) assert.ok(!(name in now), name);
  }));
