import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  checkLabels,
  encodeIdxImages,
  encodeIdxLabels,
  parseIdxImages,
  parseIdxLabels,
  readIdxPair,
  unpackIdx,
} from "../../src/data/index.ts";
import { dataErrorOf, makeSet } from "./helpers.ts";

const u32 = (...values: number[]) =>
  values.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);
const file = (magic: number[], dims: number[], elements: number[] = []) =>
  new Uint8Array([...magic, ...u32(...dims), ...elements]);

describe("IDX, byte by byte", () => {
  it("reads images with three dimensions as one channel", () => {
    const bytes = file([0, 0, 8, 3], [2, 1, 3], [1, 2, 3, 4, 5, 6]);
    const { images, count, shape } = parseIdxImages(bytes);
    expect({ images: [...images], count, shape }).toEqual({
      images: [1, 2, 3, 4, 5, 6],
      count: 2,
      shape: [1, 3, 1],
    });
    expect(images.buffer).toBe(bytes.buffer);
  });

  it("reads a fourth dimension as channels", () => {
    const { count, shape } = parseIdxImages(file([0, 0, 8, 4], [1, 2, 1, 3], [1, 2, 3, 4, 5, 6]));
    expect({ count, shape }).toEqual({ count: 1, shape: [2, 1, 3] });
  });

  it("reads labels", () => {
    expect([...parseIdxLabels(file([0, 0, 8, 1], [3], [7, 0, 2]))]).toEqual([7, 0, 2]);
  });

  it("reads from the middle of a larger buffer, and gives plain views on a Node Buffer", () => {
    const bytes = Buffer.from([9, 9, 9, ...file([0, 0, 8, 1], [3], [7, 0, 2])]).subarray(3);
    const labels = parseIdxLabels(bytes);
    expect(labels.constructor).toBe(Uint8Array);
    expect([...labels]).toEqual([7, 0, 2]);
  });

  it.each([
    ["wrong magic", file([1, 0, 8, 3], [1, 1, 1], [0]), "bad-magic", /starts with 01 00 08 03/],
    ["float32", file([0, 0, 13, 3], [1, 1, 1], [0, 0, 0, 0]), "bad-magic", /IDX of float32.*unsigned bytes/],
    [
      "no IDX, though its third byte is a type",
      file([1, 0, 13, 3], [1, 1, 1], [0]),
      "bad-magic",
      /starts with 01 00 0d 03/,
    ],
    [
      "nor with another second byte",
      file([0, 1, 13, 3], [1, 1, 1], [0]),
      "bad-magic",
      /starts with 00 01 0d 03/,
    ],
    ["2 dimensions", file([0, 0, 8, 2], [1, 1], [0]), "bad-magic", /starts with 00 00 08 02/],
    ["labels", file([0, 0, 8, 1], [1], [0]), "bad-magic", /Is this a label file/],
    ["a web page", new TextEncoder().encode("<!doctype html><title>404"), "bad-magic", /web page/],
    ["gzip", new Uint8Array(gzipSync(file([0, 0, 8, 3], [1, 1, 1], [0]))), "bad-magic", /is gzipped/],
    ["no bytes", new Uint8Array(), "truncated", /after 0 bytes/],
    ["half a header", file([0, 0, 8, 3], [1]), "truncated", /after 8 bytes/],
    ["a byte too few", file([0, 0, 8, 3], [1, 2, 2], [1, 2, 3]), "truncated", /has 19 bytes; expected 20/],
    ["a byte too many", file([0, 0, 8, 3], [1, 1, 1], [1, 2]), "trailing-bytes", /has 18 bytes; expected 17/],
    ["no images", file([0, 0, 8, 3], [0, 2, 2]), "bad-dimensions", /0 x 2 x 2/],
    ["no height", file([0, 0, 8, 3], [2, 0, 2]), "bad-dimensions", /2 x 0 x 2/],
    ["no channels", file([0, 0, 8, 4], [1, 1, 1, 0]), "bad-dimensions", /1 x 1 x 1 x 0/],
    ["absurd width", file([0, 0, 8, 3], [1, 1, 16_385]), "bad-dimensions", /up to 16384/],
    ["absurd channels", file([0, 0, 8, 4], [1, 1, 1, 1025]), "bad-dimensions", /up to 1024/],
    [
      "4 GiB",
      file([0, 0, 8, 3], [4096, 1024, 1024]),
      "too-large",
      /4294967312 bytes; the limit is 2147483647/,
    ],
    ["2^70 bytes", file([0, 0, 8, 4], [0xffffffff, 16384, 16384, 1024]), "too-large", /limit/],
  ])("rejects images: %s", (_, bytes, code, message) => {
    expect(() => parseIdxImages(bytes, "x.idx")).toThrow(
      expect.objectContaining({ name: "DataError", code, message: expect.stringMatching(message) }),
    );
    expect(() => parseIdxImages(bytes, "x.idx")).toThrow(/^x\.idx: /);
  });

  it("rejects images where labels are expected, and labels out of range", () => {
    const images = file([0, 0, 8, 3], [1, 1, 1], [0]);
    expect(() => parseIdxLabels(images)).toThrow(expect.objectContaining({ code: "bad-magic" }));
    const labels = file([0, 0, 8, 1], [3], [0, 2, 1]);
    expect(parseIdxLabels(labels, "l", 3)).toHaveLength(3);
    const outside = expect.objectContaining({
      code: "label-range",
      message: "l: label 2 at index 1; expected 0 to 1 for 2 classes.",
    });
    expect(() => parseIdxLabels(labels, "l", 2)).toThrow(outside);
    expect(() => checkLabels(new Uint8Array([255]), 255)).toThrow(/label 255/);
    expect(() => checkLabels(new Uint8Array([255]), 256)).not.toThrow();
  });
});

