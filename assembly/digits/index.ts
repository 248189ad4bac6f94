// The ABI of digits.wasm, a module of its own. Image i of seed s is a pure function of (s, i).
import { drawDigit } from "./digit";
import { DIGIT_PIXELS } from "./raster";
import { below, reseed } from "./random";

/** Images that fit the static buffers: the most one call of `generate` makes. */
export const CHUNK: i32 = 256;

export const pixels: usize = memory.data(CHUNK * DIGIT_PIXELS);
export const labels: usize = memory.data(CHUNK);

const ORDER: u32 = 0;
const SHAPE: u32 = 1;

/** Class of image i: each block of ten images holds every class once, in an order of its own. */
function classOf(seed: u32, i: u32): i32 {
  reseed(seed, i / 10, ORDER);
  let order: u64 = 0x9876543210;
  // Fisher-Yates on ten hexadecimal digits, stopped at the one that is asked for.
  for (let k = 0; k < 10; k++) {
    const j = k + below(10 - k);
    const swapped = ((order >> (4 * k)) ^ (order >> (4 * j))) & 15;
    order ^= (swapped << (4 * k)) | (swapped << (4 * j));
    if (<u32>k == i % 10) return <i32>((order >> (4 * k)) & 15);
  }
  return 0;
}

/** Writes images first .. first + count - 1 of `seed` to `pixels` (28 x 28 bytes each) and their classes to `labels`. */
export function generate(seed: u32, first: u32, count: i32): void {
  for (let k = 0; k < count; k++) {
    const i = first + k;
    const digit = classOf(seed, i);
    reseed(seed, i, SHAPE);
    drawDigit(digit, pixels + k * DIGIT_PIXELS);
    store<u8>(labels + k, <u8>digit);
  }
}
