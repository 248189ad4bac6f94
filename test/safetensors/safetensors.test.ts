import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  SafetensorsError,
} from "../../src/safetensors/safetensors.ts";

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const name = fc.string({ minLength: 1, maxLength: 12, unit: "binary" }).filter((s) => s !== "__metadata__");
/** Any 32 bits: every f32 there is, NaN with its payload included. */
const tensors = fc
  .uniqueArray(fc.tuple(name, shape, fc.infiniteStream(fc.nat(0xffffffff))), {
    selector: ([key]) => key,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([key, dims, bits]): NamedTensor => {
      const n = dims.reduce((a, b) => a * b, 1);
      const data = new Float32Array(
        Uint32Array.from({ length: n }, () => bits.next().value as number).buffer,
      );
      return { name: key, shape: dims, data };
    }),
  );
const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 });

const bits = ({ data }: NamedTensor) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];

const example = () =>
  encodeSafetensors(
    [
      { name: "a/kernel", shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-40, 6) },
      { name: "a/bias", shape: [3], data: Float32Array.of(7, 8, 9) },
    ],
    { format: "wasmgrad", note: "é" },
  );

test("a tensor may be named as what every object has", () => {
  const data = Float32Array.of(1, 2);
  const names = ["__proto__", "constructor"];
  const { tensors } = decodeSafetensors(
    encodeSafetensors(
      names.map((name) => ({ name, shape: [2], data })),
      {},
    ),
  );
  expect(tensors.map(({ name }) => name)).toEqual(names);
  expect([...tensors[0]!.data]).toEqual([1, 2]);
});

