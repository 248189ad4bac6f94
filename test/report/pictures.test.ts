import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { filterPictures } from "../../src/report/filters.ts";
import { imageRaster, pngDataUri } from "../../src/report/png.ts";

function decodeUri(uri: string) {
  expect(uri).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/);
  return decode(Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)));
}

const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 37) % 256);

describe("imageRaster and pngDataUri", () => {
  it.each([1, 3, 4])("keep the pixels of %i channels", (channels) => {
    const pixels = bytes(5 * 7 * channels);
    const png = decodeUri(pngDataUri(imageRaster(pixels, [5, 7, channels])!));
    expect([png.width, png.height, png.channels, png.depth]).toEqual([7, 5, channels, 8]);
    expect([...png.data]).toEqual([...pixels]);
  });

  it("encode an image beyond one chunk of characters", () => {
    // Noise, so that compression leaves more than 32 KiB.
    let state = 1;
    const pixels = Uint8Array.from({ length: 300 * 300 }, () => {
      state = Math.imul(state, 1664525) + 1013904223;
      return state >>> 24;
    });
    expect([...decodeUri(pngDataUri(imageRaster(pixels, [300, 300, 1])!)).data]).toEqual([...pixels]);
  });

  it("show the first channel of 2 or 5", () => {
    expect(imageRaster(Uint8Array.of(1, 2, 3, 4), [1, 2, 2])).toEqual({
      width: 2,
      height: 1,
      channels: 1,
      data: Uint8Array.of(1, 3),
    });
    expect(imageRaster(bytes(10), [2, 1, 5])?.data).toEqual(Uint8Array.of(bytes(10)[0]!, bytes(10)[5]!));
  });

  it.each([
    ["no pixels", new Uint8Array(0), [28, 28, 1]],
    ["an empty shape", new Uint8Array(0), []],
    ["a size of 0", new Uint8Array(0), [0, 4, 1]],
    ["too few pixels", new Uint8Array(3), [2, 2, 1]],
  ])("give no image for %s", (_, pixels, shape) => {
    expect(imageRaster(pixels, shape)).toBeUndefined();
  });
});

describe("filterPictures", () => {
  const white = [247, 247, 247];
  const blue = [5, 48, 97];
  const red = [103, 0, 31];
  const pixels = (data: Uint8Array) =>
    Array.from({ length: data.length / 3 }, (_, i) => [...data.slice(3 * i, 3 * i + 3)]);

  it("colours each filter on its own scale, from HWIO", () => {
    // 1x3 kernel, 1 input channel, 2 filters: [-2, 0, 1] and [0.5, 0, 0.25].
    const pictures = filterPictures(
      { layer: "c", values: Float32Array.of(-2, 0.5, 0, 0, 1, 0.25), shape: [1, 3, 1, 2] },
      10,
    );
    expect(pictures.map(({ low, high }) => [low, high])).toEqual([
      [-2, 1],
      [0, 0.5],
    ]);
    const [first, second] = pictures.map(({ raster }) => pixels(raster.data));
    expect(first).toEqual([blue, white, [214, 96, 77]]);
    expect(second).toEqual([red, white, [214, 96, 77]]);
    expect(pictures[0]!.raster).toMatchObject({ width: 3, height: 1, channels: 3 });
  });

  it("shows 3 input channels as RGB around mid-gray", () => {
    const values = Float32Array.of(1, 0, -1, 0.5, 0, 0);
    const [picture] = filterPictures({ layer: "c", values, shape: [2, 1, 3, 1] }, 10);
    expect(pixels(picture!.raster.data)).toEqual([
      [255, 128, 0],
      [191, 128, 128],
    ]);
    expect(picture!.raster).toMatchObject({ width: 1, height: 2 });
  });

  it("shows the mean over any other number of input channels", () => {
    const values = Float32Array.of(1, 3, -4, 0);
    const [picture] = filterPictures({ layer: "c", values, shape: [1, 2, 2, 1] }, 10);
    expect([picture!.low, picture!.high]).toEqual([-2, 2]);
    expect(pixels(picture!.raster.data)).toEqual([red, blue]);
  });

  it("shows zeros and NaN as zero, and no more than its limit", () => {
    const values = Float32Array.of(Number.NaN, 0, 0);
    const pictures = filterPictures({ layer: "c", values, shape: [1, 1, 1, 3] }, 2);
    expect(pictures.map(({ raster }) => pixels(raster.data))).toEqual([[white], [white]]);
  });

  it.each([[[3, 3, 1, 31]], [[288]], [[0, 3, 1, 32]], [[]]])("refuses 288 values of shape %j", (shape) => {
    expect(() => filterPictures({ layer: "c", values: new Float32Array(288), shape }, 10)).toThrow(
      "got 288 values",
    );
  });
});
