import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  DataError,
  encodeIdxImages,
  encodeIdxLabels,
  parseIdxImages,
  parseIdxLabels,
  readIdxPair,
} from "../../src/data/index.ts";
import { makeSet } from "./helpers.ts";

/** A place in the file, as a share of its length; evenly spread, where fast-check would favour the ends. */
const place = fc.noBias(fc.nat(999)).map((thousandths) => thousandths / 1000);

/** Every way a file goes bad in practice, as a change to a good one. */
const damage = fc.oneof(
  fc.record({
    kind: fc.constant("cut" as const),
    at: place,
  }),
  fc.record({ kind: fc.constant("extend" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({
    kind: fc.constant("flip" as const),
    at: place,
    bit: fc.nat(7),
  }),
  fc.record({
    kind: fc.constant("header" as const),
    at: fc.nat(19),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant("dims" as const),
    dims: fc.array(fc.nat(0xffffffff), { minLength: 3, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("random" as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
);
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function spoil(file: Uint8Array, how: Damage): Uint8Array {
  const bytes = file.slice();
  switch (how.kind) {
    case "cut":
      return bytes.subarray(0, Math.floor(how.at * bytes.length));
    case "extend":
      return new Uint8Array([...bytes, ...how.bytes]);
    case "flip":
      bytes[Math.floor(how.at * bytes.length)]! ^= 1 << how.bit;
      return bytes;
    case "header":
      bytes.set(how.bytes.subarray(0, bytes.length - how.at), how.at);
      return bytes;
    case "dims":
      for (const [i, dim] of how.dims.entries()) new DataView(bytes.buffer).setUint32(4 + 4 * i, dim);
      return bytes;
    case "random":
      return how.bytes;
  }
}

const shape = fc.tuple(
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 3 }),
);
const set = fc
  .record({ count: fc.integer({ min: 3, max: 9 }), shape })
  .map(({ count, shape }) => makeSet(count, shape, 3));

/** The error `f` throws, which must be a DataError; undefined if it throws none. */
async function dataError(f: () => unknown): Promise<DataError | undefined> {
  try {
    await f();
    return undefined;
  } catch (error) {
    if (!(error instanceof DataError)) throw new Error(`not a DataError: ${error}`, { cause: error });
    return error;
  }
}

const native = globalThis.Uint8Array;
let restore = () => {};
afterEach(() => restore());

/** Records the largest `new Uint8Array(length)` from now on. */
function watchAllocations(): { largest: number } {
  const seen = { largest: 0 };
  globalThis.Uint8Array = new Proxy(native, {
    construct(target, args, newTarget) {
      const bytes =
        typeof args[0] === "number" ? args[0] : args[0] instanceof ArrayBuffer ? 0 : (args[0]?.length ?? 0);
      seen.largest = Math.max(seen.largest, bytes);
      return Reflect.construct(target, args, newTarget);
    },
  });
  restore = () => {
    globalThis.Uint8Array = native;
  };
  return seen;
}

describe("damaged files", () => {
  it("are a DataError or, if the damage left a valid file, exactly that file's content: plain IDX", async () => {
    const outcomes = { rejected: 0, accepted: 0 };
    await fc.assert(
      fc.asyncProperty(set, damage, async (good, how) => {
        const bytes = spoil(encodeIdxImages(good), how);
        const error = await dataError(() => {
          const { images, count, shape } = parseIdxImages(bytes);
          // What is accepted must be consistent with itself, and be what the file holds.
          expect(images.length).toBe(count * shape[0] * shape[1] * shape[2]);
          expect(encodeIdxImages({ images, count, shape }).subarray(-images.length)).toEqual(images);
          expect(images).toEqual(bytes.subarray(-images.length));
        });
        outcomes[error === undefined ? "accepted" : "rejected"]++;
      }),
      { numRuns: 3000, seed: 1 },
    );
    // Flips among the pixels can't be seen without a checksum; all else must be, and most cases are else.
    expect(outcomes.rejected).toBeGreaterThan(1800);
    expect(outcomes.accepted).toBeGreaterThan(100);
  });

  it("are a DataError: label files", async () => {
    let rejected = 0;
    await fc.assert(
      fc.asyncProperty(set, damage, async (good, how) => {
        const bytes = spoil(encodeIdxLabels(good.labels), forLabels(how));
        const error = await dataError(() => parseIdxLabels(bytes, "labels", 3));
        if (error !== undefined) rejected++;
      }),
      { numRuns: 1500, seed: 2 },
    );
    expect(rejected).toBeGreaterThan(1000);
  });

  it("are a DataError: gzipped, damaged before or after compression", async () => {
    const outcomes = { rejected: 0, accepted: 0 };
    const seen = watchAllocations();
    await fc.assert(
      fc.asyncProperty(set, damage, fc.boolean(), async (good, how, before) => {
        const plain = encodeIdxImages(good);
        const packed = before ? zip(spoil(plain, how)) : spoil(zip(plain), how);
        const labels = encodeIdxLabels(good.labels);
        seen.largest = 0;
        const error = await dataError(() => readIdxPair(packed, labels, { classCount: 3 }));
        // 1 KiB covers headers; deflate's best ratio is what an honest file may need.
        expect(seen.largest).toBeLessThan(1024 + 1032 * packed.length);
        outcomes[error === undefined ? "accepted" : "rejected"]++;
      }),
      { numRuns: 1200, seed: 3 },
    );
    expect(outcomes.rejected).toBeGreaterThan(700);
    expect(outcomes.accepted).toBeGreaterThan(20);
  });

  it("with a gzip file damaged after compression never come through changed", async () => {
    const good = makeSet(9, [6, 6, 1], 3);
    const labels = encodeIdxLabels(good.labels);
    const packed = zip(encodeIdxImages(good));
    const meaningless = (byte: number) => byte < 10 || byte === packed.length - 9;
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const flipped = packed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      // Flips that mean nothing are right to accept: time stamp and OS in the header, padding after the last code.
      const error = await dataError(async () => expect(await readIdxPair(flipped, labels)).toEqual(good));
      if (error === undefined) expect(meaningless(bit >> 3)).toBe(true);
    }
  });

  it("cannot make the parser allocate what a lying header promises", async () => {
    const seen = watchAllocations();
    // Just below the limit of 1 GiB for what is unpacked, and far above every limit; 16 real bytes behind either.
    for (const dims of [
      [1000, 1024, 1024],
      [4096, 1024, 1024],
    ]) {
      const file = new native(16 + 16);
      file.set([0, 0, 8, 3]);
      for (const [i, dim] of dims.entries()) new DataView(file.buffer).setUint32(4 + 4 * i, dim);
      for (const bytes of [file, zip(file)]) {
        const error = await dataError(() => readIdxPair(bytes, encodeIdxLabels(new native(1000))));
        expect(error?.code).toBe(dims[0] === 4096 ? "too-large" : "truncated");
      }
    }
    expect(seen.largest).toBeLessThan(4096);
    expect(seen.largest).toBeGreaterThan(0);
  });
});

const zip = (bytes: Uint8Array) => new native(gzipSync(bytes, { level: 1 }));

/** The same damage within a label file's header, which is shorter. */
function forLabels(how: Damage): Damage {
  if (how.kind === "header") return { ...how, at: how.at % 8 };
  return how.kind === "dims" ? { ...how, dims: how.dims.slice(0, 1) } : how;
}
