// What must be so on every page of the web UI. Each check returns what is wrong, as lines.

import { readFileSync } from "node:fs";

import { load } from "../camera.mjs";
import { english } from "./ui.mjs";

const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds. */
export async function inaccessible(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations } = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    const where = ({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ""}`;
    return violations.map(
      ({ id, help, nodes }) => `${id}: ${help}, ${nodes.length} times: ${nodes.slice(0, 3).map(where).join(" | ")}`,
    );
  });
}

/** What is wider than the screen. */
export const wide = (page, { viewport: { width } }) =>
  page.evaluate((width) => {
    const all = document.documentElement.scrollWidth;
    if (all <= width) return [];
    const beyond = [...document.querySelectorAll("body *")].filter(
      (element) => element.getBoundingClientRect().right > width + 1,
    );
    return [
      `${all} pixels wide: ${beyond
        .slice(0, 3)
        .map((element) => element.outerHTML.slice(0, 120))
        .join(" | ")}`,
    ];
  }, width);

/** What is shown as a key of the catalogues instead of its words. */
export const wordless = (page) =>
  page.evaluate((keys) => {
    const begins = new Set(keys.map((key) => key.split(".")[0]));
    const isKey = (text) => /^\w+(?:\.[\w-]+)+$/.test(text.trim()) && begins.has(text.trim().split(".")[0]);
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [...document.querySelectorAll("[aria-label]")].map((element) => element.ariaLabel);
    while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("pre")) found.push(walk.currentNode.data);
    return found.filter(isKey).map((key) => `no words: ${key}`);
  }, Object.keys(english));
