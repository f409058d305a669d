// Forms of settings, made from `forms.json`: a setting that is new in the camera has a field here without new markup.

import { Refused, json, list, order } from "./camera.js";
import { el, id } from "./dom.js";
import { known, reason, say } from "./words.js";

/**
 * A setting, as `forms.json` tells it.
 *
 * @typedef {object} Field
 * @property {string} name
 * @property {string} wire How it is set.
 * @property {string} list Where it is shown,
 * @property {string} listed and how.
 * @property {boolean} must
 * @property {string} doc
 * @property {string} kind
 * @property {string | number} [factory]
 * @property {number} [min]
 * @property {number} [max]
 * @property {[string | number, string][]} [choices]
 */

/** @typedef {{ doc: string, login: [string, string], fields: Field[] }} Form */
/** @typedef {{ field: Field, row: HTMLElement, read: () => string, write: (value: string) => void }} Control */

/**
 * What a form shows.
 *
 * @typedef {object} Choice
 * @property {(field: Field) => boolean} [only] Which settings are sent: all, if it is not given.
 * @property {(field: Field) => boolean} [hidden] Which of them have no control.
 * @property {() => Record<string, string>} [beside] What somebody else has for the same CGI.
 * @property {Record<string, [string | number, string][]>} [offers] Which values of a number are offered, by the setting's name.
 * @property {(field: Field) => string | undefined} [section] Under which heading a field is folded away.
 * @property {boolean} [button] Whether there is a button that stores it.
 */

/** What a listing shows of a secret that is set, and what keeps it as it is. */
export const MASK = "********";

/** @type {Promise<Record<string, Form>> | undefined} */
let forms;

/** Gives all forms. */
export const all = () => (forms ??= json("forms.json"));

/** Says whether a setting is part of a schedule. */
export const isHours = (/** @type {Field} */ { kind, wire }) => kind === "hours" || wire === "schedule_enable";

/** What a table calls a value that is stored and does nothing. */
const RESERVED = "reserved";

/** A form of one CGI, or of a part of it. */
export class SettingsForm {
  /** @type {Control[]} */
  #controls = [];
  /** @type {() => Record<string, string>} */
  #beside;
  /** @type {Record<string, string>} What was listed. */
  #before = {};

  /**
   * @param {string} path The CGI.
   * @param {Form} form
   * @param {Choice} [choice]
   */
  constructor(
    path,
    form,
    { only = () => true, hidden = () => false, beside = () => ({}), offers = {}, section = () => undefined, button = true } = {},
  ) {
    this.path = path;
    this.#beside = beside;
    this.fields = form.fields.filter(only);
    this.element = el("form", {
      class: "settings",
      novalidate: true,
      onsubmit: (/** @type {Event} */ event) => this.#submit(event),
    });
    this.told = el("p", { role: "status", class: "told" });
    for (const field of this.fields.filter((field) => !hidden(field))) {
      const offered = offers[field.name];
      const made = control(offered ? { ...field, kind: "choice", choices: offered } : field);
      this.#controls.push(made);
      this.#room(section(field)).append(made.row);
    }
    this.save = el("button", { type: "submit", class: "primary" }, say("save"));
    if (button) this.element.append(el("div", { class: "actions" }, this.save, this.told));
  }

