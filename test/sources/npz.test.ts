import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/data/errors.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { parseNpy } from "../../src/sources/npy.ts";
import { parseNpz } from "../../src/sources/npz.ts";
import { dataErrorOf, fill, tempFolder } from "../data/helpers.ts";
import { npy, npz } from "./npy.ts";

const count = (n: number) => Array.from({ length: n }, (_, i) => i);
const four = { x_train: npy("|u1", [4, 2, 3], count(24)), y_train: npy("<i8", [4], [1, 0, 2, 1]) };
const errorOf = (arrays: Record<string, Uint8Array>, options = {}) => {
  try {
    parseNpz(npz(arrays), "data.npz", options);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return error as DataError;
  }
  throw new Error("nothing was thrown");
};

const parseNpyData = (bytes: Uint8Array) => parseNpy(bytes, "x").data as Float64Array;

describe("parseNpy", () => {
  test.each(["|u1", "|i1", "<u2", ">i2", "<i4", ">u4", "<i8", ">i8", "<f4", ">f4", "<f8", ">f8"])(
    "%s",
    (type) => {
      const { shape, data } = parseNpy(npy(type, [2, 3], [0, 1, 2, 3, 100, 7]), "x");
      expect(shape).toEqual([2, 3]);
      expect([...(data as Uint8Array)]).toEqual([0, 1, 2, 3, 100, 7]);
    },
  );

  test("floats of 16 bits, and of either order of bytes", () => {
    const bits = [0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x7c00];
    const values = [1, -2, 0.333251953125, 2 ** -24, 65_504, Number.POSITIVE_INFINITY];
    for (const type of ["<f2", ">f2"]) expect([...parseNpyData(npy(type, [6], bits))]).toEqual(values);
  });

  test("Fortran's order, where it is asked for", () => {
    const [a, b, c] = [0, 1, 2].map((i) => [0, 1].map((j) => [0, 1, 2].map((k) => 100 * i + 10 * j + k)));
    const stored = [0, 1, 2].flatMap((k) =>
      [0, 1].flatMap((j) => [0, 1, 2].map((i) => 100 * i + 10 * j + k)),
    );
    for (const type of ["<f4", "|u1"]) {
      const { data, shape } = parseNpy(npy(type, [3, 2, 3], stored, "True"), "x", true);
      expect(shape).toEqual([3, 2, 3]);
      expect([...(data as Float64Array)]).toEqual([a, b, c].flat(2));
    }
  });

  test("bytes are a view", () => {
    const bytes = npy("|u1", [3], [1, 2, 3]);
    expect((parseNpy(bytes, "x").data as Uint8Array).buffer).toBe(bytes.buffer);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["of objects", npy("|O8", [1], [1]), /numbers of type O8.*astype/],
    ["in Fortran's order", npy("|u1", [3], [1, 2, 3], "True"), /np\.ascontiguousarray/],
    ["that is none", new Uint8Array(200), /is no array of NumPy/],
    ["that is cut off", npy("|u1", [3], [1, 2, 3]).subarray(0, -1), /expected \d+ for shape \(3\) of uint8/],
    ["that goes on", npy("|u1", [3], [1, 2, 3, 4]), /expected \d+ for shape \(3\)/],
    ["that claims terabytes", npy("<f8", [1e9, 1e9], []), /the limit is/],
    ["of a header alone", npy("|u1", [3], []).subarray(0, 11), /header claims/],
  ])("an array %s is refused", (_, bytes, said) => {
    expect(() => parseNpy(bytes, "x")).toThrow(said);
    expect(() => parseNpy(bytes, "x")).toThrow(DataError);
  });
});

