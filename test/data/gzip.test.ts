import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeIdxLabels, gunzip, isGzip, readIdxPair, unpackIdx } from "../../src/data/index.ts";
import { dataErrorOf } from "./helpers.ts";

const zip = (bytes: Uint8Array, level = 6) => new Uint8Array(gzipSync(bytes, { level }));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("gunzip", () => {
  it.each([0, 1, 1000, 16_384, 300_001])("unpacks %i bytes", async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * i) % 253);
    const unpacked = await gunzip(zip(bytes), { maxBytes: size });
    // Not toEqual, which takes a second for the largest.
    expect(Buffer.compare(unpacked, bytes)).toBe(0);
  });

  it("leaves its input as it was", async () => {
    const packed = zip(new Uint8Array(1000));
    const before = packed.slice();
    await gunzip(packed, { maxBytes: 1000 });
    expect(packed).toEqual(before);
  });

  it("takes a Node Buffer, and a view into a larger one", async () => {
    const packed = gzipSync(new Uint8Array([1, 2, 3]));
    const framed = Buffer.concat([Buffer.alloc(5, 7), packed, Buffer.alloc(5, 7)]).subarray(
      5,
      5 + packed.length,
    );
    expect([...(await gunzip(framed, { maxBytes: 3 }))]).toEqual([1, 2, 3]);
  });

  it("accepts exactly maxBytes and not a byte more", async () => {
    const packed = zip(new Uint8Array(5000));
    expect(await gunzip(packed, { maxBytes: 5000 })).toHaveLength(5000);
    const error = await dataErrorOf(gunzip(packed, { maxBytes: 4999, source: "f.gz" }));
    expect(error.code).toBe("too-large");
    expect(error.message).toBe(
      "f.gz: unpacks to more than the limit of 4999 bytes. Where that is meant, unpack the file first (gunzip).",
    );
  });

  const whole = zip(Uint8Array.from({ length: 40_000 }, (_, i) => (i * i) % 251));
  it.each([
    ["nothing", new Uint8Array()],
    ["no gzip", new TextEncoder().encode("hello, this is not gzip at all")],
    ["a zlib stream", new Uint8Array(deflateSync(new Uint8Array(100)))],
    ["a cut in the header", whole.subarray(0, 5)],
    ["a cut in the body", whole.subarray(0, whole.length >> 1)],
    ["a cut in the trailer", whole.subarray(0, -3)],
    ["a wrong CRC", whole.with(whole.length - 8, whole.at(-8)! ^ 1)],
    ["a wrong length", whole.with(whole.length - 1, 1)],
    ["a flipped bit in the body", whole.with(whole.length >> 1, whole[whole.length >> 1]! ^ 16)],
    ["bytes after the end", new Uint8Array([...whole, 1, 2, 3])],
    ["zeros after the end", new Uint8Array([...whole, ...new Uint8Array(512)])],
    ["a second member", new Uint8Array([...whole, ...zip(new Uint8Array(10))])],
  ])("rejects %s", async (_, bytes) => {
    const error = await dataErrorOf(gunzip(bytes, { maxBytes: 1e6, source: "f.gz" }));
    expect(error.code).toBe("bad-gzip");
    expect(error.message).toMatch(/^f\.gz: /);
  });

  it("stops a bomb behind a small header early", async () => {
    // 64 MiB of zeros behind a header that promises 16 + 100 bytes.
    const header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0, 10];
    const bomb = new Uint8Array(64 * 2 ** 20);
    bomb.set(header);
    const packed = zip(bomb, 1);
    const seen = watchInflating();
    const error = await dataErrorOf(unpackIdx(packed, "bomb.gz"));
    expect(error.code).toBe("trailing-bytes");
    expect(error.message).toBe(
      "bomb.gz: holds more than the 116 bytes its header promises. Get the file again.",
    );
    expect(seen.inflated).toBeGreaterThan(116);
    expect(seen.inflated).toBeLessThan(2 ** 20);
    expect(seen.cancelled).toBe(true);
    // Browsers inflate all of what they are handed before anything can be read, so little must be handed over at a time.
    expect(packed.length).toBeGreaterThan(200_000);
    expect(seen.largestInput).toBeLessThanOrEqual(16_384);
  });

  it.each([
    [
      "as many labels as can be",
      [0, 0, 8, 1, 0x3b, 0x9a, 0xca, 0x00],
      "too-large",
      /has 1000000000 labels; expected at most 100000000/,
    ],
    [
      "more images than may be unpacked",
      [0, 0, 8, 3, 0, 0, 4, 1, 0, 0, 4, 0, 0, 0, 4, 0],
      "too-large",
      /unpacks to more than the limit of 1073741824 bytes\. .* unpack the file first/,
    ],
    [
      "more images than its own bytes can hold",
      [0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 3, 0],
      "truncated",
      /promises 603979792 bytes, more than can be packed into \d+/,
    ],
  ] as const)(
    "refuses a header that promises %s, before that much is unpacked",
    async (_, header, code, message) => {
      const bomb = new Uint8Array(2 ** 18);
      bomb.set(header);
      // Nothing but zeros, and 2 MB of what cannot be packed, so that the whole could hold what is promised.
      const noise = Uint8Array.from({ length: 2 ** 21 }, (__, i) => Math.imul(i, 0x9e3779b1) >>> 24);
      const packed = zip(code === "truncated" ? bomb : new Uint8Array([...bomb, ...noise]), 1);
      const seen = watchInflating();
      const largest = watchArrays();
      const error = await dataErrorOf(unpackIdx(packed, "bomb.gz"));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(seen.inflated).toBeLessThan(2 ** 20);
      expect(largest()).toBeLessThan(2 ** 20);
    },
  );

  it("does not unpack images that are not as many as their labels", async () => {
    const images = new Uint8Array(16 + 2 ** 22);
    images.set([0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 0, 64, 0, 0, 0, 64]);
    const labels = encodeIdxLabels(new Uint8Array(1000));
    const packed = zip(images, 1);
    const seen = watchInflating();
    const error = await dataErrorOf(readIdxPair(packed, labels, { source: "pair" }));
    expect(error.code).toBe("count-mismatch");
    expect(error.message).toMatch(/^pair: 1024 images but 1000 labels/);
    expect(seen.inflated).toBeLessThan(2 ** 20);
  });

  it("does not inflate at all beyond the header when that is no IDX header", async () => {
    const seen = watchInflating();
    const error = await dataErrorOf(unpackIdx(zip(new Uint8Array(8 * 2 ** 20).fill(7), 1)));
    expect(error.code).toBe("bad-magic");
    expect(seen.inflated).toBeLessThan(2 ** 20);
  });

  it("knows gzip by its magic", () => {
    expect(isGzip(zip(new Uint8Array(1)))).toBe(true);
    expect(isGzip(new Uint8Array([0x1f]))).toBe(false);
    expect(isGzip(new Uint8Array([0, 0, 8, 3]))).toBe(false);
  });
});

