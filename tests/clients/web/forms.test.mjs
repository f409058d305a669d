// The pages with settings: what is typed is stored, what is illegal is told and not lost, for every field that there is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { page } from "../browser.mjs";
import { admin, camera, viewer } from "../camera.mjs";
import { accounts, ask, card, english, open, order, save, say, setting, settled } from "./ui.mjs";

const lookout = await camera("web-forms");
await accounts(lookout);
const forms = JSON.parse(await ask(lookout, "forms.json"));

/** Gives a control of a form another value than it has; returns what is to be listed then. */
async function change(control, { kind, min, max }) {
  if (kind === "flag") {
    await control.setChecked(!(await control.isChecked()));
    return String(Number(await control.isChecked()));
  }
  const before = await control.inputValue();
  if (kind === "int" && (await control.evaluate(({ tagName }) => tagName)) === "INPUT") {
    const other = Number(before) + 1 > max ? min : Number(before) + 1;
    await control.fill(String(other));
    return String(other);
  }
  if (["choice", "one-of", "int", "seconds"].includes(kind)) {
    const values = await control.locator("option").evaluateAll((all) => all.map(({ value }) => value));
    const other = values.find((value) => value !== before);
    await control.selectOption(other);
    return other;
  }
  const texts = {
    host: "127.0.0.1",
    mail: "a.b@example.org",
    url: "http://127.0.0.1:9/x?y='z'",
    ip: "192.0.2.7",
    mac: "02FC00000009",
    secret: "not-known",
  };
  const other = texts[kind] ?? "tür's <b>";
  await control.fill(other.slice(0, max));
  return kind === "secret" ? "********" : other.slice(0, max);
}

/** Where the forms of the profile are, by their headings. Those that are tested by themselves are left out. */
const places = [
  ["system", say("form.set_alias.cgi"), "set_alias.cgi"],
  ["system", say("form.set_misc.cgi"), "set_misc.cgi"],
  ["system", say("form.set_decoder.cgi"), "set_decoder.cgi"],
  ["mail", say("form.set_mail.cgi"), "set_mail.cgi"],
  ["ftp", say("form.set_ftp.cgi"), "set_ftp.cgi"],
  ["alarms", say("alarm.triggers"), "set_alarm.cgi"],
  ["alarms", say("alarm.chain"), "set_alarm.cgi"],
  ["network", say("form.set_wifi.cgi"), "set_wifi.cgi"],
  ["network", say("form.set_pppoe.cgi"), "set_pppoe.cgi"],
  ["network", say("form.set_ddns.cgi"), "set_ddns.cgi"],
  ["time", say("form.set_datetime.cgi"), "set_datetime.cgi"],
];
const seen = new Map();

describe("every field", () => {
  for (const [id, heading, path] of places) {
    test(`of “${heading}” is stored as it is typed, and shown as it is stored`, () =>
      page(admin, async (page) => {
        await open(page, lookout, id);
        const form = card(page, heading);
        for (const summary of await form.locator("form summary").all()) await summary.click();
        const expected = {};
        for (const field of forms[path].fields) {
          const control = form.locator(`form [name="${field.wire}"]`);
          if ((await control.count()) === 0) continue;
          seen.set(path, [...(seen.get(path) ?? []), field.name]);
          expected[field.wire] = [field, await change(control, field)];
        }
        assert.ok(Object.keys(expected).length > 0);
        await save(form);
        const unescaped = async ({ listed, list }) =>
          String(await setting(lookout, listed, list))
            .replace(/\\x3c/g, "<")
            .replace(/\\(.)/g, "$1");
        for (const [wire, [field, value]] of Object.entries(expected))
          assert.equal(await unescaped(field), value, `${path} ${wire}`);
        await page.reload({ waitUntil: "domcontentloaded" });
        await settled(page, id);
        for (const [wire, [{ kind }, value]] of Object.entries(expected)) {
          const control = form.locator(`form [name="${wire}"]`);
          assert.equal(kind === "flag" ? String(Number(await control.isChecked())) : await control.inputValue(), value, wire);
        }
      }));
  }

  test("has its place", () => {
    // Weeks and zones are painted; three of Wi-Fi's do nothing (PROFILE 2).
    const beside = [
      "alarm_motion_mask",
      "alarm_schedule_enable",
      "ftp_schedule_enable",
      "wifi_channel",
      "wifi_mode",
      "wifi_country",
    ];
    for (const [path, names] of seen) {
      const missing = forms[path].fields.filter(
        ({ kind, name }) => kind !== "hours" && !names.includes(name) && !beside.includes(name),
      );
      assert.deepEqual(
        missing.map(({ name }) => name),
        [],
        path,
      );
    }
  });

  test("has its words, and no words are for none", () => {
    // The id is the factory's, accounts are a table, and two are switches.
    const others = ["set_mac.cgi", "set_users.cgi", "set_privacy.cgi", "set_setup.cgi"];
    const shown = Object.entries(forms).filter(([path]) => !others.includes(path));
    const fields = shown.flatMap(([, { fields }]) => fields).filter(({ kind }) => !["hours", "mask"].includes(kind));
    const key = (name) => (`set.${name}` in english ? name : name.replace(/\d+/, "#"));
    assert.deepEqual(
      fields.filter(({ name }) => !(`set.${key(name)}` in english)).map(({ name }) => name),
      [],
    );
    const names = new Set(fields.map(({ name }) => key(name)));
    const vain = Object.keys(english).filter((word) => /^(?:set|hint|choice)\./.test(word) && !names.has(word.split(".")[1]));
    assert.deepEqual(vain, []);
  });
});

