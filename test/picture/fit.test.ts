import { describe, expect, test } from "vitest";
import { fitPicture } from "../../src/picture/fit.ts";
import { pictureOf } from "../../src/picture/pixels.ts";
import { decodePng } from "../../src/picture/png.ts";
import { resample } from "../../src/picture/resample.ts";
import { hundredthsOf, keras, toleranceOf } from "../sources/pictures.ts";

describe("pictures become the images that Keras makes of them, rounded to bytes", () => {
  test.each(keras.cases.map((one) => [JSON.stringify(one.options), one] as const))("%s", (_, one) => {
    const { image_size, interpolation, color_mode, crop_to_aspect_ratio, pad_to_aspect_ratio } = one.options;
    const channels = color_mode ? 1 : 3;
    const hundredths = hundredthsOf(one);
    const resize = crop_to_aspect_ratio ? "crop" : pad_to_aspect_ratio ? "pad" : "stretch";
    const size = image_size[0] * image_size[1] * channels;
    expect(hundredths.length).toBe(one.files.length * size);
    one.files.forEach((name, k) => {
      const picture = decodePng(new Uint8Array(Buffer.from(keras.files[name]!, "base64")));
      const got = fitPicture(picture, [...image_size, channels], { interpolation, resize });
      let worst = 0;
      got.forEach((value, i) => {
        const expected = Math.min(Math.max(hundredths[k * size + i]! / 100, 0), 255);
        worst = Math.max(worst, Math.abs(value - expected));
      });
      expect(worst, name).toBeLessThanOrEqual(toleranceOf(one.options));
    });
  });
});

test("a picture that has the size already is taken as it is", () => {
  const data = Uint8Array.from({ length: 4 * 6 }, (_, i) => (i % 4 === 3 ? 255 : 11 * i));
  const picture = pictureOf({ width: 3, height: 2, data });
  for (const interpolation of ["bilinear", "nearest", "bicubic", "area"] as const)
    expect([...fitPicture(picture, [2, 3, 3], { interpolation })]).toEqual(
      [...data].filter((_, i) => i % 4 !== 3),
    );
});

test("sides of one pixel, and shapes far apart, keep one value as it is", () => {
  for (const interpolation of ["bilinear", "nearest", "bicubic", "area"] as const)
    for (const [w, h, toW, toH] of [
      [1, 1, 7, 5],
      [7, 5, 1, 1],
      [1, 300, 300, 1],
      [301, 2, 3, 99],
    ] as const) {
      const { values } = resample(
        { width: w, height: h, values: new Float32Array(w * h).fill(0.25) },
        toW,
        toH,
        interpolation,
      );
      expect(values.length).toBe(toW * toH);
      for (const value of values) expect(value).toBeCloseTo(0.25, 6);
    }
});
