import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import type { ImageSet } from "../../src/data/types.ts";
import { generateDigits } from "../../src/node.ts";
import { pictureTraits } from "../../src/picture/centred.ts";
import { bars } from "../cli/helpers.ts";

const COUNT = 200;
let digits: ImageSet;

beforeAll(async () => {
  ({ train: digits } = await generateDigits({ train: COUNT, test: 1 }));
});

/** The digits with each image changed; `at` reads the old one's pixel, 0 outside of it. */
function changed(pixel: (at: (x: number, y: number) => number, x: number, y: number, i: number) => number) {
  const images = digits.images.map((_, n) => {
    const [i, y, x] = [Math.floor(n / 784), Math.floor((n % 784) / 28), n % 28];
    const at = (px: number, py: number) =>
      px >= 0 && px < 28 && py >= 0 && py < 28 ? digits.images[784 * i + 28 * py + px]! : 0;
    return pixel(at, x, y, i);
  });
  return { ...digits, images };
}

describe("images whose ink is placed as MNIST's", () => {
  it("are the generated digits, whatever they are called", () => {
    expect(pictureTraits(digits)).toEqual({ background: expect.closeTo(0, 2), centred: true });
  });

  it("are dark on light, too", () => {
    const light = pictureTraits({ ...digits, images: digits.images.map((value) => 255 - value) });
    expect(light).toEqual({ background: expect.closeTo(1, 2), centred: true });
  });

  it("are a few of them, and beside images that are blank", () => {
    expect(pictureTraits({ ...digits, count: 10 }).centred).toBe(true);
    expect(pictureTraits(changed((at, x, y, i) => (i % 2 ? 0 : at(x, y)))).centred).toBe(true);
    expect(pictureTraits(changed(() => 0)).centred).toBe(false);
  });

  const folder = process.env.WASMGRAD_DATA ? join(process.env.WASMGRAD_DATA, "mnist") : "";
  const here = folder !== "" && existsSync(folder);
  it.skipIf(!here)(`are MNIST's${here ? "" : " (its files are not in $WASMGRAD_DATA/mnist)"}`, () => {
    const file = readFileSync(join(folder, "train-images-idx3-ubyte.gz"));
    const images = new Uint8Array(gunzipSync(file)).subarray(16, 16 + 784 * 500);
    const set: ImageSet = { images, labels: new Uint8Array(500), count: 500, shape: [28, 28, 1] };
    expect(pictureTraits(set).centred).toBe(true);
  });

  it.each<[string, () => ImageSet]>([
    ["digits that lie anywhere", () => changed((at, x, y, i) => at(x - (i % 7) + 3, y - (i % 5) + 2))],
    [
      "digits that fill the image",
      () => changed((at, x, y) => at((4 + (x * 20) / 28) | 0, (4 + (y * 20) / 28) | 0)),
    ],
    ["a ground that is neither dark nor light", () => changed((at, x, y) => 128 + (at(x, y) >> 1))],
    [
      "colours",
      () => ({ ...digits, images: digits.images.subarray(0, 4 * 28 * 28 * 3), count: 4, shape: [28, 28, 3] }),
    ],
    ["bars", () => bars(60)],
  ])("are not %s", (_, set) => {
    expect(pictureTraits(set()).centred).toBe(false);
  });
});
