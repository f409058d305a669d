// Cuts a push stream (`multipart/x-mixed-replace`) into its pictures.

const END_OF_HEAD = [13, 10, 13, 10];

/** Takes what comes, in pieces of any size, and gives whole pictures. */
export class Multipart {
  #kept = new Uint8Array(0);
  /** @type {number | undefined} How long the picture is whose head has been read. */
  #length;

  /**
   * @param {number} longest How many bytes a picture may have.
   */
  constructor(longest) {
    this.longest = longest;
  }

  /**
   * Takes a piece, and gives the newest whole picture in it: what is older is late already.
   *
   * @param {Uint8Array} piece
   * @returns {{ picture: Uint8Array | undefined, pictures: number }}
   */
  take(piece) {
    let bytes = piece;
    if (this.#kept.length > 0) {
      bytes = new Uint8Array(this.#kept.length + piece.length);
      bytes.set(this.#kept);
      bytes.set(piece, this.#kept.length);
    }
    let at = 0;
    let [picture, pictures] = [/** @type {Uint8Array | undefined} */ (undefined), 0];
    for (;;) {
      if (this.#length === undefined) {
        const end = find(bytes, at);
        if (end < 0) break;
        this.#length = this.#lengthOf(new TextDecoder().decode(bytes.subarray(at, end)));
        at = end + END_OF_HEAD.length;
      }
      if (bytes.length - at < this.#length) break;
      picture = bytes.slice(at, at + this.#length);
      pictures += 1;
      at += this.#length;
      this.#length = undefined;
    }
    this.#kept = bytes.slice(at);
    if (this.#kept.length > this.longest) throw new Error("not a push stream");
    return { picture, pictures };
  }

  /** @param {string} head */
  #lengthOf(head) {
    const length = Number(/^content-length:\s*(\d+)\s*$/im.exec(head)?.[1]);
    if (!(length > 0 && length <= this.longest)) throw new Error("a picture without a length");
    return length;
  }
}

/**
 * Finds the end of a head.
 *
 * @param {Uint8Array} bytes
 * @param {number} from
 */
function find(bytes, from) {
  for (let at = bytes.indexOf(13, from); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (END_OF_HEAD.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
