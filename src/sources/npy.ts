import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";

// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy's own headers are of 128 bytes. */
export const MAX_HEADER = 65_536;

/** An array of NumPy. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** Numbers of the last axis side by side. */
  readonly data: ArrayLike<number>;
  /** What NumPy calls its type: "uint8", "float32". */
  readonly type: string;
}

/** A float of 16 bits, by its bits: five of exponent, ten of fraction. */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type Read = (view: DataView, at: number, little: boolean) => number;
/** By the letter and the bytes of a type. */
const TYPES: Readonly<Record<string, readonly [type: string, read: Read]>> = {
  b1: ["bool", (view, at) => view.getUint8(at)],
  u1: ["uint8", (view, at) => view.getUint8(at)],
  u2: ["uint16", (view, at, little) => view.getUint16(at, little)],
  u4: ["uint32", (view, at, little) => view.getUint32(at, little)],
  u8: ["uint64", (view, at, little) => Number(view.getBigUint64(at, little))],
  i1: ["int8", (view, at) => view.getInt8(at)],
  i2: ["int16", (view, at, little) => view.getInt16(at, little)],
  i4: ["int32", (view, at, little) => view.getInt32(at, little)],
  i8: ["int64", (view, at, little) => Number(view.getBigInt64(at, little))],
  f2: ["float16", (view, at, little) => halfOf(view.getUint16(at, little))],
  f4: ["float32", (view, at, little) => view.getFloat32(at, little)],
  f8: ["float64", (view, at, little) => view.getFloat64(at, little)],
};

/** What a .npy file's header says. */
export interface NpyHeader {
  readonly shape: readonly number[];
  readonly type: string;
  /** Bytes of a number. */
  readonly width: number;
  /** How many numbers there are, and where they begin. */
  readonly count: number;
  readonly start: number;
  readonly little: boolean;
  /** Whether numbers of the first axis lie side by side: Fortran's order. */
  readonly fortran: boolean;
  readonly read: Read;
}

/**
 * Reads the header of a .npy file.
 * @param bytes the file's first ones, all of the header among them
 * @param total bytes of the file
 * @param allowFortran whether Fortran's order is read, too
 * Throws DataError `bad-magic`, `truncated`, `trailing-bytes`, `too-large`.
 */
export function parseNpyHeader(
  bytes: Uint8Array,
  total: number,
  source: string,
  maxBytes = MAX_IDX_BYTES,
  allowFortran = false,
): NpyHeader {
  const bad = (problem: string) => new DataError("bad-magic", `${source}: ${problem}.`);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw bad("is no array of NumPy");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6]! > 1;
  const start = wide ? 12 : 10;
  if (bytes.length < start) throw new DataError("truncated", `${source}: ends within its header.`);
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (length > MAX_HEADER || start + length > bytes.length)
    throw new DataError("truncated", `${source}: its header claims ${length} bytes; the file has ${total}.`);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const [, order, code] = /'descr':\s*'([<>|=]?)(\w+)'/.exec(header) ?? [];
  const [, fortran] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([\d,\s]*)\)/.exec(header) ?? [];
  if (code === undefined || fortran === undefined || sizes === undefined)
    throw bad("its header is none of NumPy's");
  const type = Object.hasOwn(TYPES, code) ? TYPES[code] : undefined;
  if (!type)
    throw bad(`holds numbers of type ${code}; expected integers or floats. Write: x.astype(np.uint8)`);
  if (fortran === "True" && !allowFortran)
    throw bad("has its first axis side by side (Fortran's order). Write: np.ascontiguousarray(x)");
  const shape = sizes
    .split(",")
    .map((size) => size.trim())
    .filter(Boolean)
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const [name, read] = type;
  const width = Number(code.slice(1));
  const expected = start + length + count * width;
  if (!Number.isSafeInteger(count) || count * width > maxBytes)
    throw new DataError(
      "too-large",
      `${source}: shape (${shape.join(", ")}) needs ${count * width} bytes; the limit is ${maxBytes}.`,
    );
  if (total !== expected)
    throw new DataError(
      total < expected ? "truncated" : "trailing-bytes",
      `${source}: has ${total} bytes; expected ${expected} for shape (${shape.join(", ")}) of ${name}.`,
    );
  return {
    shape,
    type: name,
    width,
    count,
    start: start + length,
    little: order !== ">",
    fortran: fortran === "True",
    read,
  };
}

/**
 * Reads a .npy file. Bytes are a view on it; other numbers are copied.
 * @param allowFortran whether arrays whose first axis lies side by side are read, too: as others are, then
 * Throws DataError `bad-magic`, `truncated`, `trailing-bytes`, `too-large`.
 */
export function parseNpy(bytes: Uint8Array, source: string, allowFortran = false): NpyArray {
  const header = parseNpyHeader(bytes, bytes.length, source, MAX_IDX_BYTES, allowFortran);
  const { shape, type, width, count, start, little, fortran, read } = header;
  if (width === 1 && type !== "int8" && !fortran) return { shape, data: bytes.subarray(start), type };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float64Array(count);
  const places = fortran ? placesOfFortran(shape) : undefined;
  for (let i = 0; i < count; i++) data[i] = read(view, start + (places ? places() : i) * width, little);
  return { shape, data, type };
}

/** Gives, in the order of the last axis, where each number lies in that of the first one. */
function placesOfFortran(shape: readonly number[]): () => number {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const index = shape.map(() => 0);
  let next = 0;
  return () => {
    const at = next;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      next += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      next -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    return at;
  };
}
