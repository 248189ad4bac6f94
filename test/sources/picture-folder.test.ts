import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { loadPicture } from "../../src/picture/load.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { readPictures } from "../../src/sources/pictures.ts";
import { dataErrorOf, fill, gzFiles, tempFolder, tinyDataset } from "../data/helpers.ts";
import { fillTree, png } from "./pictures.ts";

/** n pictures of a class in a grey of its own. */
const of = (folder: string, n: number, grey: number, size: readonly [number, number] = [5, 4]) =>
  Object.fromEntries(
    Array.from({ length: n }, (_, i) => [`${folder}/${i}.png`, png(size[1], size[0], grey)]),
  );

const load = async (files: Record<string, Uint8Array | string>, options: object = {}) => {
  const notices: string[] = [];
  const folder = await fillTree(await tempFolder(), files);
  const dataset = await loadDataset(folder, { onNotice: (text) => notices.push(text), ...options });
  return { ...dataset, notices: notices.map((text) => text.replaceAll(folder, "*")) };
};

test("without a folder for the test a fifth of each class is kept for it", async () => {
  const {
    train,
    test: kept,
    classNames,
    notices,
    validation,
    pictures,
  } = await load({
    ...of("b", 10, 100),
    ...of("a", 20, 50),
  });
  expect(classNames).toEqual(["a", "b"]);
  expect([train.count, kept.count, validation]).toEqual([24, 6, undefined]);
  expect([...kept.labels]).toEqual([0, 0, 0, 0, 1, 1]);
  // Of one size and without colours, they are taken as they are.
  expect(train.shape).toEqual([5, 4, 1]);
  expect([train.images[0], kept.images.at(-1)]).toEqual([50, 100]);
  expect(notices).toEqual([
    "* has no folder test: 6 of 30 pictures, the same share of each class, are kept for the test.",
  ]);
  expect(pictures).toEqual({ interpolation: "bilinear", resize: "stretch" });
});

test("a class without pictures is told of: an unpacked archive's folder of remarks", async () => {
  const { classNames, notices } = await load({
    ...of("a", 5, 1),
    ...of("b", 5, 2),
    "__MACOSX/a/._1.png": "x",
  });
  expect(classNames).toEqual(["__MACOSX", "a", "b"]);
  expect(notices[0]).toBe(
    '*: "__MACOSX" is a class without a picture to train on. Move that folder elsewhere if none is meant.',
  );
});

test("train/ and test/ are taken as they are, classes by their names; validation/ is for validation", async () => {
  const {
    train,
    test: kept,
    validation,
    classNames,
    notices,
  } = await load({
    ...of("train/a", 3, 1),
    ...of("train/b", 2, 2),
    ...of("Test/b", 4, 3),
    ...of("val/a", 1, 4),
  });
  expect(classNames).toEqual(["a", "b"]);
  expect([...train.labels, ...kept.labels, ...validation!.labels]).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 0]);
  expect([train.images[0], kept.images[0], validation!.images[0]]).toEqual([1, 3, 4]);
  expect(notices).toEqual([]);
});

test("train/ and validation/ alone: validation is the test", async () => {
  const {
    test: kept,
    validation,
    notices,
  } = await load({ ...of("train/a", 3, 1), ...of("validation/a", 2, 2) });
  expect([kept.count, validation]).toEqual([2, undefined]);
  expect(notices).toEqual([
    '* has no folder test: the pictures of "validation" are kept for the test, and validation is taken from "train".',
  ]);
});

test("folders without pictures beside train/ and test/ make no classes of them; such with pictures do", async () => {
  const parts = { ...of("train/a", 3, 1), ...of("train/b", 2, 2), ...of("test/b", 4, 3) };
  const { classNames, train, notices } = await load({ ...parts, "json/1.json": "{}" });
  expect([classNames, train.count, notices]).toEqual([["a", "b"], 5, []]);
  const { classNames: three } = await load({ ...parts, ...of("bus", 5, 2) });
  expect(three).toEqual(["bus", "test", "train"]);
  const { classNames: two } = await load({ ...of("train/a", 5, 1), ...of("training/a", 5, 2) });
  expect(two).toEqual(["train", "training"]);
});

