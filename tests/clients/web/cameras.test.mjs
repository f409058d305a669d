// Other cameras beside this one: set, shown, and all nine at once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { page, pictures, troubles } from "../browser.mjs";
import { admin, camera, viewer } from "../camera.mjs";
import { eventually } from "../servers.mjs";
import { card, live, open, order, save, say } from "./ui.mjs";

const [lookout, gate] = await Promise.all(["web-cameras", "web-gate"].map((name) => camera(name)));
await order(lookout, "set_setup.cgi", { done: 1 });

describe("other cameras", () => {
  const none = { alias: "", host: "", port: 0, user: "", pwd: "" };
  const devices = (all) =>
    Object.fromEntries(
      Array.from({ length: 8 }, (_, at) => all[at] ?? none).flatMap((values, at) =>
        Object.entries(values).map(([name, value]) => [`dev${at + 2}_${name}`, value]),
      ),
    );

  test("one that is added is shown at once, to visitors too, under its name", () =>
    page(admin, async (page) => {
      await order(lookout, "set_devices.cgi", devices([]));
      const found = troubles(page, lookout.http);
      await open(page, lookout, "cameras");
      await page.getByText(say("camera.number", { number: 2 }), { exact: true }).click();
      const name = `'"</script><b>Gate`;
      for (const [wire, value] of Object.entries({ alias: name, host: "127.0.0.1", port: String(gate.port), ...viewer })) {
        await page.locator(`form [name="dev2_${wire}"]`).fill(value);
      }
      await save(card(page, say("form.set_devices.cgi")));
      await page.getByRole("img", { name, exact: true }).waitFor();
      await live(page, ".wall figure:nth-child(2) live-picture");
      await page.screenshot({ path: `${pictures}/two.png`, fullPage: true });
      assert.deepEqual(found, []);
    }).then(() =>
      page(viewer, async (page) => {
        await open(page, lookout, "cameras");
        await live(page, ".wall figure:nth-child(2) live-picture");
        assert.equal(await page.locator("form").count(), 0);
      }),
    ));

  test("nine are shown at once, and the page goes on", () =>
    page(admin, async (page) => {
      const eight = Array.from({ length: 8 }, (_, at) => ({
        alias: `Gate ${at + 2}`,
        host: "127.0.0.1",
        port: gate.port,
        ...viewer,
      }));
      await order(lookout, "set_devices.cgi", devices(eight));
      await open(page, lookout, "cameras");
      await eventually("all nine are there", () =>
        page.locator(".wall canvas").evaluateAll((all) => all.length === 9 && all.every(({ width }) => width === 320)),
      );
      await page.screenshot({ path: `${pictures}/nine.png`, fullPage: true });
      await page
        .getByText(say("camera.number", { number: 9 }), { exact: true })
        .last()
        .click();
      await page.locator('form [name="dev9_alias"]').fill("Last");
      await save(card(page, say("form.set_devices.cgi")));
      await page.getByRole("img", { name: "Last", exact: true }).waitFor();
    }));
});
