// <live-picture src="videostream.cgi">: the push stream on a canvas.
//
// An <img> shows a picture only when the next one begins, in some browsers, and nobody can tell how old it is; so the stream is
// fetched, cut and drawn here. While the page is hidden nothing is fetched, so that nobody counts as a viewer who does not look.

import { Multipart } from "../model/multipart.js";

/** The longest picture that is taken, bytes. */
const LONGEST = 16 << 20;
/** How long nothing may come, ms. */
const SILENCE = 6000;
/** Pauses between attempts, ms: the first, and the longest. */
const PAUSES = [500, 15000];

/** @typedef {"connecting" | "live" | "lost" | "private" | "login" | "paused"} State */

export class LivePicture extends HTMLElement {
  static observedAttributes = ["src"];

  #canvas = document.createElement("canvas");
  /** @type {AbortController | undefined} */
  #going;
  #pause = PAUSES[0];
  /** @type {number[]} When the last pictures came. */
  #came = [];
  /** @type {State} */
  state = "paused";

  connectedCallback() {
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", this.getAttribute("label") ?? "");
    this.replaceChildren(this.#canvas);
    document.addEventListener("visibilitychange", this.#turn);
    this.#turn();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#turn);
    this.#stop("paused");
  }

  attributeChangedCallback() {
    if (!this.#going) return;
    this.#stop("paused");
    this.#turn();
  }

  /** Pictures a second, of late. */
  get rate() {
    const now = performance.now();
    this.#came = this.#came.filter((at) => at > now - 3000);
    const span = (this.#came.at(-1) ?? 0) - (this.#came[0] ?? 0);
    return span > 0 ? ((this.#came.length - 1) * 1000) / span : 0;
  }

  /** How long ago the last picture came, ms; none if there is none. */
  get age() {
    const last = this.#came.at(-1);
    return last === undefined ? undefined : performance.now() - last;
  }

  /** How large the picture is. */
  get size() {
    return { width: this.#canvas.width, height: this.#canvas.height };
  }

  #turn = () => {
    if (document.hidden) this.#stop("paused");
    else if (!this.#going) this.#follow();
  };

  /** @param {State} state */
  #stop(state) {
    this.#going?.abort();
    this.#going = undefined;
    this.#tell(state);
  }

  async #follow() {
    const going = new AbortController();
    this.#going = going;
    while (!going.signal.aborted) {
      this.#tell("connecting");
      const state = await this.#once(going.signal);
      if (going.signal.aborted) return;
      this.#tell(state);
      await new Promise((resolve) => setTimeout(resolve, this.#pause));
      this.#pause = Math.min(this.#pause * 2, PAUSES[1]);
    }
  }

  /**
   * Follows the stream until it ends; says how it stands then.
   *
   * @param {AbortSignal} ends
   * @returns {Promise<State>}
   */
  async #once(ends) {
    const silence = new AbortController();
    const signal = AbortSignal.any([ends, silence.signal]);
    let timer = setTimeout(() => silence.abort(), SILENCE);
    try {
      const response = await fetch(this.getAttribute("src") ?? "", { signal, cache: "no-store" });
      if (response.status === 403) return "private";
      if (response.status === 401) return "login";
      if (!response.ok || !response.body) return "lost";
      const [parts, reader] = [new Multipart(LONGEST), response.body.getReader()];
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "lost";
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE);
        const { picture, pictures } = parts.take(value);
        for (let count = 0; count < pictures; count += 1) this.#came.push(performance.now());
        if (picture) await this.#draw(picture);
      }
    } catch {
      return "lost";
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {Uint8Array} picture */
  async #draw(picture) {
    const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (picture)], { type: "image/jpeg" }));
    if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
      [this.#canvas.width, this.#canvas.height] = [bitmap.width, bitmap.height];
      this.dispatchEvent(new Event("size"));
    }
    this.#canvas.getContext("2d", { alpha: false })?.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.#pause = PAUSES[0];
    this.#tell("live");
  }

  /** @param {State} state */
  #tell(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

customElements.define("live-picture", LivePicture);