test("a class may be called train", async () => {
  const { classNames } = await load({ ...of("train", 5, 1), ...of("bus", 5, 2) });
  expect(classNames).toEqual(["bus", "train"]);
  const { classNames: two } = await load({ ...of("train", 5, 1), ...of("test", 5, 2) });
  expect(two).toEqual(["test", "train"]);
});

test("pictures of several sizes are made 64x64, colours are kept, options say otherwise", async () => {
  const files = { ...of("a", 5, 1), ...of("b", 5, 2, [30, 20]), "b/red.png": png(9, 9, [255, 0, 0]) };
  expect((await load(files)).train.shape).toEqual([64, 64, 3]);
  const { train, pictures } = await load(files, {
    imageSize: [8, 6],
    colorMode: "grayscale",
    interpolation: "area",
    resize: "crop",
    testSplit: 0.5,
  });
  expect([train.shape, train.count]).toEqual([[8, 6, 1], 5]);
  expect(pictures).toEqual({ interpolation: "area", resize: "crop" });
  expect((await load(of("a", 5, 1, [300, 2]))).train.shape).toEqual([64, 64, 1]);
});

test("each picture is read once where all have one size, told of as it goes", async () => {
  const files = Array.from({ length: 5 }, (_, i) => ({
    name: `${i}`,
    label: 0,
    read: async () => png(4, 3, i),
  }));
  const decode = vi.fn(loadPicture);
  const told: number[] = [];
  const { set } = await readPictures("pets", files, decode, {
    onProgress: ({ received }) => told.push(received),
  });
  expect([set.shape, [...set.images].filter((_, i) => i % 12 === 0)]).toEqual([
    [3, 4, 1],
    [0, 1, 2, 3, 4],
  ]);
  expect([decode.mock.calls.length, told]).toEqual([5, [1, 2, 3, 4, 5]]);
});

test("what cannot be read is named, or left out of its part", async () => {
  const files = {
    ...of("train/a", 3, 1),
    "train/a/1.png": "bad",
    ...of("test/a", 2, 2),
    "test/a/0.png": "bad",
  };
  const folder = await fillTree(await tempFolder(), files);
  expect(await dataErrorOf(loadDataset(folder))).toMatchObject({ code: "bad-pictures" });
  const { train, test: kept, notices } = await load(files, { skipBad: true });
  expect([train.count, kept.count]).toEqual([2, 1]);
  expect([train.images[0], kept.images[0]]).toEqual([1, 2]);
  expect(notices[0]).toMatch(/^\*: 2 pictures left out: .*1\.png is no PNG.*0\.png is no PNG/);
});

test("what does not go together is refused", async () => {
  const parts = { ...of("train/a", 3, 1), ...of("test/a", 1, 2) };
  const error = async (files: Record<string, Uint8Array | string>, options: object = {}) =>
    dataErrorOf(loadDataset(await fillTree(await tempFolder(), files), options));
  expect((await error(parts, { testSplit: 0.3 })).message).toMatch(
    /"test" has pictures for the test: leave testSplit out/,
  );
  expect((await error({ ...parts, ...of("test/c", 1, 2) })).message).toMatch(
    /has a class "c", of which there is nothing to train on; the classes are "a"/,
  );
  expect((await error({ "a/1.png": png(1, 1, 1) })).message).toMatch(/has one picture/);
});

test("options of pictures are refused where there are none", async () => {
  const folder = await fill(await tempFolder(), gzFiles(tinyDataset()));
  for (const dataset of [folder, "digits", "mnist"]) {
    const error = await dataErrorOf(loadDataset(dataset, { imageSize: [3, 3], offline: true }));
    expect(error).toMatchObject({
      code: "bad-argument",
      message: expect.stringMatching(/imageSize is for folders of pictures/),
    });
  }
  expect((await loadDataset(folder)).train.count).toBe(12);

  // Where nothing is read, what lies there is the matter.
  for (const [path, message] of [
    [join(await tempFolder(), "pictures"), /not a known name and not a folder/],
    [await tempFolder(), /no train-images-idx3-ubyte/],
  ] as const)
    expect((await dataErrorOf(loadDataset(path, { imageSize: [3, 3] }))).message).toMatch(message);
});
