// What `decoder_control.cgi` and `camera_control.cgi` are told, by their numbers (PROFILE 4.8, 5.4).

/** Ways of the head: what begins one, what stops it. */
export const WAYS = /** @type {Record<string, { go: number, stop: number, sign: string }>} */ ({
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

/** Those whose numbers every head takes for the same. */
export const PLAIN_WAYS = ["up", "left", "right", "down", "out", "in"];

/** Patrols: what begins one, what ends it. */
export const PATROLS = /** @type {const} */ ({ vertical: [26, 27], horizontal: [28, 29] });

/** The output. */
export const OUTPUT = { on: 94, off: 95 };

/** Settings of the picture with a range: the parameter, and the largest value. */
export const SLIDES = /** @type {const} */ ({ brightness: [1, 255], contrast: [2, 6] });

/** Those with a choice: the parameter, and the values. */
export const CHOICES = /** @type {const} */ ({ resolution: [0, [32, 8, 2]], mode: [3, [0, 1, 2]] });

/** How the picture is turned: the parameter, and its bits. */
export const FLIP = { param: 5, bits: { flip: 1, mirror: 2 } };
