// The alarm chain from its pages: a real mail server, the cause of a failure in words, and the fire drill.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { test } from "node:test";

import { page, pictures } from "../browser.mjs";
import { admin, camera, isJpeg, scratch } from "../camera.mjs";
import { certify, eventually, freePort, mailServers, mails } from "../servers.mjs";
import { card, open, order, save, say, setting } from "./ui.mjs";

const folder = mkdtempSync(`${scratch}/web-chain-`);
certify(folder);
const [ports, lookout, closed] = await Promise.all([
  mailServers(folder),
  camera("web-chain", "", { SSL_CERT_FILE: `${folder}/ca.pem` }),
  freePort(),
]);
await order(lookout, "set_setup.cgi", { done: 1 });

const right = {
  svr: "127.0.0.1",
  port: ports.clear,
  tls: "0",
  user: "cam",
  pwd: "mails-it",
  sender: "cam@example.org",
  receiver1: "one@example.org",
};

/** What is told of a test that ended so. */
const told = (what, code) => say("test.result", { words: say(`${what}.${code}`), code });

/** Types the settings of the mail, sends a test mail, and returns what is told. */
async function send(page, settings) {
  const form = card(page, say("form.set_mail.cgi"));
  for (const [wire, value] of Object.entries(settings)) {
    const field = form.locator(`[name="${wire}"]`);
    if (wire === "tls") await field.selectOption(value);
    else await field.fill(String(value));
  }
  await form.getByRole("button", { name: say("test.mail") }).click();
  const result = form.getByRole("status").filter({ hasText: /\(-?\d\)$/ });
  await result.waitFor();
  return result.textContent();
}

for (const [what, settings, code] of [
  ["nobody listens", { port: closed }, -1],
  ["the server serves nobody", { port: ports.closed }, -3],
  ["the user is not known", { user: "nobody" }, -4],
  ["the password is wrong", { pwd: "guessed" }, -5],
  ["the sender is refused", { sender: "refused@example.org" }, -6],
  ["the receiver is refused", { receiver1: "refused@example.org" }, -7],
  ["the server is not who it should be", { tls: "1" }, -3],
]) {
  test(`where ${what}, the test mail says so in words`, () =>
    page(admin, async (page) => {
      await open(page, lookout, "mail");
      assert.equal(await send(page, { ...right, ...settings }), told("mail", code));
      assert.deepEqual(mails(folder), []);
    }));
}

test("an upload that cannot be made says why, too", () =>
  page(admin, async (page) => {
    await open(page, lookout, "ftp");
    const form = card(page, say("form.set_ftp.cgi"));
    await form.locator('[name="svr"]').fill("127.0.0.1");
    await form.locator('[name="port"]').fill(String(closed));
    await form.getByRole("button", { name: say("test.ftp") }).click();
    await form.getByText(told("ftp", -1)).waitFor();
  }));

test("a test mail arrives, and a password that is not typed again stays", () =>
  page(admin, async (page) => {
    await open(page, lookout, "mail");
    assert.equal(await send(page, right), told("mail", 0));
    assert.equal(mails(folder).length, 1);
    assert.equal(await card(page, say("form.set_mail.cgi")).locator('[name="pwd"]').inputValue(), "********");
    await page.reload({ waitUntil: "domcontentloaded" });
    assert.equal(await send(page, { receiver1: "two@example.org" }), told("mail", 0));
    assert.deepEqual(
      mails(folder).map(({ receivers }) => receivers),
      [["one@example.org"], ["two@example.org"]],
    );
    isJpeg(Buffer.from(mails(folder)[1].pictures[0].jpeg, "base64"));
    await page.screenshot({ path: `${pictures}/mail.png`, fullPage: true });
  }));

test("a drill goes through the chain, and says of each link what came of it", () =>
  page(admin, async (page) => {
    const before = mails(folder).length;
    await open(page, lookout, "alarms");
    const chain = card(page, say("alarm.chain"));
    await chain.locator('[name="mail"]').check();
    await save(chain);
    const drill = card(page, say("alarm.drill"));
    const result = (link) =>
      drill.getByRole("row").filter({ has: page.getByRole("rowheader", { name: say(`link.${link}`), exact: true }) });
    await drill.getByRole("button", { name: say("alarm.drill.go") }).click();
    await drill.getByText(say("alarm.drill.passed")).waitFor();
    await result("mail").getByText(say("drill.done"), { exact: true }).waitFor();
    for (const off of ["ftp", "http"]) await result(off).getByText(say("drill.off"), { exact: true }).waitFor();
    assert.match(mails(folder)[before].subject, /^DRILL /);
    await open(page, lookout, "mail");
    await send(page, { receiver1: "refused@example.org" });
    await open(page, lookout, "alarms");
    await drill.getByRole("button", { name: say("alarm.drill.go") }).click();
    await drill.getByText(say("alarm.drill.failed")).waitFor();
    await result("mail").getByText(say("drill.failed"), { exact: true }).waitFor();
    await page.screenshot({ path: `${pictures}/drill.png`, fullPage: true });
  }));

test("why there was an alarm, or none, is told, and how much moves", () =>
  page(admin, async (page) => {
    await open(page, lookout, "alarms");
    await card(page, say("alarm.reasons")).getByRole("row").nth(1).waitFor();
    const triggers = card(page, say("alarm.triggers"));
    await triggers.getByText(say("alarm.unscored")).waitFor();
    await triggers.locator('[name="motion_armed"]').check();
    await save(triggers);
    await triggers.getByText(/^[\d.]+ % .*[\d.]+ %/).waitFor();
    assert.equal(await setting(lookout, "alarm_motion_armed"), 1);
    const rows = card(page, say("alarm.reasons")).locator("tbody tr");
    await eventually("motion is decided of", () =>
      rows.evaluateAll((all) => all.some((row) => row.textContent.includes("Motion") && /\d %/.test(row.textContent))),
    );
  }));
