import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  encodeIdxImages,
  encodeIdxLabels,
  type ImageSet,
  loadDataset,
  loadFolder,
} from "../../src/data/node.ts";
import { dataErrorOf, fill, makeSet, tempFolder } from "./helpers.ts";

/** Writes two sets as a folder of IDX files; `rename` maps `train-images` etc. to file names. */
async function folderOf(
  train: ImageSet,
  test: ImageSet,
  rename = (stem: string) => `${stem}-${stem.endsWith("labels") ? "idx1" : "idx3"}-ubyte`,
  extra: Record<string, Uint8Array | string> = {},
): Promise<string> {
  const pack = (name: string, bytes: Uint8Array) => [name, name.endsWith(".gz") ? gzipSync(bytes) : bytes];
  return fill(await tempFolder(), {
    ...Object.fromEntries([
      pack(rename("train-images"), encodeIdxImages(train)),
      pack(rename("train-labels"), encodeIdxLabels(train.labels)),
      pack(rename("t10k-images"), encodeIdxImages(test)),
      pack(rename("t10k-labels"), encodeIdxLabels(test.labels)),
    ]),
    ...extra,
  });
}

const rgb = { train: makeSet(9, [6, 7, 3], 5), test: makeSet(4, [6, 7, 3], 5, 1) };
const grey = { train: makeSet(5, [32, 20, 1], 2), test: makeSet(3, [32, 20, 1], 2, 1) };

describe("a folder of IDX files", () => {
  it.each<[string, (stem: string) => string]>([
    ["idx4, plain", (stem) => `${stem}-${stem.endsWith("labels") ? "idx1" : "idx4"}-ubyte`],
    ["idx4, gzipped", (stem) => `${stem}-${stem.endsWith("labels") ? "idx1" : "idx4"}-ubyte.gz`],
    [
      "test- for t10k-",
      (stem) => `${stem.replace("t10k", "test")}-${stem.endsWith("labels") ? "idx1" : "idx3"}-ubyte`,
    ],
    ["dots", (stem) => `${stem}.${stem.endsWith("labels") ? "idx1" : "idx4"}-ubyte`],
  ])("of any size and channels is a dataset: %s", async (_, rename) => {
    const folder = await folderOf(rgb.train, rgb.test, rename);
    const loaded = await loadDataset(folder, { offline: true });
    expect(loaded).toEqual({ name: basename(folder), classNames: ["0", "1", "2", "3", "4"], ...rgb });
  });

  it("counts classes up to the largest label of both splits", async () => {
    const test = { ...grey.test, labels: new Uint8Array([0, 6, 1]) };
    expect((await loadFolder(await folderOf(grey.train, test))).classNames).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
    ]);
    const train = { ...grey.train, labels: new Uint8Array([0, 255, 1, 0, 0]) };
    expect((await loadFolder(await folderOf(train, test))).classNames).toHaveLength(256);
  });

  it("takes class names from classes.txt: byte order mark, CRLF and blanks at line ends do not matter", async () => {
    const folder = await folderOf(grey.train, grey.test, undefined, {
      "classes.txt": "\ufeffcat \r\nbig dog\r\nÄffchen\r\n\n",
    });
    expect((await loadFolder(folder)).classNames).toEqual(["cat", "big dog", "Äffchen"]);
  });

  it.each([
    ["cat\n\ndog", /has an empty line/],
    ["", /has an empty line/],
    ["cat\ndog\ncat", /names a class twice/],
    [Array.from({ length: 257 }, (_, i) => `c${i}`).join("\n"), /has 257 lines; expected 1 to 256/],
  ])("rejects a bad classes.txt: %j", async (text, message) => {
    const error = await dataErrorOf(
      loadFolder(await folderOf(grey.train, grey.test, undefined, { "classes.txt": text })),
    );
    expect(error.code).toBe("bad-classes");
    expect(error.message).toMatch(message);
  });

  it("rejects labels beyond classes.txt, naming the split", async () => {
    const error = await dataErrorOf(
      loadFolder(await folderOf(rgb.train, rgb.test, undefined, { "classes.txt": "a\nb\nc\nd" })),
    );
    expect(error.code).toBe("label-range");
    expect(error.message).toMatch(/\(train\): label 4 at index 4; expected 0 to 3/);
  });

  it("rejects splits of different shapes", async () => {
    const error = await dataErrorOf(loadFolder(await folderOf(grey.train, rgb.test)));
    expect(error.code).toBe("bad-dimensions");
    expect(error.message).toMatch(/training images are 32 x 20 x 1, test images 6 x 7 x 3/);
  });

  it("names what is missing", async () => {
    const folder = await fill(await tempFolder(), { "train-images-idx3-ubyte": encodeIdxImages(grey.train) });
    const error = await dataErrorOf(loadDataset(folder));
    expect(error.code).toBe("not-found");
    expect(error.message).toMatch(
      /no train-labels-idx1-ubyte\(\.gz\), t10k-images-idx3-ubyte\(\.gz\), t10k-labels-/,
    );
  });

  it("with a folder or a pipe in place of a file, or a huge classes.txt, is still a DataError", async () => {
    const folder = await folderOf(grey.train, grey.test);
    await mkdir(join(folder, "t10k-labels-idx1-ubyte.gz"));
    expect((await dataErrorOf(loadFolder(folder))).code).toBe("unreadable");
    if (process.platform !== "win32") {
      execFileSync("mkfifo", [join(folder, "train-images-idx3-ubyte.gz")]);
      expect((await dataErrorOf(loadFolder(folder))).message).toMatch(/train-images.*: not a regular file/);
    }
    const long = await folderOf(grey.train, grey.test, undefined, { "classes.txt": "x".repeat(70_000) });
    expect((await dataErrorOf(loadFolder(long))).code).toBe("too-large");
  });

  it("prefers t10k- to test-, idx3 to idx4 and .gz to plain", async () => {
    const other = encodeIdxLabels(new Uint8Array([1, 1, 1]));
    const folder = await folderOf(grey.train, grey.test, undefined, {
      "test-labels-idx1-ubyte.gz": gzipSync(other),
      "train-images-idx4-ubyte.gz": gzipSync(encodeIdxImages(rgb.train)),
    });
    expect(await loadFolder(folder)).toMatchObject(grey);
    await fill(folder, { "t10k-labels-idx1-ubyte.gz": gzipSync(other) });
    expect([...(await loadFolder(folder)).test.labels]).toEqual([1, 1, 1]);
  });
});
