// Forms of settings, made from `forms.json`: a setting that is new in the camera has a field here without new markup.

import { json, list, order } from "./camera.js";
import { el, id } from "./dom.js";
import { known, say } from "./words.js";

/**
 * @typedef {{ name: string, wire: string, list: string, listed: string, must: boolean, doc: string, kind: string, factory?: string | number,
 *   min?: number, max?: number, choices?: [string | number, string][] }} Field
 * @typedef {{ doc: string, login: [string, string], fields: Field[] }} Form
 * @typedef {{ field: Field, row: HTMLElement, read: () => string, write: (value: string) => void }} Control
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
  /** @type {Record<string, string>} What was listed. */
  #before = {};

  /**
   * @param {string} path The CGI.
   * @param {Form} form
   * @param {{ only?: (field: Field) => boolean, hidden?: (field: Field) => boolean }} [choice] Which fields are set here, and which of
   *   them somebody else shows.
   */
  constructor(path, form, { only = () => true, hidden = () => false } = {}) {
    this.path = path;
    this.fields = form.fields.filter(only);
    this.element = el("form", { class: "settings", novalidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) });
    this.told = el("p", { role: "status", class: "told" });
    for (const field of this.fields.filter((field) => !hidden(field))) {
      const made = control(field);
      this.#controls.push(made);
      this.element.append(made.row);
    }
    this.save = el("button", { type: "submit", class: "primary" }, say("save"));
    this.element.append(el("div", { class: "actions" }, this.save, this.told));
  }

  /** Shows what is set. */
  async load() {
    const pages = await Promise.all([...new Set(this.fields.map((field) => field.list))].map(async (page) => [page, await list(page)]));
    /** @type {Record<string, import("./model/vars.js").Vars>} */
    const listed = Object.fromEntries(pages);
    this.#before = Object.fromEntries(this.fields.map((field) => [field.wire, String(listed[field.list][field.listed] ?? "")]));
    for (const { field, write } of this.#controls) write(this.#before[field.wire]);
    return this;
  }

  /** Gives what is set and what is typed over it. */
  values() {
    const typed = Object.fromEntries(this.#controls.map(({ field, read }) => [field.wire, read()]));
    return { ...this.#before, ...typed };
  }

  /** Gives the control of a setting. */
  control(/** @type {string} */ wire) {
    return this.#controls.find(({ field }) => field.wire === wire);
  }

  /**
   * Stores what the form says.
   *
   * @param {Record<string, string>} [beside] What somebody else has for the same CGI.
   */
  async store(beside = {}) {
    await order(this.path, { ...this.values(), ...beside });
    await this.load();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    if (!this.element.reportValidity()) return;
    this.save.disabled = true;
    this.told.textContent = "";
    try {
      await this.store();
      this.told.textContent = say("saved");
    } catch (error) {
      this.told.textContent = say(`refused.${/** @type {import("./camera.js").Refused} */ (error).why}`);
    } finally {
      this.save.disabled = false;
    }
  }
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function control(field) {
  const name = id();
  const [label, hint] = [known(`set.${field.name}`) ?? field.doc, known(`hint.${field.name}`)];
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
  return {
    field,
    row,
    read: () => (checkbox ? String(Number(checkbox.checked)) : input.value),
    write: (value) => {
      if (checkbox) checkbox.checked = value === "1";
      else input.value = value;
    },
  };
}

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
    case "words":
      return el(
        "select",
        given,
        ...(field.choices ?? []).map(([value, word]) => el("option", { value }, known(`choice.${field.name}.${value}`) ?? word)),
      );
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