describe("IDX round trips", () => {
  it.each([
    [1, 1, 1, 1],
    [3, 28, 28, 1],
    [2, 5, 7, 3],
    [4, 1, 9, 2],
  ])("%i images of %i x %i x %i", async (count, h, w, c) => {
    const set = makeSet(count, [h, w, c], 10);
    const bytes = encodeIdxImages(set);
    expect(bytes[3]).toBe(c === 1 ? 3 : 4);
    expect(await readIdxPair(bytes, encodeIdxLabels(set.labels), { classCount: 10 })).toEqual(set);
    const zipped = await readIdxPair(
      new Uint8Array(gzipSync(bytes)),
      new Uint8Array(gzipSync(encodeIdxLabels(set.labels))),
    );
    expect(zipped).toEqual(set);
  });

  it("rejects a pair of unequal counts and labels beyond the classes", async () => {
    const set = makeSet(4, [2, 2, 1], 3);
    const images = encodeIdxImages(set);
    const error = await dataErrorOf(
      readIdxPair(images, encodeIdxLabels(set.labels.subarray(1)), { source: "s" }),
    );
    expect(error.code).toBe("count-mismatch");
    expect(error.message).toMatch(/^s: 4 images but 3 labels/);
    const labels = encodeIdxLabels(set.labels);
    expect((await dataErrorOf(readIdxPair(images, labels, { classCount: 2 }))).code).toBe("label-range");
  });

  it("refuses to encode what does not fit its dimensions", () => {
    const set = makeSet(4, [2, 2, 1], 3);
    expect(() => encodeIdxImages({ ...set, count: 5 })).toThrow(
      expect.objectContaining({ code: "count-mismatch" }),
    );
    expect(() => encodeIdxLabels(new Uint8Array())).toThrow(
      expect.objectContaining({ code: "bad-dimensions" }),
    );
  });

  it("passes plain files through unpackIdx untouched", async () => {
    const bytes = encodeIdxLabels(new Uint8Array([1, 2]));
    expect(await unpackIdx(bytes)).toBe(bytes);
  });
});
