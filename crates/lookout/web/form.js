// Forms of settings, made from `forms.json`: a setting that is new in the camera has a field here without new markup.

import { json, list, order } from "./camera.js";
import { el, id } from "./dom.js";
import { known, reason, say } from "./words.js";

/**
 * @typedef {{ name: string, wire: string, list: string, listed: string, must: boolean, doc: string, kind: string, factory?: string | number,
 *   min?: number, max?: number, choices?: [string | number, string][] }} Field
 * @typedef {{ doc: string, login: [string, string], fields: Field[] }} Form
 * @typedef {{ field: Field, row: HTMLElement, read: () => string, write: (value: string) => void }} Control
 * @typedef {{ only?: (field: Field) => boolean, hidden?: (field: Field) => boolean, beside?: () => Record<string, string>,
 *   offers?: Record<string, [string | number, string][]>, section?: (field: Field) => string | undefined }} Choice Which fields are set
 *   here (all), which of them have no control, what somebody else has for the same CGI, which values of a number are offered, by the
 *   setting's name, and under which heading a field is folded away.
 */

/** What a listing shows of a secret that is set, and what keeps it as it is. */
const MASK = "********";

/** @type {Promise<Record<string, Form>> | undefined} */
let forms;

/** Gives all forms. */
export const all = () => (forms ??= json("forms.json"));

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
  constructor(path, form, { only = () => true, hidden = () => false, beside = () => ({}), offers = {}, section = () => undefined } = {}) {
    this.path = path;
    this.#beside = beside;
    this.fields = form.fields.filter(only);
    this.element = el("form", { class: "settings", novalidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) });
    this.told = el("p", { role: "status", class: "told" });
    for (const field of this.fields.filter((field) => !hidden(field))) {
      const offered = offers[field.name];
      const made = control(offered ? { ...field, kind: "choice", choices: offered } : field);
      this.#controls.push(made);
      this.#room(section(field)).append(made.row);
    }
    this.save = el("button", { type: "submit", class: "primary" }, say("save"));
    this.element.append(el("div", { class: "actions" }, this.save, this.told));
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
    const pages = await Promise.all([...new Set(this.fields.map((field) => field.list))].map(async (page) => [page, await list(page)]));
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

  /** Stores what the form says; its element then tells `saved`. */
  async store() {
    // What has no control here may have been set elsewhere meanwhile.
    await order(this.path, { ...(await this.#listed()), ...this.#typed(), ...this.#beside() });
    await this.load();
    this.element.dispatchEvent(new Event("saved"));
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    if (!this.element.reportValidity()) return;
    this.save.disabled = true;
    this.told.textContent = "";
    this.told.textContent = await this.store().then(() => say("saved"), reason);
    this.save.disabled = false;
  }
}

/**
 * Says something of a setting, if there are words for it; those of a row of alike settings have `#` for its number.
 *
 * @param {string} kind
 * @param {string} name
 */
function about(kind, name) {
  const number = /\d+/.exec(name)?.[0];
  const words = known(`${kind}.${name}`) ?? known(`${kind}.${name.replace(/\d+/, "#")}`);
  return words?.replace("{number}", number ?? "");
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
      // What was set elsewhere may be none of what is offered here.
      if (select && select.value !== value) select.append(el("option", { value, selected: true }, value));
    },
  };
}

/** How a listing writes that there is no address. */
const NO_ADDRESS = "0.0.0.0";

/**
 * @param {Field} field
 * @param {Record<string, unknown>} given
 */
function entry(field, given) {
  const text = { type: "text", maxlength: field.max, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...given };
  switch (field.kind) {
    case "flag":
      return el("input", { type: "checkbox", role: "switch", ...given });
    case "int":
      return el("input", { type: "number", inputmode: "numeric", step: 1, min: field.min, max: field.max, required: true, ...given });
    case "choice":
    case "words": {
      const word = (/** @type {string | number} */ value, /** @type {string} */ word) => about(`choice`, `${field.name}.${value}`) ?? word;
      return el("select", given, ...(field.choices ?? []).map(([value, plain]) => el("option", { value }, word(value, plain))));
    }
    case "secret":
      // The mask keeps what is there; whoever types means something new.
      return el("input", { ...text, type: "password", autocomplete: "new-password", onfocus: select });
    case "mail":
      return el("input", { ...text, type: "email" });
    case "url":
      return el("input", { ...text, type: "url", pattern: "https?://.+" });
    case "ip":
      return el("input", { ...text, inputmode: "decimal", pattern: "(\\d{1,3}\\.){3}\\d{1,3}" });
    case "mac":
      return el("input", { ...text, pattern: "[0-9A-Fa-f]{12}" });
    default:
      return el("input", text);
  }
}

/** @param {Event} event */
function select(event) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.value === MASK) input.select();
}
