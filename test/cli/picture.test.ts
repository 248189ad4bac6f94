import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { type Picture, PictureError } from "../../src/picture/picture.ts";
import { type Plane, resize } from "../../src/picture/plane.ts";
import { decodePng } from "../../src/picture/png.ts";
import { preparePicture } from "../../src/picture/prepare.ts";
import { chunk, rawPng } from "../support/png.ts";

function red({ rgb }: Picture): number[] {
  return Array.from({ length: rgb.length / 3 }, (_, i) => Math.round(rgb[3 * i]! * 1000) / 1000);
}

describe("decodePng", () => {
  test.each([
    [1, [[0b10100000], [0b01000000]], [1, 0, 1, 0, 1, 0]],
    [2, [[0b00011000], [0b11000000]], [0, 0.333, 0.667, 1, 0, 0]],
    [
      4,
      [
        [0x0f, 0x30],
        [0xf0, 0x00],
      ],
      [0, 1, 0.2, 1, 0, 0],
    ],
    [
      8,
      [
        [0, 51, 255],
        [255, 0, 0],
      ],
      [0, 0.2, 1, 1, 0, 0],
    ],
    [
      16,
      [
        [0, 0, 0x33, 0x33, 0xff, 0xff],
        [0xff, 0xff, 0, 0, 0, 0],
      ],
      [0, 0.2, 1, 1, 0, 0],
    ],
  ])("grey of %i bits", (depth, rows, expected) => {
    const picture = decodePng(rawPng({ width: 3, height: 2, depth, colourType: 0, rows }));
    expect(red(picture)).toEqual(expected);
    expect(picture.alpha).toBeUndefined();
  });

  test("palettes of few bits, with transparency", () => {
    const chunks = [chunk("PLTE", Uint8Array.of(255, 0, 0, 0, 255, 0)), chunk("tRNS", Uint8Array.of(0))];
    const picture = decodePng(
      rawPng({ width: 3, height: 2, depth: 1, colourType: 3, rows: [[0b01000000], [0b11100000]], chunks }),
    );
    expect(red(picture)).toEqual([1, 0, 1, 0, 0, 0]);
    expect([...picture.alpha!]).toEqual([0, 1, 0, 1, 1, 1]);
  });

  test("one transparent colour of a grey or RGB picture", () => {
    const grey = rawPng({
      width: 2,
      height: 1,
      depth: 8,
      colourType: 0,
      rows: [[7, 8]],
      chunks: [chunk("tRNS", Uint8Array.of(0, 7))],
    });
    expect([...decodePng(grey).alpha!]).toEqual([0, 1]);
    const rgb = rawPng({
      width: 3,
      height: 1,
      depth: 8,
      colourType: 2,
      rows: [[1, 2, 3, 1, 2, 4, 2, 2, 3]],
      chunks: [chunk("tRNS", Uint8Array.of(0, 1, 0, 2, 0, 3))],
    });
    expect([...decodePng(rgb).alpha!]).toEqual([0, 1, 1]);
  });

  test("alpha, RGB, and interlacing", () => {
    const data = Uint8Array.from({ length: 5 * 3 * 4 }, (_, i) => i * 4);
    for (const interlace of ["null", "Adam7"] as const) {
      const picture = decodePng(encode({ width: 5, height: 3, channels: 4, data }, { interlace }));
      expect(picture.rgb[3 * 7 + 1]).toBeCloseTo(data[4 * 7 + 1]! / 255, 6);
      expect(picture.alpha![14]).toBeCloseTo(data[59]! / 255, 6);
    }
    const two = decodePng(encode({ width: 2, height: 1, channels: 2, data: Uint8Array.of(255, 0, 0, 255) }));
    expect([...two.rgb, ...two.alpha!]).toEqual([1, 1, 1, 0, 0, 0, 0, 1]);
  });

  const good = encode({ width: 9, height: 9, channels: 1, data: new Uint8Array(81) });
  test.each([
    ["no PNG", new TextEncoder().encode("<svg/>"), /^is in SVG format, and only PNG/],
    ["nothing", new Uint8Array(), /^is empty; expected a PNG/],
    ["a signature alone", good.slice(0, 8), /damaged/],
    ["a part", good.slice(0, good.length - 20), /damaged/],
    ["a flipped bit", good.map((byte, i) => (i === 45 ? byte ^ 1 : byte)), /damaged/],
    [
      "a header that promises terabytes",
      good.map((byte, i) => (i > 15 && i < 24 ? 0x7f : byte)),
      /2139062143x/,
    ],
    [
      "interlaced bits",
      rawPng({ width: 1, height: 1, depth: 1, colourType: 0, interlaced: true, rows: [[0]] }),
      /interlaced PNG of 1 bits/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodePng(bytes)).toThrow(PictureError);
    expect(() => decodePng(bytes)).toThrow(message);
  });

  const palette = chunk("PLTE", Uint8Array.of(255, 0, 0, 0, 255, 0));
  const see = chunk("tRNS", Uint8Array.of(0));
  /** Two pixels of a palette. */
  const indexed = (chunks: readonly Uint8Array[], rows: readonly (readonly number[])[] = [[0, 1]]) =>
    rawPng({ width: 2, height: 1, depth: 8, colourType: 3, rows, chunks });

  test.each(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"])("refuses a checksum of %s that is wrong", (type) => {
    const bytes = indexed([palette, see]);
    expect(decodePng(bytes).width).toBe(2);
    const at = Buffer.from(bytes).indexOf(type);
    const length = new DataView(bytes.buffer).getUint32(at - 4);
    // The last of the checksum's own four bytes: what it is of stays as it was.
    bytes[at + 4 + length + 3]! ^= 1;
    expect(() => decodePng(bytes)).toThrow(PictureError);
    expect(() => decodePng(bytes)).toThrow(/is a damaged PNG: .*CRC/i);
  });

  test("does not look into what its pixels do not need", () => {
    // None of them could be unpacked.
    const junk = Uint8Array.from({ length: 40 }, (_, i) => (i === 3 ? 0 : 99));
    const others = ["iCCP", "zTXt", "iTXt", "eXIf", "gAMA", "acTL", "fcTL", "prIv"].map((type) =>
      chunk(type, junk),
    );
    expect(decodePng(indexed([...others, palette, see, ...others]))).toEqual(
      decodePng(indexed([palette, see])),
    );
  });

  /** The PNG with `count` chunks of pixels, `bytes` in each, before its own. */
  function withChunks(png: Uint8Array, count: number, bytes: Uint8Array): Uint8Array {
    const at = Buffer.from(png).indexOf("IDAT") - 4;
    const one = chunk("IDAT", bytes);
    const out = new Uint8Array(png.length + count * one.length);
    out.set(png.subarray(0, at));
    for (let i = 0; i < count; i++) out.set(one, at + i * one.length);
    out.set(png.subarray(at), at + count * one.length);
    return out;
  }

  test("refuses chunks that are too many, as each costs more than its bytes, and leaves empty ones out", () => {
    const refusal = "is a PNG of more than 65,536 chunks; save it with larger ones";
    const bytes = indexed([palette, see]);
    expect(() => decodePng(withChunks(bytes, 70_000, Uint8Array.of(0)))).toThrow(PictureError);
    expect(() => decodePng(withChunks(bytes, 70_000, Uint8Array.of(0)))).toThrow(refusal);
    expect(decodePng(withChunks(bytes, 70_000, new Uint8Array()))).toEqual(decodePng(bytes));
    const empty = bytes.slice(0, Buffer.from(bytes).indexOf("IDAT") - 4);
    expect(() =>
      decodePng(
        Uint8Array.from([...empty, ...chunk("IDAT", new Uint8Array()), ...chunk("IEND", new Uint8Array())]),
      ),
    ).toThrow(PictureError);
  });

  test("takes the bits of a channel that its colour type may have, and no others", () => {
    const legal: Record<number, number[]> = {
      0: [1, 2, 4, 8, 16],
      2: [8, 16],
      3: [1, 2, 4, 8],
      4: [8, 16],
      6: [8, 16],
    };
    for (let colourType = 0; colourType <= 8; colourType++)
      for (const depth of [0, 1, 2, 3, 4, 8, 16, 32]) {
        const bits = depth * ({ 2: 3, 4: 2, 6: 4 }[colourType] ?? 1);
        const rows = [new Array(Math.ceil((2 * bits) / 8)).fill(0)];
        const chunks = colourType === 3 ? [palette] : [];
        const read = () => decodePng(rawPng({ width: 2, height: 1, depth, colourType, rows, chunks }));
        if (legal[colourType]?.includes(depth)) expect(read().rgb).toHaveLength(6);
        else
          expect(read).toThrow(`its header has colour type ${colourType}, ${depth} bits and interlacing 0`);
      }
  });

  test("unpacks no more than its size takes", () => {
    const size = { width: 28, height: 28, depth: 8, colourType: 0 };
    const rows = Array.from({ length: 28 }, () => new Array(28).fill(7));
    expect(decodePng(rawPng({ ...size, rows })).height).toBe(28);
    const bomb = rawPng({ ...size, rows: [...rows, new Array(20_000_000).fill(0)] });
    expect(bomb.length).toBeLessThan(25_000);
    expect(() => decodePng(bomb)).toThrow("unpacks to more than the 812 bytes that its size takes");
    expect(() => decodePng(rawPng({ ...size, rows: rows.slice(1) }))).toThrow(
      "unpacks to 783 bytes, but its size takes 812",
    );
    expect(() => decodePng(rawPng({ ...size, rows: [...rows, []] }))).toThrow(/more than the 812/);
  });

  test("counts the bytes of every kind of picture, interlaced ones of any size included", () => {
    for (const channels of [1, 2, 3, 4] as const)
      for (const depth of [8, 16] as const)
        for (let width = 1; width <= 9; width += 2)
          for (let height = 1; height <= 9; height += 2)
            for (const interlace of ["null", "Adam7"] as const) {
              const data = new (depth === 8 ? Uint8Array : Uint16Array)(width * height * channels).fill(9);
              const bytes = encode({ width, height, channels, depth, data }, { interlace });
              expect(decodePng(bytes).rgb).toHaveLength(3 * width * height);
            }
  });

  test.each([
    ["50,000,000 x 1", 50_000_000, 1],
    ["32,769 x 1", 32_769, 1],
    ["5,001 x 5,000", 5001, 5000],
    ["0 x 5", 0, 5],
  ])("refuses a size of %s", (_, width, height) => {
    const bytes = rawPng({ width, height, depth: 1, colourType: 0, rows: [[0]] });
    expect(() => decodePng(bytes)).toThrow(PictureError);
    expect(() => decodePng(bytes)).toThrow(
      `is ${width}x${height} pixels; expected 1 to 32,768 pixels a side, 25,000,000 in all`,
    );
  });

  test.each([
    ["two headers", indexed([chunk("IHDR", new Uint8Array(13)), palette]), /start with one header/],
    ["two palettes", indexed([palette, palette]), /2 chunks PLTE/],
    ["two transparencies", indexed([palette, see, see]), /2 chunks tRNS/],
    [
      "a palette of 257",
      indexed([chunk("PLTE", new Uint8Array(771))]),
      /PLTE has 771 bytes, expected at most 768/,
    ],
    [
      "a transparency of many greys",
      rawPng({
        width: 1,
        height: 1,
        depth: 8,
        colourType: 0,
        rows: [[0]],
        chunks: [chunk("tRNS", new Uint8Array(4))],
      }),
      /tRNS has 4 bytes, expected at most 2/,
    ],
    ["a critical chunk that nobody knows", indexed([palette, chunk("EVIL", see)]), /EVIL is none that/],
    ["a chunk without a name", indexed([palette, chunk("\u0001\u0002ab", see)]), /chunk 3 has no name/],
    [
      "a chunk longer than the file",
      indexed([palette]).map((byte, i) => (i === 33 ? 0x7f : byte)),
      /PLTE claims 2130706438 bytes, more than the file has/,
    ],
    ["a colour outside of the palette", indexed([palette], [[0, 200]]), /damaged PNG/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodePng(bytes)).toThrow(PictureError);
    expect(() => decodePng(bytes)).toThrow(message);
  });
});

