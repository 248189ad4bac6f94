import { counted } from "../options/counted.ts";
import { quoted, show } from "../options/show.ts";
import { parseJson } from "../options/strict-json.ts";
import { LITTLE_ENDIAN, littleEndian, type NamedTensor, writeSafetensors } from "./write-safetensors.ts";

export type { NamedTensor } from "./write-safetensors.ts";

/** A file that is no safetensors file, or one that does not hold what was asked for. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

/** Longest header accepted: the format's own limit is 100 MB, a model's is a few KB. */
export const MAX_HEADER = 10_000_000;

/**
 * Writes tensors in the safetensors format: u64 header length, JSON header padded with spaces to 8 bytes,
 * then the numbers, little-endian, in the order given. Metadata goes under `__metadata__`.
 * Source: https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return writeSafetensors(tensors, metadata);
}

/** The bytes of a file, for callers whom no compiler told. Throws TypeError that names the call where they are none. */
export function bytesOf(file: Uint8Array | ArrayBuffer, call: string): Uint8Array {
  // By what they are, not by their class: test runners give each file of tests classes of its own.
  if (ArrayBuffer.isView(file)) return new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (Object.prototype.toString.call(file) === "[object ArrayBuffer]") return new Uint8Array(file);
  const given: unknown = file;
  const line =
    typeof given === "string"
      ? `${call}(await readFile(${show(given)})) in Node, ${call}(await (await fetch(${show(given)})).arrayBuffer()) in a page`
      : given instanceof Promise
        ? `${call}(await …)`
        : given instanceof Blob
          ? `${call}(await file.arrayBuffer())`
          : `${call}(await readFile("model.safetensors"))`;
  throw new TypeError(
    `${call}: got ${show(given)}, expected the bytes of a file, a Uint8Array or ArrayBuffer. Write: ${line}`,
  );
}

/**
 * Reads f32 tensors and metadata. Throws SafetensorsError on anything that is not exactly the format; TypeError on what is
 * no bytes.
 */
export function decodeSafetensors(bytes: Uint8Array | ArrayBuffer): {
  tensors: NamedTensor[];
  metadata: Record<string, string>;
} {
  const { places, metadata } = findTensors(bytesOf(bytes, "decodeSafetensors"), { F32: 4 });
  const tensors = places.map(({ name, shape, content }): NamedTensor => {
    const data = new Float32Array(content.length / 4);
    new Uint8Array(data.buffer).set(content);
    return { name, shape, data: LITTLE_ENDIAN ? data : new Float32Array(littleEndian(data).buffer) };
  });
  return { tensors, metadata };
}

/** A tensor as its file has it. */
export interface FoundTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** A view on its part of the file. */
  readonly content: Uint8Array;
}

/**
 * Finds what tensors a file has, of numbers of the types in `widths`, which gives their bytes. Throws SafetensorsError on
 * anything that is not exactly the format.
 */
export function findTensors(
  file: Uint8Array,
  widths: Readonly<Record<string, number>>,
): { places: FoundTensor[]; metadata: Record<string, string> } {
  const fail: Fail = (message) => {
    throw new SafetensorsError(`not a readable safetensors file: ${message}`);
  };
  if (file.length < 8) fail(`it has ${counted(file.length, "byte")}, expected at least 8`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > Math.min(MAX_HEADER, file.length - 8))
    fail(
      `its header claims ${counted(headerBytes, "byte")}, but the file has ${(file.length - 8).toLocaleString("en-US")} after the length`,
    );
  const header = readHeader(file.subarray(8, 8 + headerBytes), fail);
  const { __metadata__ = {}, ...entries } = header;
  if (
    typeof __metadata__ !== "object" ||
    __metadata__ === null ||
    Array.isArray(__metadata__) ||
    Object.values(__metadata__).some((v) => typeof v !== "string")
  )
    fail("__metadata__ is not a map of strings");
  const start = 8 + headerBytes;
  const places = Object.entries(entries).map(([name, entry]) =>
    placeOf(name, entry, file.length - start, widths, fail),
  );
  // Nothing is copied until all places are known to lie side by side: the copies are then as large as the file at most.
  let end = 0;
  for (const { first, last } of [...places].sort((a, b) => a.first - b.first || a.last - b.last)) {
    if (first !== end)
      fail(`its tensors leave a gap or overlap at byte ${Math.min(first, end)} of the numbers`);
    end = last;
  }
  if (start + end !== file.length)
    fail(
      `it has ${counted(file.length, "byte")}, but its tensors end at byte ${(start + end).toLocaleString("en-US")}`,
    );
  return {
    places: places.map(({ first, last, ...place }) => ({
      ...place,
      content: file.subarray(start + first, start + last),
    })),
    metadata: __metadata__ as Record<string, string>,
  };
}

type Fail = (message: string) => never;

function readHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    fail(`its header is no JSON (${(error as Error).message})`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) fail("its header is no object");
  return header as Record<string, unknown>;
}

/** Where a tensor's numbers lie: bytes `first` to `last` of the `available` ones behind the header. */
interface Place {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly first: number;
  readonly last: number;
}

/** What the header says of a tensor, held against its own shape and what the file has. */
function placeOf(
  name: string,
  entry: unknown,
  available: number,
  widths: Readonly<Record<string, number>>,
  fail: Fail,
): Place {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const title = `tensor ${quoted(name)}`;
  if (typeof dtype !== "string" || !Object.hasOwn(widths, dtype))
    return fail(
      `${title} has dtype ${show(dtype)}, expected ${Object.keys(widths)
        .map((name) => show(name))
        .join(", ")}`,
    );
  const whole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!whole(shape)) return fail(`${title} has shape ${show(shape)}, expected whole numbers`);
  if (!whole(offsets) || offsets.length !== 2)
    return fail(`${title} has no data_offsets, expected two whole numbers`);
  const [first, last] = offsets as [number, number];
  // Beyond 2^53 the product is inexact, but then it is beyond any file, too.
  const count = shape.reduce((product, size) => product * size, 1);
  if (last - first !== widths[dtype]! * count || last > available)
    fail(`${title} of shape ${show(shape)} lies at bytes ${first} to ${last} of ${available}`);
  return { name, dtype, shape, first, last };
}
