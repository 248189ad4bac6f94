import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  assembleDataset,
  DATASET_NAMES,
  DATASETS,
  encodeIdxImages,
  encodeIdxLabels,
  findDataset,
  idxBytes,
  ROLES,
  sha256,
  verifyFile,
} from "../../src/data/index.ts";
import { dataErrorOf, makeSet, tinyDataset } from "./helpers.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("sha256", () => {
  it("gives the published value for 'abc' (FIPS 180-2), of shared memory too", async () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await sha256(new TextEncoder().encode("abc"))).toBe(expected);
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set([97, 98, 99]);
    expect(await sha256(shared)).toBe(expected);
  });

  it("says what to do on a page without crypto.subtle", async () => {
    vi.stubGlobal("crypto", {});
    const error = await dataErrorOf(sha256(new Uint8Array(1)));
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(/https/);
  });
});

describe("verifyFile", () => {
  it("lets any recompression pass where the unpacked file's checksum is known, and the plain file", async () => {
    const { info, idx } = tinyDataset();
    for (const file of [
      gzipSync(idx.testImages, { level: 0 }),
      gzipSync(idx.testImages, { level: 9 }),
      idx.testImages,
    ]) {
      const result = await verifyFile(info, "testImages", file, "f");
      expect(result).toEqual({ idx: idx.testImages, verified: true });
    }
  });

  it("insists on the published .gz where that is what is known", async () => {
    const { info, idx, gz } = tinyDataset("tiny", "gz");
    expect(await verifyFile(info, "testImages", gz.testImages, "f")).toEqual({
      idx: idx.testImages,
      verified: true,
    });
    const error = await dataErrorOf(
      verifyFile(info, "testImages", gzipSync(idx.testImages, { level: 0 }), "f"),
    );
    expect(error.code).toBe("checksum");
    expect(error.message).toMatch(/^f: .*published \.gz.*recompressed/);
    expect((await verifyFile(info, "testImages", idx.testImages, "f")).verified).toBe(false);
  });

  it("rejects another file of the same form, giving both checksums", async () => {
    const { info, idx } = tinyDataset();
    const error = await dataErrorOf(verifyFile(info, "trainImages", idx.testImages, "f"));
    expect(error.code).toBe("checksum");
    expect(error.message).toContain(await sha256(idx.testImages));
    expect(error.message).toContain(info.files.trainImages.idx);
  });
});

describe("assembleDataset", () => {
  it("builds the dataset from its files", () => {
    const { info, idx, train, test } = tinyDataset();
    expect(assembleDataset(info, idx)).toEqual({ name: "tiny", classNames: ["a", "b", "c"], train, test });
  });

  it("holds the files against the registry's counts, shape and classes", () => {
    const { info, idx } = tinyDataset();
    const cut = makeSet(6, [5, 4, 1], 3);
    const cutFiles = { ...idx, testImages: encodeIdxImages(cut), testLabels: encodeIdxLabels(cut.labels) };
    expect(() => assembleDataset(info, cutFiles)).toThrow(/testImages has 6 items; expected 7/);
    const turned = { ...idx, testImages: encodeIdxImages(makeSet(7, [4, 5, 1], 3)) };
    expect(() => assembleDataset(info, turned)).toThrow(/images of 4 x 5 x 1; expected 5 x 4 x 1/);
    const fourth = { ...idx, testLabels: encodeIdxLabels(new Uint8Array(7).fill(3)) };
    expect(() => assembleDataset(info, fourth)).toThrow(expect.objectContaining({ code: "label-range" }));
    const fewer = { ...idx, testLabels: encodeIdxLabels(new Uint8Array(6)) };
    expect(() => assembleDataset(info, fewer)).toThrow(expect.objectContaining({ code: "count-mismatch" }));
  });
});

describe("the registry", () => {
  it("has every dataset whole", () => {
    expect(DATASET_NAMES).toEqual(["mnist", "fashion-mnist", "kmnist", "digits"]);
    const sums = new Set<string>();
    for (const [name, info] of Object.entries(DATASETS)) {
      expect(info.name).toBe(name);
      expect(new Set(info.classNames).size).toBe(10);
      expect(info.mirrors.length).toBeGreaterThan(0);
      for (const role of ROLES) {
        const { idx, gz } = info.files[role];
        expect(idx ?? gz).toMatch(/^[0-9a-f]{64}$/);
        sums.add((idx ?? gz)!);
      }
    }
    expect(sums.size).toBe(12);
  });

  it("knows names exactly, and nothing a plain object inherits", () => {
    expect(findDataset("mnist")?.title).toMatch(/MNIST/);
    expect(findDataset("MNIST")).toBeUndefined();
    expect(findDataset("constructor")).toBeUndefined();
  });

  it("tells each file's unpacked size", () => {
    const { info, idx } = tinyDataset();
    for (const role of ROLES) expect(idxBytes(info, role)).toBe(idx[role].length);
    expect(idxBytes(findDataset("mnist")!, "trainImages")).toBe(47_040_016);
    const rgb = encodeIdxImages(makeSet(12, [5, 4, 3], 3));
    expect(idxBytes({ ...info, shape: [5, 4, 3] }, "trainImages")).toBe(rgb.length);
  });
});