test("no picture is made for a model of absurd sizes", () => {
  const picture = { width: 2, height: 2, rgb: new Float32Array(12), alpha: undefined };
  for (const shape of [
    [1, 32_769, 1],
    [32_769, 1, 3],
    [5001, 5000, 1],
  ])
    expect(() => preparePicture(picture, shape, { metadata: {} })).toThrow(
      /pictures are made of 1 to 32,768 pixels/,
    );
});

describe("resize", () => {
  const plane = (width: number, height: number, values: number[]): Plane => ({
    width,
    height,
    values: Float32Array.from(values),
  });

  test("is the mean over the area of a new pixel", () => {
    expect([...resize(plane(4, 2, [0, 1, 2, 3, 4, 5, 6, 7]), 2, 1).values]).toEqual([2.5, 4.5]);
    // 3 to 2: a new pixel covers one and a half old ones.
    expect([...resize(plane(3, 1, [3, 6, 9]), 2, 1).values]).toEqual([4, 8]);
  });

  test("enlarges linearly, keeps the mean of a constant, and leaves the same size alone", () => {
    expect([...resize(plane(2, 1, [0, 4]), 4, 1).values]).toEqual([0, 1, 3, 4]);
    for (const [w, h] of [
      [1, 1],
      [7, 3],
      [40, 2],
      [13, 50],
    ] as const)
      for (const value of resize(plane(13, 7, new Array(91).fill(0.5)), w, h).values)
        expect(value).toBeCloseTo(0.5, 6);
    expect([...resize(plane(2, 2, [1, 2, 3, 4]), 2, 2).values]).toEqual([1, 2, 3, 4]);
  });
});

