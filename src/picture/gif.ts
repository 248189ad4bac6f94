import { checkSize } from "./codec.ts";
import { type Picture, PictureError } from "./picture.ts";
import { pictureOf } from "./pixels.ts";

// Written here, as what reads GIF elsewhere takes memory before it looks at sizes, or prints to the console.
// The format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt

const MAX_CODES = 4096;
/** A screen costs a file nothing: one of more pixels must be filled by its picture, but for so many times that. */
const MOST_EMPTY = 4_000_000;
const MOST_EMPTY_SHARE = 16;
/** Interlaced rows come in four passes: where each starts, and how far apart its rows are. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

const damaged = (what: string) => new PictureError(`is a damaged GIF: ${what}`);

/** Decodes the first picture of a GIF, on its screen: what it does not cover is transparent. Throws PictureError. */
export function decodeGif(bytes: Uint8Array): Picture {
  const reader = new Reader(bytes, 6);
  const [width, height, flags] = [reader.u16(), reader.u16(), reader.u8()];
  checkSize(width, height);
  // Background colour and aspect ratio: viewers heed neither.
  reader.take(2);
  const global = flags & 0x80 ? reader.take(3 * colours(flags)) : undefined;
  let transparent: number | undefined;
  for (;;) {
    const kind = reader.u8();
    if (kind === 0x3b) throw damaged("it holds no picture");
    if (kind === 0x21) {
      const label = reader.u8();
      const [block] = reader.blocks();
      if (label === 0xf9 && block && block.length >= 4) transparent = block[0]! & 1 ? block[3] : undefined;
      continue;
    }
    if (kind !== 0x2c) throw damaged(`it has a block of no known kind (${kind})`);
    const [left, top, w, h, local] = [reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u8()];
    if (w === 0 || h === 0 || left + w > width || top + h > height)
      throw damaged("its picture does not lie on its screen");
    if (width * height > Math.max(MOST_EMPTY, MOST_EMPTY_SHARE * w * h))
      throw new PictureError(
        `is a GIF with a screen of ${width}x${height} pixels around a picture of ${w}x${h}; crop it`,
      );
    const palette = local & 0x80 ? reader.take(3 * colours(local)) : global;
    if (!palette) throw damaged("it has no colours");
    const codeBits = reader.u8();
    if (codeBits < 1 || codeBits > 8) throw damaged(`its codes have ${codeBits} bits`);
    const indices = unpack(reader.blocks(), codeBits, w * h);
    return pictureOf({
      width,
      height,
      data: paint(indices, {
        width,
        height,
        left,
        top,
        w,
        h,
        palette,
        transparent,
        interlaced: (local & 0x40) > 0,
      }),
    });
  }
}

const colours = (flags: number) => 2 << (flags & 7);

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly w: number;
  readonly h: number;
  readonly palette: Uint8Array;
  readonly transparent: number | undefined;
  readonly interlaced: boolean;
}

/** RGBA of the whole screen. */
function paint(indices: Uint8Array, placed: Placed): Uint8Array {
  const { width, height, left, top, w, h, palette, transparent, interlaced } = placed;
  const rows = Array.from({ length: h }, (_, y) => y);
  const order = interlaced ? PASSES.flatMap(([first, step]) => rows.filter((y) => y % step === first)) : rows;
  const data = new Uint8Array(4 * width * height);
  order.forEach((y, row) => {
    for (let x = 0; x < w; x++) {
      const index = indices[row * w + x]!;
      if (index === transparent) continue;
      if (3 * index >= palette.length) throw damaged(`a pixel has colour ${index} of ${palette.length / 3}`);
      const at = 4 * ((top + y) * width + left + x);
      for (let c = 0; c < 3; c++) data[at + c] = palette[3 * index + c]!;
      data[at + 3] = 255;
    }
  });
  return data;
}

/** Undoes LZW: `count` indices, no fewer. Throws PictureError. */
function unpack(blocks: readonly Uint8Array[], codeBits: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  const clear = 1 << codeBits;
  /** Of each code the one that it continues, its last index, and its length. */
  const before = new Uint16Array(MAX_CODES);
  const last = new Uint8Array(MAX_CODES);
  const lengths = new Uint16Array(MAX_CODES);
  for (let code = 0; code < clear; code++) [last[code], lengths[code]] = [code, 1];
  let [bits, free, previous, at] = [codeBits + 1, clear + 2, -1, 0];
  let [held, holding] = [0, 0];
  /** Writes what a code stands for, and gives its first index. */
  const write = (code: number): number => {
    const end = at + lengths[code]!;
    let of = code;
    for (let to = end - 1; to >= at; to--) {
      // What goes over the end is not asked for.
      if (to < count) out[to] = last[of]!;
      if (to > at) of = before[of]!;
    }
    at = Math.min(end, count);
    return last[of]!;
  };
  for (const block of blocks)
    for (const byte of block) {
      held |= byte << holding;
      holding += 8;
      while (holding >= bits) {
        const code = held & ((1 << bits) - 1);
        held >>>= bits;
        holding -= bits;
        if (code === clear) {
          [bits, free, previous] = [codeBits + 1, clear + 2, -1];
          continue;
        }
        if (code === clear + 1) {
          if (at < count) throw damaged(`it ends after ${at} of ${count} pixels`);
          return out;
        }
        if (previous < 0) {
          if (code > clear) throw damaged(`a code is ${code}, of which nothing was said`);
          write(code);
        } else {
          if (code > free || (code === free && free === MAX_CODES))
            throw damaged(`a code is ${code}, of which nothing was said`);
          if (free < MAX_CODES) {
            before[free] = previous;
            lengths[free] = lengths[previous]! + 1;
            // The code that is being made ends as it begins, and it begins as the one before.
            let of = code === free ? previous : code;
            while (lengths[of]! > 1) of = before[of]!;
            last[free] = last[of]!;
            free++;
            if (free === 1 << bits && bits < 12) bits++;
          }
          write(code);
        }
        previous = code;
        if (at === count) return out;
      }
    }
  throw damaged(`it ends after ${at} of ${count} pixels`);
}

/** Reads on from a place; throws PictureError at the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw damaged("it is cut off");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    const [low, high] = this.take(2) as unknown as [number, number];
    return low + 256 * high;
  }

  /** Blocks up to the empty one that ends them. */
  blocks(): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    for (let length = this.u8(); length > 0; length = this.u8()) blocks.push(this.take(length));
    return blocks;
  }
}