describe("what is illegal", () => {
  test("is told by the camera, which keeps what it had, and the page what was typed", () =>
    page(admin, async (page) => {
      await open(page, lookout, "network");
      const form = card(page, say("form.set_network.cgi"));
      const address = form.locator('[name="ip"]');
      await address.fill("999.1.1.1");
      await form.getByRole("button", { name: say("save"), exact: true }).click();
      await form.getByText(say("refused.illegal")).waitFor();
      assert.equal(await address.inputValue(), "999.1.1.1");
      assert.equal(await setting(lookout, "ip"), "0.0.0.0");
      await address.fill("");
      await save(form);
    }));

  test("is not even sent, if the browser knows", () =>
    page(admin, async (page) => {
      const sent = [];
      page.on("request", (request) => /\/set_\w+\.cgi/.test(request.url()) && sent.push(request.url()));
      for (const [id, heading, wire, wrong] of [
        ["mail", "form.set_mail.cgi", "port", "65536"],
        ["mail", "form.set_mail.cgi", "port", ""],
        ["mail", "form.set_mail.cgi", "sender", "nobody"],
        ["mail", "form.set_mail.cgi", "user", "x".repeat(65)],
        ["mail", "form.set_mail.cgi", "pwd", "********and more"],
        ["system", "form.set_alias.cgi", "alias", "ä".repeat(11)], // 22 bytes in 11 letters
      ]) {
        await open(page, lookout, id);
        const form = card(page, say(heading));
        const field = form.locator(`[name="${wire}"]`);
        const right = await field.inputValue();
        await field.fill(wrong);
        await form.getByRole("button", { name: say("save"), exact: true }).click();
        const told = await field.evaluate((input) => input.matches(":invalid") && document.activeElement === input);
        assert.ok(told, `${wire} ${wrong}`);
        assert.equal(await field.inputValue(), wrong);
        await field.fill(right);
      }
      assert.deepEqual(sent, []);
    }));

  test("is told where it is folded away, too", () =>
    page(admin, async (page) => {
      await open(page, lookout, "cameras");
      const field = page.locator('[name="dev5_port"]');
      const section = page.locator("details").filter({ has: field });
      await section.locator("summary").click();
      await field.fill("-1");
      await section.locator("summary").click();
      await card(page, say("form.set_devices.cgi"))
        .getByRole("button", { name: say("save"), exact: true })
        .click();
      assert.ok(await field.isVisible());
    }));

  test("a camera that is away is told, and nothing that was typed is lost", () =>
    page(admin, async (page) => {
      await open(page, lookout, "system");
      await page.route("**/set_alias.cgi*", (route) => route.abort("connectionrefused"));
      const form = card(page, say("form.set_alias.cgi"));
      await order(lookout, "set_alias.cgi", { alias: "before" });
      await page.getByLabel(say("set.alias")).fill("typed");
      await form.getByRole("button", { name: say("save"), exact: true }).click();
      await form.getByText(say("refused.away")).waitFor();
      await page.unroute("**/set_alias.cgi*");
      await save(form);
      assert.equal(await setting(lookout, "alias"), "typed");
    }));
});