/** A 28x28 image made as MNIST's are: 20 pixels high, centre of mass on pixel 14. An L of two strokes. */
function reference(): Uint8Array {
  const image = new Uint8Array(784);
  for (let y = 0; y < 20; y++) for (let x = 0; x < 3; x++) image[(y + 1) * 28 + x + 11] = 200 + y;
  for (let y = 17; y < 20; y++) for (let x = 3; x < 12; x++) image[(y + 1) * 28 + x + 11] = 255;
  return image;
}

/** The image with each pixel `scale` pixels wide, on a ground of its own with the origin at (left, top). */
function drawn(
  image: Uint8Array,
  scale: number,
  width: number,
  height: number,
  left: number,
  top: number,
): Picture {
  const rgb = new Float32Array(width * height * 3).fill(1);
  for (let y = 0; y < 28 * scale; y++)
    for (let x = 0; x < 28 * scale; x++) {
      const light = 1 - image[Math.floor(y / scale) * 28 + Math.floor(x / scale)]! / 255;
      rgb.fill(light, ((top + y) * width + left + x) * 3, ((top + y) * width + left + x) * 3 + 3);
    }
  return { width, height, rgb, alpha: undefined };
}

const MNIST = { center: true };

describe("preparePicture", () => {
  test("gives an MNIST image back, however large, wherever and on white it was drawn", () => {
    const image = reference();
    for (const picture of [
      drawn(image, 1, 28, 28, 0, 0),
      drawn(image, 1, 60, 40, 31, 0),
      drawn(image, 5, 300, 200, 20, 50),
      drawn(image, 7, 210, 900, 0, 650),
    ]) {
      const { pixels, inverted, centred } = preparePicture(picture, [28, 28, 1], MNIST);
      expect({ inverted, centred }).toEqual({ inverted: true, centred: true });
      expect([...pixels]).toEqual([...image]);
    }
  });

  test("scales into the box of 20 pixels with the proportions kept, and stretches contrast", () => {
    // A wide, faint bar on grey paper.
    const width = 200;
    const rgb = new Float32Array(width * 100 * 3).fill(0.8);
    for (let y = 40; y < 50; y++) rgb.fill(0.6, (y * width + 50) * 3, (y * width + 150) * 3);
    const { pixels } = preparePicture({ width, height: 100, rgb, alpha: undefined }, [28, 28, 1], MNIST);
    const lit = [...pixels.keys()].filter((i) => pixels[i] === 255);
    expect(lit).toHaveLength(40);
    expect(Math.min(...lit) % 28).toBe(4);
    expect(pixels.filter((value) => value > 0)).toHaveLength(40);
  });

  test("inverts only where border and training images differ, unless told", () => {
    const white = drawn(new Uint8Array(784), 1, 28, 28, 0, 0);
    const prepare = (background: number, invert?: boolean) => {
      const { pixels, inverted } = preparePicture(white, [28, 28, 1], {
        center: false,
        metadata: { background },
        invert,
      });
      return [inverted, pixels[0]];
    };
    expect(prepare(0)).toEqual([true, 0]);
    expect(prepare(1)).toEqual([false, 255]);
    expect(prepare(0, false)).toEqual([false, 255]);
    expect(prepare(1, true)).toEqual([true, 0]);
  });

  test("transparent ground: dark ink over white, light ink over black", () => {
    for (const ink of [0, 1]) {
      const alpha = new Float32Array(100);
      alpha.fill(1, 44, 46);
      const picture = { width: 10, height: 10, rgb: new Float32Array(300).fill(ink), alpha };
      const { pixels } = preparePicture(picture, [10, 10, 1], { center: false });
      expect([...pixels.keys()].filter((i) => pixels[i]! > 0)).toEqual([44, 45]);
    }
  });

  test("RGB for three channels; other inputs and blank pictures are refused", () => {
    const rgb = Float32Array.from([1, 0, 0.2, 0, 1, 0.2]);
    const picture = { width: 2, height: 1, rgb, alpha: undefined };
    const as = (shape: number[]) => preparePicture(picture, shape, { ...MNIST, invert: false });
    expect([...as([1, 2, 3]).pixels]).toEqual([255, 0, 51, 0, 255, 51]);
    expect(() => as([784])).toThrow(/\(784,\)/);
    expect(() => as([2, 2, 2])).toThrow(PictureError);
    const blank = drawn(new Uint8Array(784), 1, 28, 28, 0, 0);
    expect(() => preparePicture(blank, [28, 28, 1], MNIST)).toThrow(/nothing is drawn/);
  });
});
