// <week-grid>: a week of quarter-hours to paint. By pointer a rectangle takes the state that its first cell gets; the heads
// turn a whole day or hour; by keyboard the arrows move, and space paints. Who would rather write has the text form beside it.

import { el } from "../dom.js";
import { DAYS, ORDER, QUARTERS, clock, empty } from "../model/week.js";
import { say } from "../words.js";

/**
 * @typedef {{ day: number, quarter: number, on: boolean, before: import("../model/week.js").Week }} Stroke Where it began, and
 *   the week before it.
 */

/** @typedef {{ row: number, quarter: number }} Cell `row` counts from Monday. */

export class WeekGrid extends HTMLElement {
  /** @type {import("../model/week.js").Week} */
  #week = empty();
  /** @type {HTMLElement[][]} By day (0 is Sunday) and quarter. */
  #cells = [];
  /** @type {Stroke | undefined} */
  #stroke;
  #cursor = { row: 0, quarter: 0 };

  connectedCallback() {
    if (this.#cells.length > 0) return;
    const grid = el("div", {
      role: "grid",
      class: "week",
      "aria-multiselectable": "true",
      "aria-label": this.getAttribute("label") ?? "",
      onkeydown: this.#key,
    });
    grid.append(this.#hours());
    for (const day of ORDER) grid.append(this.#day(day));
    grid.addEventListener("pointerdown", this.#down);
    grid.addEventListener("pointermove", this.#move);
    grid.addEventListener("pointerup", this.#up);
    grid.addEventListener("pointercancel", this.#cancel);
    this.replaceChildren(grid);
    this.#show();
  }

  get week() {
    return this.#week.map((day) => [...day]);
  }

  set week(week) {
    this.#week = week.map((day) => [...day]);
    this.#show();
  }

  #hours() {
    const hour = (/** @type {number} */ hour) =>
      el(
        "button",
        {
          type: "button",
          class: "hour",
          tabindex: -1,
          onclick: () => this.#hour(hour),
          "aria-label": say("week.hour", { hour }),
        },
        hour,
      );
    return el(
      "div",
      { role: "row", class: "hours" },
      el("span", { role: "columnheader" }),
      ...Array.from({ length: 24 }, (_, at) => el("span", { role: "columnheader" }, hour(at))),
    );
  }

  /** @param {number} day */
  #day(day) {
    const name = say(`day.${day}`);
    const cell = (/** @type {number} */ quarter) =>
      el("span", {
        role: "gridcell",
        class: "cell",
        "data-day": day,
        "data-quarter": quarter,
        "aria-label": `${name} ${clock(quarter)}`,
      });
    this.#cells[day] = Array.from({ length: QUARTERS }, (_, quarter) => cell(quarter));
    const head = el("button", { type: "button", tabindex: -1, onclick: () => this.#whole(day) }, name);
    return el("div", { role: "row" }, el("span", { role: "rowheader" }, head), ...this.#cells[day]);
  }

  #show() {
    this.#cells.forEach((day, index) =>
      day.forEach((cell, quarter) => cell.setAttribute("aria-selected", String(this.#week[index][quarter]))),
    );
    this.#focusable();
  }

  #focusable() {
    const { row, quarter } = this.#cursor;
    for (const cell of this.querySelectorAll("[tabindex='0']")) cell.removeAttribute("tabindex");
    this.#cells[ORDER[row]]?.[quarter]?.setAttribute("tabindex", "0");
  }

  #changed() {
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {number} day */
  #whole(day) {
    const on = this.#week[day].includes(false);
    this.#week[day].fill(on);
    this.#changed();
  }

  /** @param {number} hour */
  #hour(hour) {
    const quarters = [0, 1, 2, 3].map((quarter) => hour * 4 + quarter);
    const on = this.#week.some((day) => quarters.some((quarter) => !day[quarter]));
    for (const day of this.#week) for (const quarter of quarters) day[quarter] = on;
    this.#changed();
  }

  /**
   * Copies a day to others.
   *
   * @param {number} from
   * @param {number[]} to
   */
  copy(from, to) {
    for (const day of to) this.#week[day] = [...this.#week[from]];
    this.#changed();
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const cell = /** @type {HTMLElement | null} */ (document.elementFromPoint(event.clientX, event.clientY));
    const { day, quarter } = cell?.dataset ?? {};
    return day === undefined || !this.contains(cell) ? undefined : { day: Number(day), quarter: Number(quarter) };
  }

  #down = (/** @type {PointerEvent} */ event) => {
    const at = this.#at(event);
    if (!at || event.button !== 0) return;
    event.preventDefault();
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    this.#stroke = { ...at, on: !this.#week[at.day][at.quarter], before: this.week };
    this.#paint(at);
  };

  #move = (/** @type {PointerEvent} */ event) => {
    const at = this.#stroke && this.#at(event);
    if (at) this.#paint(at);
  };

  #up = () => {
    if (!this.#stroke) return;
    this.#stroke = undefined;
    this.#changed();
  };

  /** A finger that scrolls has painted nothing. */
  #cancel = () => {
    if (!this.#stroke) return;
    this.week = this.#stroke.before;
    this.#stroke = undefined;
  };

  /** @param {{ day: number, quarter: number }} at */
  #paint({ day, quarter }) {
    const stroke = /** @type {Stroke} */ (this.#stroke);
    this.#week = stroke.before.map((quarters) => [...quarters]);
    this.#cursor = { row: ORDER.indexOf(day), quarter };
    this.#fill({ row: ORDER.indexOf(stroke.day), quarter: stroke.quarter }, this.#cursor, stroke.on);
    this.#show();
  }

  /**
   * Turns all cells of a rectangle on or off.
   *
   * @param {Cell} one
   * @param {Cell} other
   * @param {boolean} on
   */
  #fill(one, other, on) {
    const [first, last] = [one.row, other.row].sort((a, b) => a - b);
    const [from, to] = [one.quarter, other.quarter].sort((a, b) => a - b);
    for (let row = first; row <= last; row += 1) this.#week[ORDER[row]].fill(on, from, to + 1);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    const inCell = event.target instanceof HTMLElement && event.target.dataset.quarter !== undefined;
    if (!inCell || event.ctrlKey || event.altKey || event.metaKey) return;
    const { row, quarter } = this.#cursor;
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageUp: [0, -4],
      PageDown: [0, 4],
      Home: [0, -QUARTERS],
      End: [0, QUARTERS],
    });
    const day = ORDER[row];
    if (event.key === " ") this.#week[day][quarter] = !this.#week[day][quarter];
    else if (event.key in moves) {
      const [down, right] = moves[event.key];
      const bounded = (/** @type {number} */ at, /** @type {number} */ end) => Math.min(Math.max(at, 0), end - 1);
      this.#cursor = { row: bounded(row + down, DAYS), quarter: bounded(quarter + right, QUARTERS) };
      // With the shift key, what is passed becomes as the cell from which it went.
      if (event.shiftKey) this.#fill({ row, quarter }, this.#cursor, this.#week[day][quarter]);
    } else return;
    event.preventDefault();
    if (event.key === " " || event.shiftKey) this.#changed();
    else this.#focusable();
    this.#cells[ORDER[this.#cursor.row]][this.#cursor.quarter].focus();
  };
}

customElements.define("week-grid", WeekGrid);