describe("the network", () => {
  test("that is left as it is stays as it is: addresses by DHCP", () =>
    page(admin, async (page) => {
      await open(page, lookout, "network");
      const form = card(page, say("form.set_network.cgi"));
      const before = await setting(lookout, "port");
      await save(form);
      assert.equal(await form.locator('[name="ip"]').inputValue(), "");
      assert.deepEqual([await setting(lookout, "ip"), await setting(lookout, "port")], ["0.0.0.0", before]);
    }));

  test("what was set elsewhere meanwhile is not undone by a part of a form", () =>
    page(admin, async (page) => {
      await open(page, lookout, "alarms");
      await order(lookout, "set_alarm.cgi", { motion_sensitivity: 2 });
      const form = card(page, say("alarm.chain"));
      await form.locator('[name="preset"]').fill("4");
      await save(form);
      assert.deepEqual([await setting(lookout, "alarm_motion_sensitivity"), await setting(lookout, "alarm_preset")], [2, 4]);
    }));
});

test("an account is made, may what it is given, and is taken away", () =>
  page(admin, async (page) => {
    await open(page, lookout, "users");
    const row = (number) => page.locator("table.users tbody tr").nth(number - 1);
    await page.getByLabel(`${say("users.name")} 4`).fill("guard");
    await page.getByLabel(`${say("users.password")} 4`).fill("guards-it");
    await page.getByLabel(`${say("users.may")} 4`).selectOption(say("may.1"));
    const store = () =>
      page
        .getByRole("button", { name: say("save"), exact: true })
        .click()
        .then(() => page.getByText(say("saved")).waitFor());
    await store();
    const may = async () =>
      /pri=(\d)/.exec(await (await fetch(`${lookout.http}/check_user.cgi?user=guard&pwd=guards-it`)).text())?.[1];
    assert.equal(await may(), "2");
    // Nobody else's password was touched.
    for (const { user, pwd } of [admin, viewer])
      assert.equal((await fetch(`${lookout.http}/check_user.cgi?user=${user}&pwd=${pwd}`)).status, 200);
    await page.reload({ waitUntil: "domcontentloaded" });
    await settled(page, "users");
    assert.deepEqual(
      await row(4)
        .locator("input, select")
        .evaluateAll((all) => all.map(({ value }) => value)),
      ["guard", "********", "1"],
    );
    await page.getByLabel(`${say("users.password")} 4`).fill("short");
    await page.getByRole("button", { name: say("save"), exact: true }).click();
    await page.getByText(say("refused.illegal")).waitFor();
    await page.getByLabel(`${say("users.name")} 4`).fill("");
    await store();
    assert.equal(await may(), undefined);
  }));

test("whoever gives himself another password goes on with it", () =>
  page(admin, async (page) => {
    await open(page, lookout, "users");
    const store = (pwd) =>
      page
        .getByLabel(`${say("users.password")} 1`)
        .fill(pwd)
        .then(() => page.getByRole("button", { name: say("save"), exact: true }).click());
    await store("another-one");
    await page.getByText(say("saved")).waitFor();
    await page.locator('#nav a[href="#system"]').click();
    await settled(page, "system");
    assert.equal(await page.locator(".trouble").count(), 0);
    await page.locator('#nav a[href="#users"]').click();
    await settled(page, "users");
    await store(admin.pwd);
    await page.getByText(say("saved")).waitFor();
    assert.equal(await setting(lookout, "user1_name"), admin.user);
  }));

test("a browser's clock and zone become the camera's", () =>
  page(
    admin,
    async (page) => {
      await open(page, lookout, "time");
      await page.getByRole("button", { name: say("time.browser").split(" (")[0] }).click();
      await page.getByText(say("done")).waitFor();
      assert.equal(await setting(lookout, "tz"), -(5 * 60 + 30) * 60);
      const now = await setting(lookout, "now", "get_status.cgi");
      assert.ok(Math.abs(now - Date.now() / 1000) < 60, `${now}`);
    },
    { timezoneId: "Asia/Kolkata" },
  ));
