// Chromium, started once for a file of tests that wants it, and what is watched of its pages.

import { existsSync, mkdirSync } from "node:fs";
import { after } from "node:test";

import { load, scratch } from "./camera.mjs";

const { chromium } = load("playwright-core");

/** Where screenshots are kept. */
export const pictures = `${scratch}/pictures`;
mkdirSync(pictures, { recursive: true });

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync),
  args: [
    "--no-sandbox --headless --disable-gpu --disable-quic --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync",
  ]
    .flatMap((line) => line.split(" "))
    .concat("--host-resolver-rules=MAP *.test 127.0.0.1"),
});
after(() => browser.close());

/** How large the screens are. */
export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/**
 * Runs a test in a browser without a past, on a desktop; `login` answers its question for one. `options` are those of Playwright's
 * contexts: `viewport`, `colorScheme`, `reducedMotion`, `locale`, `javaScriptEnabled`, `hasTouch`, …
 */
export async function page(login, act, options = {}) {
  const { user: username, pwd: password } = login ?? {};
  const context = await browser.newContext({ ...desktop, ...(login && { httpCredentials: { username, password } }), ...options });
  context.setDefaultTimeout(15_000);
  try {
    await act(await context.newPage());
  } finally {
    await context.close();
  }
}

/** Notes whatever goes wrong on a page: errors, what its policy forbids, requests to anybody but `at`. Returns the list. */
export function troubles(page, at) {
  const found = [];
  page.on("pageerror", (error) => found.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) found.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (host !== new URL(at).host && !["data:", "blob:"].includes(protocol)) found.push(`request: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    found.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return found;
}
