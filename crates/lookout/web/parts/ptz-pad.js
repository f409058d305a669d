// <ptz-pad>: eight ways, the centre, zoom; by pointer, touch and keyboard. A short press is a step; held, the head moves until
// it is let go.

import { order } from "../camera.js";
import { el } from "../dom.js";
import { WAYS } from "../model/orders.js";
import { say } from "../words.js";

/** Which keys turn the head. */
const KEYS = /** @type {Record<string, string>} */ ({
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  "+": "in",
  "-": "out",
  Home: "centre",
});

/** How long a step turns, ms. */
const STEP = 120;

export class PtzPad extends HTMLElement {
  /** Which ways the head knows. */
  ways = Object.keys(WAYS);
  /**
   * @type {{ way: string, at: number, key?: string } | undefined} `key` is the key's place: its sign may be another when it is
   *   let go.
   */
  #pressed;
  /** @type {number | undefined} What stops a tap that is let go already, a moment later. */
  #owed;
  #ends = 0;
  /** Orders go out one behind the other: no stop overtakes what it stops. */
  #told = Promise.resolve();

  connectedCallback() {
    this.replaceChildren(...this.ways.map((way) => this.#button(way)));
    this.addEventListener("keydown", this.#down);
    this.addEventListener("keyup", this.#up);
    this.addEventListener("focusout", this.#left);
    window.addEventListener("blur", this.#stop);
    window.addEventListener("pagehide", this.#gone);
  }

  disconnectedCallback() {
    this.#stop();
    window.removeEventListener("blur", this.#stop);
    window.removeEventListener("pagehide", this.#gone);
  }

  /** @param {string} way */
  #button(way) {
    const words = say(`ptz.${way}`);
    const press = el("button", { type: "button", class: way, "aria-label": words, title: words }, WAYS[way].sign);
    press.addEventListener("pointerdown", (event) => {
      press.setPointerCapture(event.pointerId);
      this.#go(way);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) press.addEventListener(end, this.#stop);
    press.addEventListener("contextmenu", (event) => event.preventDefault());
    // By keyboard or a screen reader a button is only clicked: a step.
    press.addEventListener("click", (event) => {
      if (event.detail !== 0) return;
      this.#go(way);
      this.#stop();
    });
    return press;
  }

  #down = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const way = KEYS[event.key];
    // A held Enter is one step, and a held arrow neither scrolls nor begins anew.
    if (way || (event.repeat && event.key !== "Tab")) event.preventDefault();
    if (way && this.ways.includes(way) && !event.repeat) this.#go(way, event.code);
  };

  #up = (/** @type {KeyboardEvent} */ event) => {
    if (event.code === this.#pressed?.key) this.#stop();
  };

  #left = (/** @type {FocusEvent} */ event) => {
    // A pointer has the button wherever the focus is.
    if (this.#pressed?.key && !(event.relatedTarget instanceof Node && this.contains(event.relatedTarget))) this.#stop();
  };

  /**
   * @param {string} way
   * @param {string} [key]
   */
  #go(way, key) {
    if (this.#pressed) return;
    this.#pay();
    this.#pressed = { way, at: performance.now(), key };
    this.#tell(WAYS[way].go);
  }

  #stop = () => {
    const pressed = this.#pressed;
    if (!pressed) return;
    this.#pressed = undefined;
    if (pressed.way === "centre") return;
    // A tap turns as long as a step does, however short it was.
    this.#owed = WAYS[pressed.way].stop;
    this.#ends = setTimeout(() => this.#pay(), Math.max(0, STEP - (performance.now() - pressed.at)));
  };

  /** Stops what is to be stopped. */
  #pay() {
    clearTimeout(this.#ends);
    if (this.#owed !== undefined) this.#tell(this.#owed);
    this.#owed = undefined;
  }

  /** A page that goes has no time for its turn. */
  #gone = () => {
    const stop = this.#pressed ? WAYS[this.#pressed.way].stop : this.#owed;
    if (stop !== undefined) order("decoder_control.cgi", { command: stop }, { keepalive: true }).catch(() => {});
    [this.#pressed, this.#owed] = [undefined, undefined];
  };

  /** @param {number} command */
  #tell(command) {
    const refused = (/** @type {unknown} */ detail) => void this.dispatchEvent(new CustomEvent("refused", { detail }));
    this.#told = this.#told.then(() => order("decoder_control.cgi", { command })).catch(refused);
  }
}

customElements.define("ptz-pad", PtzPad);
