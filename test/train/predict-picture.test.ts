import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPicture as readInPage } from "../../src/browser/read-picture.ts";
import {
  dense,
  flatten,
  PictureError,
  predictPicture,
  readPicture,
  type Sequential,
  sequential,
} from "../../src/node.ts";
import { tempFolder } from "../data/helpers.ts";
import { png } from "../sources/pictures.ts";

let model: Sequential;
beforeAll(async () => {
  // Red, green and blue, by which of them a pixel has most of.
  model = sequential([
    flatten({ inputShape: [1, 1, 3] }),
    dense({ units: 3, activation: "softmax", useBias: false }),
  ]);
  await model.compile({ threads: 1 });
  const { name } = model.getWeights()[0]!;
  model.setWeights([{ name, shape: [3, 3], data: Float32Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5) }]);
});
afterAll(() => model.dispose());

const metadata = { classNames: ["red", "green", "blue"], pictures: {} };

describe("predictPicture", () => {
  test("answers with names, the surest first", async () => {
    const picture = await readPicture(png(4, 3, [10, 240, 100]));
    const { top, ...answer } = await predictPicture(model, picture, { metadata });
    expect(answer).toMatchObject({ class: 1, name: "green", inverted: false, centred: false });
    expect(top.map(({ name }) => name)).toEqual(["green", "blue", "red"]);
    expect(top.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    expect((await predictPicture(model, picture, { top: 2, invert: false })).top).toMatchObject([
      { class: 1, name: "1" },
      { class: 2, name: "2" },
    ]);
    expect((await predictPicture(model, picture, { metadata, invert: true })).name).toBe("red");
  });

  test("takes what has a model, as a Trainer does", async () => {
    const picture = await readPicture(png(1, 1, [0, 0, 200]));
    const trainer = { model, predict: (pixels: Uint8Array) => model.predict(pixels) };
    expect((await predictPicture(trainer, picture, { metadata })).name).toBe("blue");
  });
});

describe("readPicture", () => {
  const bytes = png(3, 2, [255, 0, 0]);
  const expected = { width: 3, height: 2, alpha: undefined };

  test("takes a path, a URL, bytes, a Blob, and pixels", async () => {
    const path = join(await tempFolder(), "red.png");
    await writeFile(path, bytes);
    const buffer = bytes.slice().buffer as ArrayBuffer;
    const data = new Uint8ClampedArray(24).map((_, i) => (i % 4 === 0 || i % 4 === 3 ? 255 : 0));
    for (const source of [
      path,
      pathToFileURL(path),
      bytes,
      buffer,
      new Blob([buffer]),
      { width: 3, height: 2, data },
    ]) {
      const picture = await readPicture(source);
      expect(picture).toMatchObject(expected);
      expect([...picture.rgb.subarray(0, 3)]).toEqual([1, 0, 0]);
    }
  });

  test("in a page pixels, what is drawn on a canvas, and nothing else of what it does not know", async () => {
    const data = new Uint8ClampedArray(4).fill(255);
    const canvas = {
      width: 1,
      height: 1,
      getContext: () => ({ getImageData: () => ({ width: 1, height: 1, data }) }),
    };
    expect(await readInPage(canvas as never)).toMatchObject({ width: 1, height: 1 });
    await expect(readInPage({ ...canvas, getContext: () => null } as never)).rejects.toThrow(/no 2d context/);
  });

  test("says what it expected of what is none", async () => {
    await expect(readPicture({ width: 1, height: 1, data: new Uint8Array(3) })).rejects.toThrow(TypeError);
    await expect(readPicture(7 as never)).rejects.toThrow(
      /got 7, expected the bytes.*Write: readPicture\(await/,
    );
    await expect(readPicture("nowhere.png")).rejects.toThrow(/ENOENT.*nowhere\.png/);
    await expect(readPicture(new Uint8Array(5))).rejects.toThrow(PictureError);
  });
});

test("a model that gives images is asked otherwise", async () => {
  const model = {
    inputShape: [4, 4, 1],
    outputShape: [4, 4, 3],
    predict: async () => new Float32Array(48),
  };
  const white = { width: 4, height: 4, rgb: new Float32Array(48).fill(1), alpha: undefined };
  await expect(predictPicture(model, white)).rejects.toThrow(
    "the model gives an image of 4x4x3, and no class. Write: model.predict(preparePicture(picture, model.inputShape).pixels)",
  );
});
