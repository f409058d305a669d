// <zone-editor>: the cells of the picture in which no motion is looked for, painted over it. By keyboard the arrows move, space
// turns a cell.

import { el } from "../dom.js";
import { COLUMNS, ROWS, read, write } from "../model/mask.js";
import { say } from "../words.js";

export class ZoneEditor extends HTMLElement {
  /** @type {import("../model/mask.js").Mask} */
  #mask = read("");
  /** @type {HTMLElement[]} */
  #cells = [];
  /** @type {boolean | undefined} What the stroke makes of the cells over which it goes. */
  #stroke;
  /** The mask before it. */
  #before = this.#mask;
  #cursor = 0;
  /** Says what the cursor is on. */
  #told = el("p", { role: "status", class: "unseen" });

  connectedCallback() {
    if (this.#cells.length > 0) return;
    this.#cells = this.#mask.map((_, at) => el("span", { class: "zone", "data-at": at }));
    const grid = el(
      "div",
      { class: "zones", tabindex: 0, role: "application", "aria-label": this.getAttribute("label") ?? "" },
      ...this.#cells,
    );
    grid.addEventListener("pointerdown", (event) => this.#begin(event));
    grid.addEventListener("pointermove", (event) => this.#go(event));
    grid.addEventListener("pointerup", () => this.#end());
    grid.addEventListener("pointercancel", () => {
      this.#mask = this.#before;
      this.#end();
    });
    grid.addEventListener("keydown", (event) => this.#key(event));
    this.replaceChildren(grid, this.#told);
    this.#show();
  }

  get value() {
    return write(this.#mask);
  }

  set value(digits) {
    this.#mask = read(digits);
    this.#show();
  }

  /** @param {boolean} off */
  fill(off) {
    this.#mask.fill(off);
    this.#changed();
  }

  #show() {
    this.#cells.forEach((cell, at) => {
      cell.classList.toggle("off", this.#mask[at]);
      cell.classList.toggle("cursor", at === this.#cursor);
    });
  }

  #changed() {
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const cell = /** @type {HTMLElement | null} */ (document.elementFromPoint(event.clientX, event.clientY));
    return cell && this.contains(cell) && cell.dataset.at !== undefined ? Number(cell.dataset.at) : undefined;
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    const at = this.#at(event);
    if (at === undefined || event.button !== 0) return;
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    this.#before = [...this.#mask];
    this.#stroke = !this.#mask[at];
    this.#go(event);
  }

  /** @param {PointerEvent} event */
  #go(event) {
    const at = this.#at(event);
    if (this.#stroke === undefined || at === undefined) return;
    this.#mask[at] = this.#stroke;
    this.#cursor = at;
    this.#show();
  }

  #end() {
    if (this.#stroke === undefined) return;
    this.#stroke = undefined;
    this.#changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const moves = /** @type {Record<string, number>} */ ({ ArrowUp: -COLUMNS, ArrowDown: COLUMNS, ArrowLeft: -1, ArrowRight: 1 });
    if (event.key in moves) {
      const to = this.#cursor + moves[event.key];
      if (to >= 0 && to < COLUMNS * ROWS) this.#cursor = to;
      this.#show();
    } else if (event.key === " ") {
      this.#mask[this.#cursor] = !this.#mask[this.#cursor];
      this.#changed();
    } else return;
    event.preventDefault();
    const [row, column] = [Math.floor(this.#cursor / COLUMNS) + 1, (this.#cursor % COLUMNS) + 1];
    this.#told.textContent = say(this.#mask[this.#cursor] ? "zone.off" : "zone.on", { row, column });
  }
}

customElements.define("zone-editor", ZoneEditor);
