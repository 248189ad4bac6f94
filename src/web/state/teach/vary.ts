// Pictures a little different from one that is given: turned, moved, nearer or farther, brighter or darker. They are drawn once, so that what a base
// makes of them can be kept as well.

import type { Colours } from "./pictures.ts";

/** Pictures that are learned beside each. */
export const VARIANTS = 3;

const [TURN, MOVE, ZOOM, LIGHT] = [0.2, 0.08, 0.12, 0.15];

/** The variants of a picture: the same ones for the same number. */
export function variantsOf(picture: Colours, number: number): Colours[] {
  const draw = numbers(number);
  return Array.from({ length: VARIANTS }, () =>
    varied(picture, {
      turn: TURN * draw(),
      x: MOVE * draw(),
      y: MOVE * draw(),
      zoom: 1 + ZOOM * draw(),
      light: 255 * LIGHT * draw(),
    }),
  );
}

/** Numbers from -1 to 1 of a small generator (mulberry32). */
function numbers(seed: number): () => number {
  let state = (seed * 2654435769) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

interface Change {
  /** Radians, about: its sine is taken for it. */
  readonly turn: number;
  /** Shares of the sides. */
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  readonly light: number;
}

/** What lies beyond the edges is as the edge is. */
function varied({ width, height, pixels }: Colours, { turn, x, y, zoom, light }: Change): Colours {
  const out = new Uint8Array(pixels.length);
  const [sine, cosine] = [turn / zoom, Math.sqrt(1 - turn * turn) / zoom];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const within = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [dx, dy] = [column - middleX - x * width, row - middleY - y * height];
      const fromX = within(middleX + cosine * dx - sine * dy, width);
      const fromY = within(middleY + sine * dx + cosine * dy, height);
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
      const [shareX, shareY] = [fromX - left, fromY - top];
      for (let c = 0; c < 3; c++) {
        const at = (px: number, py: number) => pixels[3 * (py * width + px) + c]!;
        const upper = at(left, top) * (1 - shareX) + at(right, top) * shareX;
        const lower = at(left, bottom) * (1 - shareX) + at(right, bottom) * shareX;
        // A Uint8Array takes what lies beyond its range by its last bits.
        const value = Math.round(upper * (1 - shareY) + lower * shareY + light);
        out[3 * (row * width + column) + c] = Math.min(Math.max(value, 0), 255);
      }
    }
  return { width, height, pixels: out };
}