/** A file of this header, as JSON or raw, and this many bytes of numbers. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

describe("round trip", () => {
  test("gives back names, shapes, every bit, and the metadata", () => {
    fc.assert(
      fc.property(tensors, metadata, (list, meta) => {
        const file = encodeSafetensors(list, meta);
        const decoded = decodeSafetensors(file);
        const byName = new Map(decoded.tensors.map((t) => [t.name, t]));
        expect(byName.size).toBe(list.length);
        for (const tensor of list) {
          const again = byName.get(tensor.name)!;
          expect(again.shape).toEqual(tensor.shape);
          expect(again.data.length).toBe(tensor.data.length);
          // Quiet NaN may replace another NaN on the way through a number.
          for (const [i, b] of bits(tensor).entries())
            if (!Number.isNaN(tensor.data[i])) expect(bits(again)[i]).toBe(b);
            else expect(again.data[i]).toBeNaN();
        }
        expect(decoded.metadata).toEqual(meta);
      }),
      { numRuns: 300 },
    );
  });

  test("reads from any place in a larger buffer, and gives copies", () => {
    const file = example();
    const larger = new Uint8Array(file.length + 13);
    larger.set(file, 5);
    const { tensors: read } = decodeSafetensors(larger.subarray(5, 5 + file.length));
    larger.fill(0);
    expect([...read[1]!.data]).toEqual([7, 8, 9]);
  });

  test("the bytes are those of the format", () => {
    const file = encodeSafetensors([{ name: "w", shape: [2], data: Float32Array.of(1, -2) }], { k: "v" });
    const header = '{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const length = Math.ceil(header.length / 8) * 8;
    const expected = Buffer.concat([
      Buffer.from([length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(header.padEnd(length)),
      Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
    ]);
    expect(Buffer.from(file).equals(expected)).toBe(true);
  });

  test("a file without metadata, tensors in another order than their numbers", () => {
    const file = fileOf(
      {
        b: { dtype: "F32", shape: [1], data_offsets: [4, 8] },
        a: { dtype: "F32", shape: [], data_offsets: [0, 4] },
      },
      8,
    );
    const { tensors: read, metadata: meta } = decodeSafetensors(file);
    expect(read.map((t) => t.name)).toEqual(["b", "a"]);
    expect(meta).toEqual({});
  });
});

describe("a file that is none", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "it has 0 bytes, expected at least 8"],
    ["seven bytes", new Uint8Array(7), "it has 7 bytes, expected at least 8"],
    [
      "a header beyond the end",
      fileOf("{}", 0).fill(9, 0, 1),
      "its header claims 9 bytes, but the file has 2",
    ],
    ["an endless header", new Uint8Array(16).fill(0xff), "its header claims"],
    ["no header", new Uint8Array(8), "its header is no JSON"],
    ["a header that is no JSON", fileOf("{]", 0), "its header is no JSON"],
    ["a header that is no UTF-8", fileOf("{ }", 0).fill(0xff, 9, 10), "its header is no JSON"],
    ["a header that is a list", fileOf([], 0), "its header is no object"],
    ["a header that is null", fileOf(null, 0), "its header is no object"],
    ["a header that is a number", fileOf(3, 0), "its header is no object"],
    ["a header that is a text", fileOf('"w"', 0), "its header is no object"],
    ["metadata that is a list", fileOf({ __metadata__: ["a"] }, 0), "__metadata__ is not a map of strings"],
    ["metadata that is null", fileOf({ __metadata__: null }, 0), "__metadata__ is not a map of strings"],
    ["metadata with a number", fileOf({ __metadata__: { a: 1 } }, 0), "__metadata__ is not a map of strings"],
    ["an entry that is null", fileOf({ w: null }, 0), "tensor 'w' has dtype undefined, expected \"F32\""],
    ["another dtype", fileOf({ w: { ...entry, dtype: "F16" } }, 8), "tensor 'w' has dtype \"F16\""],
    ["a negative size", fileOf({ w: { ...entry, shape: [-2] } }, 8), "tensor 'w' has shape [-2]"],
    ["a size of 1.5", fileOf({ w: { ...entry, shape: [1.5] } }, 8), "tensor 'w' has shape [1.5]"],
    ["a shape that is a number", fileOf({ w: { ...entry, shape: 2 } }, 8), "tensor 'w' has shape 2"],
    ["no offsets", fileOf({ w: { ...entry, data_offsets: undefined } }, 8), "tensor 'w' has no data_offsets"],
    ["one offset", fileOf({ w: { ...entry, data_offsets: [0] } }, 8), "tensor 'w' has no data_offsets"],
    ["more numbers than bytes", fileOf({ w: { ...entry, shape: [3] } }, 8), "lies at bytes 0 to 8 of 8"],
    [
      "a tensor beyond the end",
      fileOf({ w: { ...entry, data_offsets: [8, 16] } }, 8),
      "lies at bytes 8 to 16 of 8",
    ],
    [
      "a product beyond 2^53",
      fileOf({ w: { ...entry, shape: [2 ** 40, 2 ** 40], data_offsets: [0, 2 ** 53 - 1] } }, 8),
      "lies at bytes",
    ],
    [
      "a gap",
      fileOf({ w: { ...entry, data_offsets: [4, 12] } }, 12),
      "its tensors leave a gap or overlap at byte 0",
    ],
    [
      "an overlap",
      fileOf({ w: entry, v: { ...entry, data_offsets: [4, 12] } }, 12),
      "its tensors leave a gap or overlap at byte 4",
    ],
    ["bytes behind the last tensor", fileOf({ w: entry }, 9), "but its tensors end at byte"],
  ])("%s", (_, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(file)).toThrow(message);
  });

  test("a shape nested deeper than any stack", () => {
    for (const shape of [
      `${"[".repeat(1e5)}${"]".repeat(1e5)}`,
      `${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}`,
    ]) {
      const file = fileOf(`{"w":{"dtype":"F32","shape":${shape},"data_offsets":[0,8]}}`, 8);
      expect(() => decodeSafetensors(file)).toThrow(SafetensorsError);
      expect(() => decodeSafetensors(file)).toThrow(
        /'w' has shape (\[\[…\]\]|an object), expected whole numbers/,
      );
    }
  });

  test("a name and a shape as long as the file make no error as long", () => {
    const name = "w".repeat(1e5);
    for (const shape of [Array(1e5).fill(1), Array(1e5).fill(-1)])
      try {
        decodeSafetensors(fileOf({ [name]: { dtype: "F32", shape, data_offsets: [0, 8] } }, 8));
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(SafetensorsError);
        expect((error as Error).message.length).toBeLessThan(400);
      }
  });

  test.each([
    ["a tensor", '{"w":1,"w":2}', '"w"'],
    ["a tensor, spelt in two ways", '{"w":1,"\\u0077":2}', '"\\u0077"'],
    ["a field of a tensor", '{"w":{"dtype":"F32","shape":[],"shape":[1],"data_offsets":[0,4]}}', '"shape"'],
    ["a key of the metadata", '{"__metadata__":{"a":"1","b":"{","a":"2"}}', '"a"'],
    ["the metadata", '{"__metadata__":{},"x":[{"a":1},{"a":1}],"__metadata__":{}}', '"__metadata__"'],
  ])("%s is there twice", (_, header, key) => {
    expect(() => decodeSafetensors(fileOf(header, 4))).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(fileOf(header, 4))).toThrow(`an object has the key ${key} twice`);
  });

  test("tensors that overlap are refused before any of them is copied", () => {
    const entry = { dtype: "F32", shape: [1000], data_offsets: [0, 4000] };
    const header = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`w${i}`, entry]));
    const file = fileOf(header, 4000);
    let numbers = 0;
    const Original = Float32Array;
    vi.stubGlobal(
      "Float32Array",
      class extends Original {
        constructor(length: number) {
          super(length);
          numbers += length;
        }
      },
    );
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => decodeSafetensors(file)).toThrow("its tensors leave a gap or overlap at byte 0");
    expect(numbers).toBe(0);
    decodeSafetensors(fileOf({ w: entry }, 4000));
    expect(numbers).toBe(1000);
  });

  test("cut short anywhere", () => {
    const file = example();
    for (let length = 0; length < file.length; length++)
      expect(() => decodeSafetensors(file.subarray(0, length))).toThrow(SafetensorsError);
  });

  test("lengthened", () => {
    for (const extra of [1, 4, 100]) {
      const file = example();
      const longer = new Uint8Array(file.length + extra);
      longer.set(file);
      expect(() => decodeSafetensors(longer)).toThrow(SafetensorsError);
    }
  });

  /** Reads it or throws SafetensorsError, quickly and without a large allocation. */
  const readOrRefuse = (file: Uint8Array) => {
    try {
      const { tensors: read } = decodeSafetensors(file);
      for (const { shape: dims, data } of read) expect(data.length).toBe(dims.reduce((a, b) => a * b, 1));
      expect(read.reduce((sum, { data }) => sum + 4 * data.length, 0)).toBeLessThanOrEqual(file.length);
    } catch (error) {
      expect(error).toBeInstanceOf(SafetensorsError);
    }
  };

  test("damaged at random: bytes changed, pieces removed, doubled, swapped", () => {
    const file = example();
    const position = fc.nat(file.length - 1);
    const change = fc.oneof(
      fc.record({ at: position, byte: fc.nat(255) }),
      fc.record({ at: position, remove: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ at: position, insert: fc.uint8Array({ minLength: 1, maxLength: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes = [...file];
        for (const c of changes) {
          if ("byte" in c) bytes[Math.min(c.at, bytes.length - 1)] = c.byte;
          else if ("remove" in c) bytes.splice(c.at, c.remove);
          else bytes = [...bytes.slice(0, c.at), ...c.insert, ...bytes.slice(c.at)];
        }
        readOrRefuse(Uint8Array.from(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  test("lying headers", () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 40 }), fc.double(), fc.constant(2 ** 53));
    const lying = fc.record(
      {
        dtype: fc.constantFrom("F32", "F32", "F32", "F64", 3, null),
        shape: fc.oneof(fc.array(number, { maxLength: 3 }), fc.jsonValue()),
        data_offsets: fc.oneof(fc.array(number, { maxLength: 3 }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(
      fc.constantFrom("a", "b", "__metadata__", "__proto__"),
      fc.oneof(lying, fc.jsonValue()),
    );
    fc.assert(
      fc.property(header, fc.nat(40), (value, bytes) => readOrRefuse(fileOf(value, bytes))),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), readOrRefuse), { numRuns: 300 });
  });
});
