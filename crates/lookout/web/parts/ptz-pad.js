// <ptz-pad>: eight ways, the centre, zoom; by pointer, touch and keyboard. A short press is a step; held, the head moves until it is let go.

import { order } from "../camera.js";
import { el } from "../dom.js";
import { say } from "../words.js";

/** What `decoder_control.cgi` is told (PROFILE 5.4): to begin, and to stop. */
const WAYS = /** @type {Record<string, { go: number, stop: number, sign: string }>} */ ({
  "up-left": { go: 90, stop: 1, sign: "↖" },
  up: { go: 0, stop: 1, sign: "↑" },
  "up-right": { go: 91, stop: 1, sign: "↗" },
  left: { go: 4, stop: 5, sign: "←" },
  centre: { go: 25, stop: 1, sign: "•" },
  right: { go: 6, stop: 7, sign: "→" },
  "down-left": { go: 92, stop: 1, sign: "↙" },
  down: { go: 2, stop: 3, sign: "↓" },
  "down-right": { go: 93, stop: 1, sign: "↘" },
  out: { go: 16, stop: 17, sign: "−" },
  in: { go: 18, stop: 19, sign: "+" },
});

/** Which keys turn the head. */
const KEYS = /** @type {Record<string, string>} */ ({
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", "+": "in", "-": "out", Home: "centre",
});

/** From when on a press is held, ms. */
const HELD = 250;
/** How long a step turns, ms. */
const STEP = 120;

export class PtzPad extends HTMLElement {
  /** @type {{ way: string, at: number } | undefined} */
  #pressed;
  /** Orders go out one behind the other: no stop overtakes what it stops. */
  #told = Promise.resolve();

  connectedCallback() {
    const key = (/** @type {string} */ way) => {
      const words = say(`ptz.${way}`);
      const press = el("button", { type: "button", class: way, "aria-label": words, title: words }, WAYS[way].sign);
      press.addEventListener("pointerdown", (event) => {
        press.setPointerCapture(event.pointerId);
        this.#go(way);
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) press.addEventListener(end, this.#stop);
      press.addEventListener("contextmenu", (event) => event.preventDefault());
      // By keyboard or a screen reader a button is only clicked: a step.
      press.addEventListener("click", (event) => event.detail === 0 && this.#step(way));
      return press;
    };
    this.replaceChildren(...Object.keys(WAYS).map(key));
    this.addEventListener("keydown", (event) => {
      const way = KEYS[event.key];
      if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      if (!event.repeat) this.#go(way);
    });
    this.addEventListener("keyup", (event) => event.key in KEYS && this.#stop());
    this.addEventListener("focusout", this.#stop);
    window.addEventListener("blur", this.#stop);
    window.addEventListener("pagehide", this.#stop);
  }

  disconnectedCallback() {
    this.#stop();
    window.removeEventListener("blur", this.#stop);
    window.removeEventListener("pagehide", this.#stop);
  }

  /** @param {string} way */
  #go(way) {
    if (this.#pressed) return;
    this.#pressed = { way, at: performance.now() };
    this.#tell(WAYS[way].go);
  }

  #stop = () => {
    const pressed = this.#pressed;
    if (!pressed) return;
    this.#pressed = undefined;
    const held = performance.now() - pressed.at;
    // A tap turns as long as a step does, however short it was.
    if (pressed.way !== "centre") setTimeout(() => this.#tell(WAYS[pressed.way].stop), held < HELD ? Math.max(0, STEP - held) : 0);
  };

  /** @param {string} way */
  #step(way) {
    this.#go(way);
    this.#stop();
  }

  /** @param {number} command */
  #tell(command) {
    const refused = (/** @type {unknown} */ detail) => this.dispatchEvent(new CustomEvent("refused", { detail }));
    this.#told = this.#told.then(() => order("decoder_control.cgi", { command }, { keepalive: true })).catch((error) => void refused(error));
  }
}

customElements.define("ptz-pad", PtzPad);
