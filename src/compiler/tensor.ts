import type { Block } from "./arena.ts";

/** A tensor in the arena. In-place ops share one. */
export class Tensor implements Block {
  readonly bytes: number;
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;
  offset = -1;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** The tensor holds its content before the first call: the host writes it. */
  written(): this {
    this.first = -1;
    return this;
  }

  /** The tensor keeps its content after the last call: the host reads it. */
  read(): this {
    this.last = Number.POSITIVE_INFINITY;
    return this;
  }
}