  /**
   * Gives the place of the next field: a section that is folded, if it is one of a section.
   *
   * @param {string | undefined} heading
   */
  #room(heading) {
    if (heading === undefined) return this.element;
    const last = this.element.lastElementChild;
    if (last instanceof HTMLDetailsElement && last.firstElementChild?.textContent === heading) return last;
    const section = el("details", {}, el("summary", {}, heading));
    this.element.append(section);
    return section;
  }

  async #listed() {
    const pages = await Promise.all(
      [...new Set(this.fields.map((field) => field.list))].map(async (page) => [page, await list(page)]),
    );
    /** @type {Record<string, import("./model/vars.js").Vars>} */
    const listed = Object.fromEntries(pages);
    return Object.fromEntries(this.fields.map((field) => [field.wire, String(listed[field.list][field.listed] ?? "")]));
  }

  /** Shows what is set. */
  async load() {
    this.#before = await this.#listed();
    for (const { field, write } of this.#controls) write(this.#before[field.wire]);
    return this;
  }

  /** Gives what is set and what is typed over it. */
  values() {
    return { ...this.#before, ...this.#typed() };
  }

  #typed() {
    return Object.fromEntries(this.#controls.map(({ field, read }) => [field.wire, read()]));
  }

  /**
   * Gives the control of a setting.
   *
   * @param {string} wire
   */
  control(wire) {
    return this.#controls.find(({ field }) => field.wire === wire);
  }

  /**
   * Stores what the form says; its element then tells `saved`.
   *
   * @param {Record<string, string>} [more] What is set beside it, or instead.
   */
  async store(more = {}) {
    if (!this.valid()) throw new Refused("illegal");
    // What has no control here may have been set elsewhere meanwhile.
    await order(this.path, { ...(await this.#listed()), ...this.#typed(), ...this.#beside(), ...more });
    // Stored it is, whatever comes of looking at it.
    await this.load().catch(() => {});
    this.element.dispatchEvent(new Event("saved"));
  }

  /** Says whether what is typed can be stored, and shows what cannot. */
  valid() {
    const wrong = this.element.querySelector(":invalid");
    // What is folded away cannot be shown.
    wrong?.closest("details")?.setAttribute("open", "");
    return this.element.reportValidity();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    if (this.save.ariaBusy === "true") return;
    this.save.ariaBusy = "true";
    this.told.textContent = "";
    this.told.textContent = await this.store().then(() => say("saved"), reason);
    this.save.ariaBusy = null;
  }
}

/**
 * Says something of a setting, if there are words for it; those of a row of alike settings have `#` for its number.
 *
 * @param {"set" | "hint" | "choice"} kind
 * @param {string} name
 */
function about(kind, name) {
  const number = /\d+/.exec(name)?.[0];
  return known(`${kind}.${name}`) ?? known(`${kind}.${name.replace(/\d+/, "#")}`, { number });
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function control(field) {
  const name = id();
  const [label, hint] = [about("set", field.name) ?? field.doc, about("hint", field.name)];
  const hinted = hint === undefined ? undefined : `${name}h`;
  const input = entry(field, { id: name, name: field.wire, "aria-describedby": hinted });
  const flag = field.kind === "flag";
  const row = el(
    "div",
    { class: flag ? "field flag" : "field" },
    el("label", { for: name }, label),
    input,
    hint !== undefined && el("small", { id: hinted }, hint),
  );
  const checkbox = input instanceof HTMLInputElement && flag ? input : undefined;
  const select = input instanceof HTMLSelectElement ? input : undefined;
  return {
    field,
    row,
    read: () => (checkbox ? String(Number(checkbox.checked)) : input.value),
    write: (value) => {
      if (checkbox) checkbox.checked = value === "1";
      else input.value = field.kind === "ip" && value === NO_ADDRESS ? "" : value;
      // What was wrong with the old one is not with this.
      input.setCustomValidity("");
      // What was set elsewhere may be none of what is offered here.
      if (select && select.value !== value) select.append(el("option", { value, selected: true }, value));
    },
  };
}

/**
 * A text of so many bytes at most. What is longer is told, not cut: nobody sees what a pasted password lost.
 *
 * @param {Record<string, unknown>} given
 * @param {number} [max]
 * @param {(value: string) => string} [wrong] Says what else is wrong with it.
 */
export function bounded(given, max = Infinity, wrong = () => "") {
  const input = el("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...given });
  input.addEventListener("input", () => {
    const long = new TextEncoder().encode(input.value).length > max;
    input.setCustomValidity(long ? say("form.long", { max }) : wrong(input.value));
  });
  return input;
}

/**
 * A secret. The mask keeps what is there; whoever types means something new.
 *
 * @param {Record<string, unknown>} given
 * @param {number} [max]
 */
export function secret(given, max) {
  const wrong = (/** @type {string} */ value) => (value.includes(MASK) && value !== MASK ? say("form.mask") : "");
  const input = bounded({ type: "password", autocomplete: "new-password", ...given }, max, wrong);
  input.addEventListener("focus", () => input.value === MASK && input.select());
  return input;
}

/** How a listing writes that there is no address. */
const NO_ADDRESS = "0.0.0.0";

/**
 * @param {Field} field
 * @param {Record<string, unknown>} given
 */
function entry(field, given) {
  switch (field.kind) {
    case "flag":
      return el("input", { type: "checkbox", role: "switch", ...given });
    case "int":
      return el("input", {
        type: "number",
        inputmode: "numeric",
        step: 1,
        min: field.min,
        max: field.max,
        required: true,
        ...given,
      });
    case "choice":
    case "one-of":
      return el("select", given, ...options(field));
    case "secret":
      return secret(given, field.max);
    case "mail":
      return bounded({ ...given, inputmode: "email", pattern: "[^\\s@]+@[^\\s@]+" }, field.max);
    case "url":
      return bounded({ ...given, type: "url", pattern: "https?://.+" }, field.max);
    case "ip":
      return bounded({ ...given, inputmode: "decimal", pattern: "(\\d{1,3}\\.){3}\\d{1,3}" });
    case "mac":
      return bounded({ ...given, pattern: "[0-9A-Fa-f]{12}" });
    default:
      return bounded(given, field.max);
  }
}

/** @param {Field} field */
function options({ name, choices = [] }) {
  const offered = choices.filter(([, plain]) => plain !== RESERVED);
  return offered.map(([value, plain]) => el("option", { value }, about("choice", `${name}.${value}`) ?? plain));
}