describe("parseNpz", () => {
  test("Keras's names, with images for the test and for validation", () => {
    const {
      train,
      test: kept,
      validation,
      classNames,
    } = parseNpz(
      npz({
        ...four,
        x_test: npy("|u1", [1, 2, 3], count(6)),
        y_test: npy("|u1", [1, 1], [3]),
        x_val: npy("|u1", [1, 2, 3], count(6)),
        y_val: npy("|u1", [1], [0]),
      }),
      "data.npz",
    );
    expect(train).toEqual({
      images: Uint8Array.from(count(24)),
      labels: Uint8Array.of(1, 0, 2, 1),
      count: 4,
      shape: [2, 3, 1],
    });
    expect([kept.labels[0], validation!.count, classNames]).toEqual([3, 1, ["0", "1", "2", "3"]]);
  });

  test("MedMNIST's names, colours, and labels as rows with one 1", () => {
    const { train } = parseNpz(
      npz({
        train_images: npy("|u1", [2, 1, 2, 3], count(12)),
        train_labels: npy("<f4", [2, 3], [0, 1, 0, 0, 0, 1]),
        test_images: npy("|u1", [1, 1, 2, 3], count(6)),
        test_labels: npy("|u1", [1, 1], [0]),
      }),
      "data.npz",
    );
    expect(train).toMatchObject({ shape: [1, 2, 3], labels: Uint8Array.of(1, 2) });
  });

  test("without images for the test a share of each class is kept", () => {
    const notices: string[] = [];
    const x = npy("|u1", [20, 1, 1], count(20));
    const y = npy(
      "|u1",
      [20],
      count(20).map((i) => (i < 10 ? 0 : 1)),
    );
    const { train, test: kept } = parseNpz(npz({ x, y }), "data.npz", {
      onNotice: (text) => notices.push(text),
    });
    expect([train.count, [...kept.labels]]).toEqual([16, [0, 0, 1, 1]]);
    expect(notices[0]).toMatch(/has no images for the test: 4 of 20/);
    expect(parseNpz(npz({ x, y }), "data.npz", { testSplit: 0.5 }).test.count).toBe(10);
    expect(errorOf({ x, y, x_test: x, y_test: y }, { testSplit: 0.5 }).message).toMatch(
      /leave testSplit out/,
    );
  });

  test("floats from 0 to 1 become bytes, whole numbers are; a flat image is a square, or of imageSize", () => {
    const y_train = npy("|u1", [2], [0, 1]);
    const of = (x_train: Uint8Array, options = {}) =>
      parseNpz(npz({ x_train, y_train }), "d", { testSplit: 0.5, ...options });
    const both = ({ train, test }: ReturnType<typeof of>) =>
      [...train.images, ...test.images].sort((a, b) => a - b);
    expect(both(of(npy("<f4", [2, 1, 1], [0.5, 1])))).toEqual([128, 255]);
    expect(both(of(npy("<f8", [2, 1, 1], [7, 250])))).toEqual([7, 250]);
    expect(of(npy("|u1", [2, 4], count(8))).train.shape).toEqual([2, 2, 1]);
    expect(of(npy("|u1", [2, 12], count(24))).train.shape).toEqual([2, 2, 3]);
    expect(of(npy("|u1", [2, 6], count(12)), { imageSize: [3, 2] }).train.shape).toEqual([3, 2, 1]);
    const shaped = npy("|u1", [2, 3, 2], count(12));
    expect(of(shaped, { imageSize: [3, 2] }).train.shape).toEqual([3, 2, 1]);
    expect(() => of(shaped, { imageSize: [64, 64] })).toThrow(
      "its images are 3x2, not 64x64 as imageSize says, and arrays are not resized. Resize them before, or leave imageSize out.",
    );
  });

  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    ["other arrays", { images: four.x_train }, /holds "images"; expected x_train and y_train.*np\.savez/],
    ["channels first", { ...four, x_train: npy("|u1", [4, 3, 8, 8], count(768)) }, /transpose\(0, 2, 3, 1\)/],
    [
      "numbers that are no pixels",
      { ...four, x_train: npy("<f4", [4, 1, 1], [-1, 0, 1, 2]) },
      /from -1 to 2.*astype/,
    ],
    ["NaN", { ...four, x_train: npy("<f4", [4, 1, 1], [0, Number.NaN, 1, 0]) }, /from NaN/],
    ["another number of labels", { ...four, y_train: npy("|u1", [3], [0, 1, 2]) }, /4 images, .*3 labels/],
    ["labels that are no classes", { ...four, y_train: npy("<f4", [4], [0, 1.5, 2, 3]) }, /label 1 is 1\.5/],
    ["labels beyond a byte", { ...four, y_train: npy("<i8", [4], [0, 256, 2, 3]) }, /label 1 is 256/],
    [
      "rows without a 1",
      { ...four, y_train: npy("|u1", [4, 2], [0, 1, 0, 0, 1, 0, 1, 1]) },
      /label 1 is 0, 0/,
    ],
    [
      "flat images of no square",
      { ...four, x_train: npy("|u1", [4, 7], count(28)) },
      /make no square.*--image-size/,
    ],
    [
      "another shape for the test",
      { ...four, x_test: npy("|u1", [1, 1, 1], [0]), y_test: npy("|u1", [1], [0]) },
      /expected one shape/,
    ],
  ])("%s: refused, with what to write", (_, arrays, said) => {
    expect(errorOf(arrays).message).toMatch(said);
  });

  test("masks are black and white only where those of all parts are", () => {
    const images = npy("|u1", [2, 1, 4], count(8));
    const masksOf = (...parts: readonly number[][]) => {
      const names = ["train", "val", "test"];
      const arrays = parts.flatMap((ids, i) => [
        [`x_${names[i]}`, images] as const,
        [`y_${names[i]}`, npy("|u1", [2, 1, 4], [...ids, ...ids])] as const,
      ]);
      const { train, validation, test: kept, classNames } = parseNpz(npz(Object.fromEntries(arrays)), "d");
      return [...[train, validation, kept].map((set) => [...set!.labels.subarray(0, 4)]), classNames.length];
    };
    expect(masksOf([0, 255, 0, 255], [0, 0, 0, 0], [255, 255, 0, 0])).toEqual([
      [0, 1, 0, 1],
      [0, 0, 0, 0],
      [1, 1, 0, 0],
      2,
    ]);
    // 255 is one of several classes, also in the part that has no other.
    expect(masksOf([0, 1, 2, 255], [0, 255, 0, 255], [0, 1, 1, 0])).toEqual([
      [0, 1, 2, 255],
      [0, 255, 0, 255],
      [0, 1, 1, 0],
      256,
    ]);
  });

  test("a damaged archive, and one that claims more than it can hold", () => {
    const file = npz(four);
    expect(() => parseNpz(file.subarray(0, 50), "d")).toThrow(/damaged archive/);
    const bomb = file.slice();
    const view = new DataView(bomb.buffer);
    // The sizes in the central directory.
    for (let at = 0; at + 28 < bomb.length; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0x7fffffff, true);
    expect(() => parseNpz(bomb, "d")).toThrow(/claims 2147483647 bytes, packed into/);
  });

  test("of entries of one name the last counts, and no other is unpacked", () => {
    const file = npz({ x_trai_: new Uint8Array(100), ...four });
    const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
    while (bytes.includes("x_trai_")) bytes.write("x_train", bytes.indexOf("x_trai_"));
    // A way to pack that nobody knows.
    bytes.writeUInt16LE(99, bytes.indexOf(Buffer.of(0x50, 0x4b, 1, 2)) + 10);
    expect(parseNpz(file, "d", { testSplit: 0.5 }).train.count).toBe(2);
  });
});

test("a path names it, or the folder that holds it", async () => {
  const folder = await fill(await tempFolder(), { "digits.npz": npz(four), "readme.txt": "" });
  const dataset = await loadDataset(join(folder, "digits.npz"), { testSplit: 0.5 });
  expect([dataset.name, dataset.train.count]).toEqual(["digits", 2]);
  expect((await loadDataset(folder, { testSplit: 0.5 })).name).toBe("digits");
  const error = await dataErrorOf(loadDataset(folder, { colorMode: "rgb" }));
  expect(error.message).toMatch(/colorMode is for folders of pictures/);
});
