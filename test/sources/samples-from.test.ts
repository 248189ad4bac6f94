import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { samplesFrom as inPage } from "../../src/browser/samples-from.ts";
import { dense, flatten, SamplesError, samplesFrom, sequential } from "../../src/node.ts";
import { png } from "./pictures.ts";

const messageOf = async (...args: unknown[]) => {
  const error = await (samplesFrom as (...args: unknown[]) => Promise<unknown>)(...args).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SamplesError);
  return (error as Error).message;
};

describe("numbers in lists", () => {
  test("rows of numbers are images of one channel; whole numbers up to 255 are bytes", async () => {
    const samples = await samplesFrom(
      [
        [
          [0, 255],
          [7, 8],
        ],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [1, 0],
    );
    expect({ ...samples }).toEqual({
      images: Uint8Array.of(0, 255, 7, 8, 1, 2, 3, 4),
      labels: Uint8Array.of(1, 0),
      count: 2,
      shape: [2, 2, 1],
    });
  });

  test("with channels; of one row; of fractions, or of 0 and 1, which are taken as they are", async () => {
    expect(await samplesFrom([[[[1, 2, 3]], [[4, 5, 6]]]])).toMatchObject({ shape: [2, 1, 3], count: 1 });
    expect(
      await samplesFrom([
        [0.5, -2],
        [1, 3],
      ]),
    ).toMatchObject({
      shape: [2],
      count: 2,
      images: Float32Array.of(0.5, -2, 1, 3),
    });
    expect(
      (
        await samplesFrom([
          [0, 1],
          [1, 0],
        ])
      ).images,
    ).toBeInstanceOf(Float32Array);
    expect((await samplesFrom([[0, 300]])).images).toEqual(Float32Array.of(0, 300));
    expect((await samplesFrom([[0, 200]], undefined, { pixels: "floats" })).images).toEqual(
      Float32Array.of(0, 200),
    );
    expect((await samplesFrom([[0, 1]], undefined, { pixels: "bytes" })).images).toEqual(Uint8Array.of(0, 1));
    expect((await samplesFrom([[1, 2, 3, 4]], undefined, { shape: [2, 2, 1] })).shape).toEqual([2, 2, 1]);
  });

  test("what is no image is named by its place, with the line to write", async () => {
    expect(await messageOf([[[1, 2], [3]]])).toMatch(/images\[0\]\[1\] is a list of 1, expected one of 2/);
    expect(
      await messageOf([
        [[1, 2]],
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    ).toMatch(/images\[1\] is a list of 2, expected one of 1/);
    expect(await messageOf([[[1, "2"]]])).toMatch(/images\[0\]\[0\]\[1\] is "2", expected a number/);
    expect(await messageOf([[[1, Number.NaN]]])).toMatch(/number 1 is NaN/);
    expect(await messageOf([[0.5, 231.25]])).toMatch(
      /fractions and numbers up to 231.25.*Write: pixels: "bytes"/,
    );
    expect(await messageOf([[1, 2.5]], undefined, { pixels: "bytes" })).toMatch(
      /number 1 is 2.5.*pixels: "floats"/,
    );
    expect(await messageOf([1, 2, 3], [1])).toMatch(
      /a list of numbers, expected one of images\. Write: samplesFrom\(\[image\], \[label\]\)/,
    );
    expect(await messageOf([[[1, 2]]], [1], { shape: [3, 1, 1] })).toMatch(
      /1x2 numbers each.*Write: shape: \[1, 2, 1\]/,
    );
    for (const none of [undefined, {}, [], "images", 7])
      expect(await messageOf(none)).toMatch(/expected a list of images or a typed array.*Write: samplesFrom/);
  });
});

describe("typed arrays", () => {
  const shape = [2, 1, 1];

  test("one of all, or one for each image", async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect((await samplesFrom(bytes, [0, 1], { shape })).images).toBe(bytes);
    expect(await samplesFrom([bytes.subarray(0, 2), bytes.subarray(2)], [0, 1], { shape })).toMatchObject({
      images: bytes,
      count: 2,
      shape,
    });
    expect((await samplesFrom(Float64Array.of(200, 3), undefined, { shape })).images).toEqual(
      Float32Array.of(200, 3),
    );
    expect((await samplesFrom(Int32Array.of(200, 3), undefined, { shape })).images).toEqual(
      Uint8Array.of(200, 3),
    );
    expect((await samplesFrom(Int16Array.of(-3, 3), undefined, { shape })).images).toEqual(
      Float32Array.of(-3, 3),
    );
    expect(
      (await samplesFrom(Float32Array.of(200, 3), undefined, { shape, pixels: "bytes" })).images,
    ).toEqual(Uint8Array.of(200, 3));
  });

  test("need their shape, and to be whole images", async () => {
    expect(await messageOf(new Uint8Array(4), [0])).toMatch(
      /a Uint8Array of all images.*Write: samplesFrom\(images, labels, { shape: \[28, 28, 1\] }\)/,
    );
    expect(await messageOf([new Float32Array(4)], [0])).toMatch(/a Float32Array each.*Write:/);
    expect(await messageOf(new Uint8Array(3), [0], { shape })).toMatch(
      /holds 3 numbers, no whole images of 2/,
    );
    expect(await messageOf([new Uint8Array(2), new Uint8Array(3)], [0, 0], { shape })).toMatch(
      /images\[1\] is a Uint8Array of 3, expected a Uint8Array of 2/,
    );
  });
});

describe("pictures", () => {
  const pixels = { width: 2, height: 1, data: Uint8ClampedArray.of(255, 0, 0, 255, 0, 0, 255, 255) };

  test("ImageData, canvases, Blobs become images of one size", async () => {
    const canvas = { getContext: () => ({ getImageData: () => pixels }), width: 2, height: 1 };
    const blob = new Blob([png(4, 2, [0, 255, 0]) as Uint8Array<ArrayBuffer>]);
    for (const make of [samplesFrom, inPage]) {
      const samples = await make([pixels, canvas as never, blob], ["red", "red", "green"]);
      expect(samples).toMatchObject({ shape: [1, 2, 3], count: 3, labels: Uint8Array.of(1, 1, 0) });
      expect([...samples.images]).toEqual([255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 255, 0]);
      expect(samples.classNames).toEqual(["green", "red"]);
    }
    const grey = await samplesFrom([pixels], [0], { imageSize: [2, 2], colorMode: "grayscale" });
    expect(grey.shape).toEqual([2, 2, 1]);
  });

  test("a JPEG has the same bytes as in a folder", async () => {
    const { file } = JSON.parse(
      readFileSync(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
    )["420.jpg"];
    const samples = await samplesFrom([new Blob([Buffer.from(file, "base64")])]);
    expect(samples.shape).toEqual([27, 35, 3]);
  });

  test("paths, and shapes, are answered with what to write", async () => {
    expect(await messageOf(["cat.png"], [0])).toMatch(
      /a picture's place.*Write: samplesFrom\(await Promise\.all/,
    );
    expect(await messageOf([pixels], [0], { shape: [4, 4, 3] })).toMatch(/Write: imageSize: \[4, 4\]/);
    await expect(samplesFrom([{ width: 1 } as never])).rejects.toThrow(
      /samplesFrom: got .* expected the bytes/,
    );
  });
});

describe("labels", () => {
  const images = [[0.1], [0.2], [0.3]];

  test("are numbers of classes, names, or the numbers to give", async () => {
    expect((await samplesFrom(images, Int32Array.of(2, 0, 1))).labels).toEqual(Uint8Array.of(2, 0, 1));
    const named = await samplesFrom(images, ["b", "c", "b"], { classNames: ["c", "a", "b"] });
    expect([[...named.labels!], named.classNames]).toEqual([
      [2, 0, 2],
      ["c", "a", "b"],
    ]);
    expect(
      (
        await samplesFrom(images, [
          [0, 1],
          [1, 0],
          [0.5, 0.5],
        ])
      ).targets,
    ).toEqual(Float32Array.of(0, 1, 1, 0, 0.5, 0.5));
    const targets = Float32Array.of(3, 2, 1);
    expect((await samplesFrom(images, targets)).targets).toBe(targets);
  });

  test("that do not fit are named by their place", async () => {
    expect(await messageOf(images, [0, 1])).toMatch(/got 2 labels for 3 images/);
    expect(await messageOf(images, 3)).toMatch(/labels is 3, expected a class for each of 3 images/);
    expect(await messageOf(images, [0, 1.5, 2])).toMatch(
      /labels\[1\] is 1.5.*Write: Float32Array\.from\(labels\)|write: Float32Array/,
    );
    expect(await messageOf(images, [0, 300, 2])).toMatch(/labels\[1\] is 300/);
    expect(await messageOf(images, [0, 1, 2], { classNames: ["a", "b"] })).toMatch(
      /labels\[2\] is 2.*one of the 2/,
    );
    expect(await messageOf(images, ["cat", "dgo", "dog"], { classNames: ["cat", "dog"] })).toMatch(
      /labels\[1\] is "dgo", expected one of classNames\. Write: "dog"/,
    );
    expect(await messageOf(images, [[1, 0], [1], [0, 1]])).toMatch(/labels\[1\] is .* expected a list of 2/);
  });
});

test("what it makes is trained on as it is", async () => {
  const train = await samplesFrom(
    [[[0, 255]], [[255, 0]], [[0, 250]], [[250, 0]]],
    ["right", "left", "right", "left"],
  );
  const model = sequential([
    flatten({ inputShape: train.shape }),
    dense({ units: 2, activation: "softmax" }),
  ]);
  await model.compile({ threads: 1 });
  try {
    const { history } = await model.fit(train, {
      epochs: 200,
      validationSplit: 0.5,
      validationFrom: "stratified",
    });
    expect(history.accuracy!.at(-1)).toBe(1);
  } finally {
    model.dispose();
  }
});
