// The picture of the web UI that README shows: the live page of a camera with the demo scene. PICTURE=docs/manual/live.jpg
// (from the folder of the sources) renews it; without that it is only looked at.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { desktop, page } from "../browser.mjs";
import { admin, camera, isJpeg } from "../camera.mjs";
import { accounts, order, watch } from "./ui.mjs";

const lookout = await camera("web-picture", "", {}, "demo:?size=1280x720&fps=15");
await accounts(lookout);
await order(lookout, "set_alias.cgi", { alias: "Front door" });

/** What a page loads quickly, also on a slow line, bytes. */
const LARGEST = 250_000;

test("the live page makes a picture for README, as large as it says, with the camera's picture in it", () =>
  page(
    admin,
    async (page) => {
      await watch(page, lookout);
      // Until then the rate that is told on the picture is not what goes on.
      await page.getByText(/^1\d\.\d /).waitFor();
      const picture = await page.screenshot({ type: "jpeg", quality: 80 });
      isJpeg(picture);
      assert.ok(picture.length <= LARGEST, `${picture.length} bytes`);
      const at = await page.locator("live-picture canvas").boundingBox();
      const [width, height, colours] = await page.evaluate(seen, [picture.toString("base64"), at]);
      assert.deepEqual({ width, height }, desktop.viewport);
      assert.ok(colours > 10_000, `${colours} colours where the camera's picture is`);
      if (process.env.PICTURE) writeFileSync(fileURLToPath(new URL(`../../../${process.env.PICTURE}`, import.meta.url)), picture);
    },
    { colorScheme: "light", locale: "en" },
  ));

/** Decodes a JPEG; returns its size, and how many colours there are in a part of it. Runs in the page. */
async function seen([base64, part]) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(part.x, part.y, part.width, part.height);
  return [image.width, image.height, new Set(new Uint32Array(data.buffer)).size];
}
