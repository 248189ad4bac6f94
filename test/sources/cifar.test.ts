import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ARCHIVES, type ArchiveInfo } from "../../src/data/archives.ts";
import { DataError } from "../../src/data/errors.ts";
import { loadArchive } from "../../src/sources/archive.ts";
import { parseCifar } from "../../src/sources/cifar.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { filesInTar } from "../../src/sources/tar.ts";
import { dataErrorOf, fill, sha256Hex, startMirror, tempFolder } from "../data/helpers.ts";

/** Records of CIFAR: pixel p of colour c of image i is (i + p + 50 * c) modulo 256. */
function records(labels: readonly (readonly number[])[]): Uint8Array {
  const all = labels.flatMap((own, i) => [
    ...own,
    ...Array.from({ length: 3072 }, (_, k) => (i + (k % 1024) + 50 * Math.floor(k / 1024)) % 256),
  ]);
  return Uint8Array.from(all);
}

/** A .tar with files, and a folder in front of their names. */
function tar(files: Readonly<Record<string, Uint8Array>>, folder = "cifar-10-batches-bin/"): Uint8Array {
  const parts = Object.entries(files).map(([name, bytes]) => {
    const block = new Uint8Array(512 + 512 * Math.ceil(bytes.length / 512));
    const text = (value: string, at: number) => block.set(new TextEncoder().encode(value), at);
    text(folder + name, 0);
    text(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    text("0", 156);
    block.set(bytes, 512);
    return block;
  });
  return new Uint8Array(Buffer.concat([...parts, new Uint8Array(1024)]));
}

const names = new TextEncoder().encode("plane\ncar\nbird\n\n");
const ten = {
  "batches.meta.txt": names,
  "data_batch_1.bin": records([[0], [2]]),
  "data_batch_2.bin": records([[1]]),
  "test_batch.bin": records([[2]]),
};

describe("parseCifar", () => {
  test("CIFAR-10: batches one after the other, planes become pixels", () => {
    const { train, test: kept, classNames } = parseCifar(new Map(Object.entries(ten)), "x");
    expect(classNames).toEqual(["plane", "car", "bird"]);
    expect([train.shape, [...train.labels], [...kept.labels]]).toEqual([[32, 32, 3], [0, 2, 1], [2]]);
    expect([...train.images.subarray(0, 6)]).toEqual([0, 50, 100, 1, 51, 101]);
    // The second image, its second row; and the first of the second batch.
    expect([...train.images.subarray(3072 + 96, 3072 + 99)]).toEqual([33, 83, 133]);
    expect([...train.images.subarray(2 * 3072, 2 * 3072 + 3)]).toEqual([0, 50, 100]);
  });

  test("CIFAR-100: the second label is the class", () => {
    const files = { "train.bin": records([[9, 1]]), "test.bin": records([[9, 99]]) };
    const { train, test: kept, classNames } = parseCifar(new Map(Object.entries(files)), "x");
    expect([[...train.labels], [...kept.labels], classNames.length]).toEqual([[1], [99], 100]);
  });

  test.each<[string, object, RegExp]>([
    [
      "a file that is cut off",
      { ...ten, "data_batch_2.bin": new Uint8Array(3072) },
      /data_batch_2\.bin: has 3072 bytes; expected records of 3073/,
    ],
    [
      "a label that is none",
      { ...ten, "test_batch.bin": records([[3]]) },
      /test_batch\.bin: label 3 at index 0/,
    ],
    ["a file that lacks", { "data_batch_1.bin": records([[0]]) }, /lacks test_batch\.bin/],
    ["an empty file", { ...ten, "test_batch.bin": new Uint8Array() }, /has 0 bytes/],
  ])("%s is refused", (_, files, said) => {
    expect(() => parseCifar(new Map(Object.entries(files)), "x")).toThrow(said);
    expect(() => parseCifar(new Map(Object.entries(files)), "x")).toThrow(DataError);
  });
});

test("filesInTar() gives views, and refuses an archive that is cut off", () => {
  const bytes = tar(ten);
  const files = filesInTar(bytes, "x");
  expect([...files.keys()]).toEqual(Object.keys(ten));
  for (const [name, content] of Object.entries(ten))
    expect(Buffer.from(files.get(name)!).equals(content)).toBe(true);
  expect(() => filesInTar(bytes.subarray(0, 3000), "x")).toThrow(/ends within .*data_batch_1\.bin/);
});

test("a folder with the files is a dataset, and one that holds it as the archive unpacks", async () => {
  const folder = await tempFolder();
  await fill(join(folder, "cifar-10-batches-bin"), ten);
  for (const path of [folder, join(folder, "cifar-10-batches-bin")])
    expect(await loadDataset(path)).toMatchObject({ train: { count: 3 }, test: { count: 1 } });
});

test("what is known of the archives", () => {
  for (const [name, info] of Object.entries(ARCHIVES)) {
    expect(info.name).toBe(name);
    expect(info.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(info.file).toMatch(/\.tar\.gz$/);
  }
});

describe("loadArchive", () => {
  const packed = new Uint8Array(gzipSync(tar(ten)));
  const info: ArchiveInfo = {
    name: "tiny",
    title: "Tiny",
    classes: 3,
    shape: [32, 32, 3],
    trainCount: 3,
    testCount: 1,
    mirrors: [],
    file: "tiny.tar.gz",
    // As of photos: these pixels pack well.
    bytes: 20_000,
    sha256: sha256Hex(packed),
  };
  beforeEach(() => vi.stubEnv("WASMGRAD_DATA", ""));
  afterEach(() => vi.unstubAllEnvs());

  test("downloads it once into the cache, verified; a damaged one is fetched again", async () => {
    const { url, requests } = await startMirror((response) => response.end(packed));
    const cacheDir = await tempFolder();
    const options = { cacheDir, mirrors: [url] };
    for (let i = 0; i < 2; i++)
      expect(await loadArchive(info, options)).toMatchObject({
        name: "tiny",
        classNames: ["plane", "car", "bird"],
      });
    expect(requests).toEqual(["/tiny.tar.gz"]);
    expect(await readdir(join(cacheDir, "tiny"))).toEqual(["tiny.tar.gz"]);
    await writeFile(join(cacheDir, "tiny", "tiny.tar.gz"), packed.subarray(0, 100));
    await loadArchive(info, options);
    expect(requests).toHaveLength(2);
  });

  test("refuses another file, and says where it may be put by hand", async () => {
    const { url } = await startMirror((response) => response.end(packed.subarray(1)));
    const cacheDir = await tempFolder();
    const error = await dataErrorOf(loadArchive(info, { cacheDir, mirrors: [url], retryDelayMs: 1 }));
    expect(error).toMatchObject({ code: "download" });
    expect(error.message).toMatch(/the SHA-256 is \w+; expected \w+[\s\S]*Put tiny\.tar\.gz into/);
    expect(
      await readdir(cacheDir).then((all) => all.flatMap((name) => (name === "tiny" ? [] : [name]))),
    ).toEqual([]);
    const offline = await dataErrorOf(loadArchive(info, { cacheDir, offline: true }));
    expect(offline).toMatchObject({
      code: "not-cached",
      message: expect.stringMatching(/nothing is downloaded/),
    });
  });

  test("takes the archive, or what is in it, from the user's folders", async () => {
    const dataDir = await tempFolder();
    const missing = await dataErrorOf(loadArchive(info, { dataDir }));
    expect(missing).toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/holds none of its files/),
    });
    await mkdir(join(dataDir, "tiny"));
    await writeFile(join(dataDir, "tiny", "tiny.tar.gz"), packed);
    expect((await loadArchive(info, { dataDir })).train.count).toBe(3);
    vi.stubEnv("WASMGRAD_DATA", dataDir);
    expect((await loadArchive(info, { offline: true })).train.count).toBe(3);
    await rm(join(dataDir, "tiny", "tiny.tar.gz"));
    await fill(join(dataDir, "tiny"), ten);
    const notices: string[] = [];
    await loadArchive(info, { dataDir, onNotice: (text) => notices.push(text) });
    expect(notices[0]).toMatch(/used unverified/);
    await fill(join(dataDir, "tiny"), { "data_batch_3.bin": records([[0]]) });
    const other = await dataErrorOf(loadArchive(info, { dataDir }));
    expect(other).toMatchObject({
      code: "count-mismatch",
      message: expect.stringMatching(/has 4 training.*expected 3/),
    });
  });
});