/** The largest byte array that is made from now on. */
function watchArrays(): () => number {
  const Platform = Uint8Array;
  const all: number[] = [];
  vi.stubGlobal(
    "Uint8Array",
    new Proxy(Platform, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number") all.push(args[0]);
        return Reflect.construct(target, args, newTarget);
      },
    }),
  );
  return () => Math.max(0, ...all);
}

/** Watches the platform's decompressor from now on. */
function watchInflating(): { inflated: number; largestInput: number; cancelled: boolean } {
  const Platform = DecompressionStream;
  const seen = { inflated: 0, largestInput: 0, cancelled: false };
  vi.stubGlobal(
    "DecompressionStream",
    class {
      readonly writable: WritableStream<Uint8Array>;
      readonly readable: ReadableStream<Uint8Array>;
      constructor(format: CompressionFormat) {
        const stream = new Platform(format);
        const writer = stream.writable.getWriter();
        const reader: ReadableStreamDefaultReader<Uint8Array> = stream.readable.getReader();
        this.writable = new WritableStream({
          write(chunk) {
            seen.largestInput = Math.max(seen.largestInput, chunk.length);
            return writer.write(chunk as Uint8Array<ArrayBuffer>);
          },
          close: () => writer.close(),
          abort: (reason) => writer.abort(reason),
        });
        this.readable = new ReadableStream({
          async pull(controller) {
            const { done, value } = await reader.read();
            if (done) return controller.close();
            seen.inflated += value.length;
            controller.enqueue(value);
          },
          cancel(reason) {
            seen.cancelled = true;
            return reader.cancel(reason);
          },
        });
      }
    },
  );
  return seen;
}
