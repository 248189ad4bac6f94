import { describe, expect, test } from "vitest";
import { fitPicture, type Pixels, unfitPicture } from "../../src/picture/fit.ts";
import type { Picture } from "../../src/picture/picture.ts";

// What a model made of a picture lies over it: of a model that gives back what it took, the picture comes back.

function picture(width: number, height: number, at: (x: number, y: number) => number): Picture {
  const values = Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  return { width, height, rgb: Float32Array.from(values.flatMap((v) => [v, v, v])), alpha: undefined };
}

/** Quarters of four greys, which 8x8 pixels hold however they are resized. */
const quarters = (width: number, height: number) =>
  picture(width, height, (x, y) => (64 * ((x < width / 2 ? 0 : 1) + (y < height / 2 ? 0 : 2)) + 40) / 255);

function back(of: Picture, side: number, resize: "stretch" | "crop" | "pad"): Pixels {
  const data = fitPicture(of, [side, side, 1], { interpolation: "nearest", resize });
  return unfitPicture({ width: side, height: side, channels: 1, data }, of, [side, side], resize, "nearest");
}

const bytes = ({ rgb }: Picture) =>
  Uint8Array.from({ length: rgb.length / 3 }, (_, i) => Math.round(255 * rgb[3 * i]!));

describe("unfitPicture", () => {
  test.each([
    ["stretch", 24, 16],
    ["stretch", 4, 6],
    ["pad", 24, 12],
    ["pad", 12, 24],
    ["crop", 16, 16],
  ] as const)("of one that is fitted by %s, %ix%i", (resize, width, height) => {
    const own = quarters(width, height);
    const { data, ...size } = back(own, 8, resize);
    expect(size).toEqual({ width, height, channels: 1 });
    expect(data).toEqual(bytes(own));
  });

  test("around the middle of a cropped one all is 0", () => {
    const own = quarters(24, 16);
    const { data } = back(own, 8, "crop");
    const expected = bytes(own).map((byte, i) => (i % 24 >= 4 && i % 24 < 20 ? byte : 0));
    expect(data).toEqual(expected);
  });

  test("of outputs smaller than what the model took, and of colours", () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const made = unfitPicture(
      { width: 2, height: 2, channels: 3, data },
      { width: 4, height: 4 },
      [8, 8],
      "stretch",
      "nearest",
    );
    expect(Array.from(made.data.subarray(0, 12))).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
    expect(Array.from(made.data.subarray(36))).toEqual([7, 8, 9, 7, 8, 9, 10, 11, 12, 10, 11, 12]);
  });
});
