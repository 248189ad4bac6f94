import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import { NUMBER_TYPES, type NumberType } from "../safetensors/number-types.ts";
import { littleEndian } from "../safetensors/write-safetensors.ts";

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

/** By the letter and the bytes of a type. */
const TYPES: Readonly<Record<string, readonly [type: string, read: NumberType["read"]]>> = {
  b1: ["bool", NUMBER_TYPES.U8.read],
  u1: ["uint8", NUMBER_TYPES.U8.read],
  u2: ["uint16", NUMBER_TYPES.U16.read],
  u4: ["uint32", NUMBER_TYPES.U32.read],
  u8: ["uint64", NUMBER_TYPES.U64.read],
  i1: ["int8", NUMBER_TYPES.I8.read],
  i2: ["int16", NUMBER_TYPES.I16.read],
  i4: ["int32", NUMBER_TYPES.I32.read],
  i8: ["int64", NUMBER_TYPES.I64.read],
  f2: ["float16", NUMBER_TYPES.F16.read],
  f4: ["float32", NUMBER_TYPES.F32.read],
  f8: ["float64", NUMBER_TYPES.F64.read],
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
  readonly read: NumberType["read"];
}

/** The header of a .npy file, and where it ends. Throws DataError `bad-magic`, `truncated`. */
function headerText(bytes: Uint8Array, total: number, source: string) {
  if (MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new DataError("bad-magic", `${source}: is no array of NumPy.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6]! > 1;
  const start = wide ? 12 : 10;
  if (bytes.length < start) throw new DataError("truncated", `${source}: ends within its header.`);
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (length > MAX_HEADER || start + length > bytes.length)
    throw new DataError("truncated", `${source}: its header claims ${length} bytes; the file has ${total}.`);
  return { header: new TextDecoder().decode(bytes.subarray(start, start + length)), end: start + length };
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
  const { header, end } = headerText(bytes, total, source);
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
  const expected = end + count * width;
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
    start: end,
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

/**
 * The texts of a .npy file that is a list of some, as `np.array(["cat", "dog"])` is; undefined: it holds something else.
 * Throws DataError `bad-magic`, `truncated`, `trailing-bytes`.
 */
export function parseNpyTexts(bytes: Uint8Array, source: string): string[] | undefined {
  const { header, end } = headerText(bytes, bytes.length, source);
  const [, order, length] = /'descr':\s*'([<>])U(\d+)'/.exec(header) ?? [];
  const [, size] = /'shape':\s*\((\d+),\s*\)/.exec(header) ?? [];
  if (length === undefined || size === undefined) return undefined;
  const [characters, count] = [Number(length), Number(size)];
  // Of no characters there may be billions in a few bytes.
  if (characters === 0) return undefined;
  const expected = end + 4 * characters * count;
  if (bytes.length !== expected)
    throw new DataError(
      bytes.length < expected ? "truncated" : "trailing-bytes",
      `${source}: has ${bytes.length} bytes; expected ${expected} for ${count} texts of ${characters} characters.`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => {
    let text = "";
    for (let k = 0; k < characters; k++) {
      const code = view.getUint32(end + 4 * (i * characters + k), order === "<");
      // NumPy fills up with zeros; beyond Unicode there is nothing to show.
      if (code > 0) text += String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
    }
    return text;
  });
}

/** An array of bytes or of 4-byte floats as .npy, version 1.0. */
export function npyOf(
  shape: readonly number[],
  data: Uint8Array | Uint8ClampedArray | Float32Array,
): Uint8Array<ArrayBuffer> {
  return data instanceof Float32Array ? npy("<f4", shape, littleEndian(data)) : npy("|u1", shape, data);
}

/** Texts as .npy, as `np.array(["cat", "dog"])` is: four bytes a character, as many as the longest has. */
export function npyOfTexts(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const all = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const most = Math.max(1, ...all.map(({ length }) => length));
  const body = new Uint8Array(4 * most * all.length);
  const view = new DataView(body.buffer);
  for (const [i, codes] of all.entries())
    for (const [k, code] of codes.entries()) view.setUint32(4 * (i * most + k), code, true);
  return npy(`<U${most}`, [all.length], body);
}

function npy(
  type: string,
  shape: readonly number[],
  body: Uint8Array | Uint8ClampedArray,
): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = 10 + header.length + 1;
  const padded = Math.ceil(start / 64) * 64;
  const text = `${header}${" ".repeat(padded - start)}\n`;
  const bytes = new Uint8Array(padded + body.length);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes.set(body, padded);
  return bytes;
}
