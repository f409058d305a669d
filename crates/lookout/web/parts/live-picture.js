// <live-picture src="videostream.cgi">: the push stream on a canvas. With the attribute `still` the address is one of
// snapshots, which are asked for in turn: a browser opens six connections to a camera, and streams keep theirs.
//
// An <img> shows a picture only when the next one begins, in some browsers, and nobody can tell how old it is; so the stream is
// fetched, cut and drawn here. While the page is hidden nothing is fetched, so that nobody counts as a viewer who does not look.

import { Refused, ask } from "../camera.js";
import { Multipart } from "../model/multipart.js";

/** The longest picture that is taken, bytes. */
const LONGEST = 16 << 20;
/** How long nothing may come, ms. */
const SILENCE = 6000;
/** Pauses between attempts, ms: the first, and the longest. */
const PAUSES = [500, 15000];

/** Over how long pictures are counted, ms. */
const OF_LATE = 3000;
/** How long a snapshot is shown before the next, ms. */
const STILL = 1000;

/** Ends when the last snapshot that was asked for has come. */
let queue = Promise.resolve();

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

  /** @param {number} pictures How many came now. */
  #note(pictures) {
    const now = performance.now();
    this.#came = [...this.#came.filter((at) => at > now - OF_LATE), ...Array(pictures).fill(now)];
  }

  /** Pictures a second, of late. */
  get rate() {
    const span = (this.#came.at(-1) ?? 0) - (this.#came[0] ?? 0);
    return span > 0 ? ((this.#came.length - 1) * 1000) / span : 0;
  }

  /** How long ago the last picture came, ms; none if there is none. */
  get age() {
    const last = this.#came.at(-1);
    return last === undefined ? undefined : performance.now() - last;
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
    this.#tell("connecting");
    while (!going.signal.aborted) {
      const state = await this.#once(going.signal);
      if (going.signal.aborted) return;
      this.#tell(state);
      // Nobody is asked for a login again and again.
      if (state === "login") return;
      await new Promise((resolve) => setTimeout(resolve, this.#pause));
      this.#pause = Math.min(this.#pause * 2, PAUSES[1]);
    }
  }

  /**
   * Follows what is shown until it ends; says how it stands then.
   *
   * @param {AbortSignal} ends
   * @returns {Promise<State>}
   */
  async #once(ends) {
    const silence = new AbortController();
    const signal = AbortSignal.any([ends, silence.signal]);
    let timer = 0;
    const wait = (/** @type {boolean} */ on) => {
      clearTimeout(timer);
      if (on) timer = setTimeout(() => silence.abort(), SILENCE);
    };
    try {
      return await (this.hasAttribute("still") ? this.#stills(signal, wait) : this.#stream(signal, wait));
    } catch (error) {
      const why = error instanceof Refused ? error.why : "away";
      return why === "private" || why === "login" ? why : "lost";
    } finally {
      wait(false);
      // What could not be shown is not received any longer.
      silence.abort();
    }
  }

  /** @param {AbortSignal} signal */
  #ask(signal) {
    return ask(this.getAttribute("src") ?? "", {}, { signal });
  }

  /**
   * @param {AbortSignal} signal
   * @param {(on: boolean) => void} wait Begins to wait for something, anew if need be, or waits no more.
   * @returns {Promise<State>}
   */
  async #stream(signal, wait) {
    wait(true);
    const { body } = await this.#ask(signal);
    const [parts, reader] = [new Multipart(LONGEST), /** @type {ReadableStream<Uint8Array>} */ (body).getReader()];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "lost";
      wait(true);
      const { picture, pictures } = parts.take(value);
      this.#note(pictures);
      if (picture) await this.#draw(picture, signal);
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {(on: boolean) => void} wait Begins to wait for something, anew if need be, or waits no more.
   * @returns {Promise<State>}
   */
  async #stills(signal, wait) {
    for (;;) {
      const asked = queue.then(() => this.#still(signal, wait)).finally(() => wait(false));
      queue = asked.then(
        () => {},
        () => {},
      );
      const picture = await asked;
      this.#note(1);
      await this.#draw(picture, signal);
      await new Promise((resolve) => setTimeout(resolve, STILL));
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {(on: boolean) => void} wait
   */
  async #still(signal, wait) {
    wait(true);
    return new Uint8Array(await (await this.#ask(signal)).arrayBuffer());
  }

  /**
   * @param {Uint8Array} picture
   * @param {AbortSignal} signal
   */
  async #draw(picture, signal) {
    const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (picture)], { type: "image/jpeg" }));
    // Meanwhile nothing may be seen any more.
    if (signal.aborted) return bitmap.close();
    if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
      [this.#canvas.width, this.#canvas.height] = [bitmap.width, bitmap.height];
      this.style.setProperty("--ratio", `${bitmap.width / bitmap.height}`);
    }
    this.#canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.#pause = PAUSES[0];
    this.#tell("live");
  }

  /** @param {State} state */
  #tell(state) {
    if (this.state === state) return;
    this.state = state;
    this.dataset.state = state;
    // A picture that went is kept for a moment without connection, and not where nothing may be seen.
    if (state !== "live" && state !== "lost") this.#canvas.getContext("2d")?.reset();
    this.dispatchEvent(new Event("state"));
  }
}

customElements.define("live-picture", LivePicture);

/**
 * Makes one.
 *
 * @param {string} src
 * @param {string} label What it shows, for those who do not see it.
 * @param {boolean} [still] Whether it is one of snapshots.
 */
export function picture(src, label, still = false) {
  const picture = new LivePicture();
  picture.toggleAttribute("still", still);
  picture.setAttribute("label", label);
  picture.setAttribute("src", src);
  return picture;
}
