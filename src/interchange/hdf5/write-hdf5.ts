// HDF5 files as h5py writes them by default, but for their times: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html

import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { littleEndian } from "../../safetensors/write-safetensors.ts";

/** A group to write. */
export interface Written {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly groups?: Readonly<Record<string, Written>>;
  /** Arrays of 32-bit floats, single such, and whole numbers. */
  readonly arrays?: Readonly<Record<string, Pick<NamedTensor, "shape" | "data"> | number | bigint>>;
}

/** The bytes of an HDF5 file: what is equal makes equal files. */
export function writeHdf5(root: Written): Uint8Array<ArrayBuffer> {
  return new Hdf5Writer().file(root);
}

const NOWHERE = -1n;
/** Entries of a leaf, and children of a node, of the trees that groups keep names in: HDF5's defaults. */
const IN_LEAF = 8;
const IN_NODE = 32;
const LEAST_HEAP = 4096;
const SUPERBLOCK = 96;

const padded = (size: number) => Math.ceil(size / 8) * 8;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Bytes of a structure: numbers with their sizes, and bytes. */
type Field = readonly [value: number | bigint, size: 1 | 2 | 4 | 8] | Uint8Array | string;

function packed(fields: readonly Field[], size?: number): Uint8Array<ArrayBuffer> {
  const lengths = fields.map((field) => (isNumber(field) ? field[1] : field.length));
  const bytes = new Uint8Array(size ?? lengths.reduce((sum, length) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [i, field] of fields.entries()) {
    if (typeof field === "string") bytes.set(utf8(field), at);
    else if (!isNumber(field)) bytes.set(field, at);
    else
      for (let k = 0; k < field[1]; k++)
        view.setUint8(at + k, Number(BigInt.asUintN(8, BigInt(field[0]) >> BigInt(8 * k))));
    at += lengths[i]!;
  }
  return bytes;
}

const isNumber = (field: Field): field is readonly [number | bigint, 1 | 2 | 4 | 8] => Array.isArray(field);
const u8 = (...values: readonly number[]): Field[] => values.map((value) => [value, 1] as const);
const u16 = (value: number): Field => [value, 2];
const u32 = (value: number): Field => [value, 4];
const u64 = (value: number | bigint): Field => [value, 8];

const FLOAT = packed([...u8(0x11, 0x20, 0x1f, 0), u32(4), u16(0), u16(32), ...u8(23, 8, 0, 23), u32(127)]);
const DOUBLE = packed([...u8(0x11, 0x20, 0x3f, 0), u32(8), u16(0), u16(64), ...u8(52, 11, 0, 52), u32(1023)]);
const WHOLE = packed([...u8(0x10, 0x08, 0, 0), u32(8), u16(0), u16(64)]);
/** Texts of any length, of UTF-8. */
const TEXT = packed([...u8(0x19, 0x01, 0x01, 0), u32(16), ...u8(0x13, 0, 0, 0), u32(1)]);
/** Texts of so many bytes, zeros behind them. */
const texts = (size: number) => packed([...u8(0x13, 0x11, 0, 0), u32(size)]);
const space = (shape: readonly number[]) => packed([...u8(1, shape.length, 0, 0), u32(0), ...shape.map(u64)]);

interface Message {
  readonly type: number;
  readonly data: Uint8Array;
}

class Hdf5Writer {
  private readonly pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private end = SUPERBLOCK;
  /** Texts of attributes, which lie in one heap. */
  private readonly texts: Uint8Array[] = [];
  private heap = 0;

  file(root: Written): Uint8Array<ArrayBuffer> {
    this.collect(root);
    this.heap = this.texts.length > 0 ? this.put(this.globalHeap()) : 0;
    this.texts.length = 0;
    const at = this.group(root);
    const file = new Uint8Array(this.end);
    for (const { at, bytes } of this.pieces) file.set(bytes, at);
    file.set(this.superblock(at));
    return file;
  }

  private superblock(root: number): Uint8Array {
    return packed([
      ...u8(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a),
      ...u8(0, 0, 0, 0, 0, 8, 8, 0),
      u16(IN_LEAF / 2),
      u16(IN_NODE / 2),
      u32(0),
      ...[0, NOWHERE, this.end, NOWHERE].map(u64),
      // The entry of the root.
      ...[0, root, 0, 0, 0].map(u64),
    ]);
  }

  /** Where bytes come to lie. */
  private put(bytes: Uint8Array): number {
    const at = this.end;
    this.pieces.push({ at, bytes });
    this.end = padded(at + bytes.length);
    return at;
  }

  /** All texts of attributes, in the order in which they are written. */
  private collect({ attributes = {}, groups = {} }: Written): void {
    for (const group of Object.values(groups)) this.collect(group);
    for (const value of Object.values(attributes))
      if (typeof value === "string") this.texts.push(utf8(value));
  }

  private globalHeap(): Uint8Array {
    const sizes = this.texts.map((text) => 16 + padded(text.length));
    const used = 16 + sizes.reduce((sum, size) => sum + size, 0);
    const size = Math.max(LEAST_HEAP, used + 16);
    const objects = this.texts.flatMap((text, i): Field[] => [
      u16(i + 1),
      u16(1),
      u32(0),
      u64(text.length),
      text,
      new Uint8Array(padded(text.length) - text.length),
    ]);
    return packed(
      ["GCOL", ...u8(1, 0, 0, 0), u64(size), ...objects, u16(0), u16(0), u32(0), u64(size - used)],
      size,
    );
  }

  private group({ attributes = {}, groups = {}, arrays = {} }: Written): number {
    const inside = [
      ...Object.entries(groups).map(([name, group]) => ({ name, at: this.group(group) })),
      ...Object.entries(arrays).map(([name, array]) => ({ name, at: this.array(array) })),
    ]
      .map((entry) => ({ ...entry, bytes: utf8(entry.name) }))
      .sort((a, b) => compared(a.bytes, b.bytes));
    const names: { readonly name: number; readonly at: number }[] = [];
    const heap: Field[] = [new Uint8Array(8)];
    let size = 8;
    for (const { bytes, at } of inside) {
      names.push({ name: size, at });
      const text = new Uint8Array(padded(bytes.length + 1));
      text.set(bytes);
      heap.push(text);
      size += text.length;
    }
    const data = this.put(packed(heap));
    const local = this.put(packed(["HEAP", u32(0), u64(size), u64(1), u64(data)]));
    const tree = this.tree(names);
    return this.header([
      { type: 0x11, data: packed([u64(tree), u64(local)]) },
      ...Object.entries(attributes).map(([name, value]) => this.attribute(name, value)),
    ]);
  }

  /** The tree of a group's names, which are sorted. */
  private tree(names: readonly { readonly name: number; readonly at: number }[]): number {
    let level = parts(names, IN_LEAF).map((leaf) => ({
      at: this.put(
        packed(
          [
            "SNOD",
            ...u8(1, 0),
            u16(leaf.length),
            ...leaf.flatMap(({ name, at }) => [name, at, 0, 0, 0].map(u64)),
          ],
          8 + 40 * IN_LEAF,
        ),
      ),
      last: leaf.at(-1)!.name,
    }));
    for (let height = 0; ; height++) {
      const nodes = parts(level, IN_NODE);
      if (nodes.length === 0) nodes.push([]);
      const size = 24 + 8 * (2 * IN_NODE + 1);
      const start = this.end;
      let before = 0;
      level = nodes.map((node, i) => {
        const keys = node.flatMap(({ at, last }) => [at, last]);
        const siblings = [
          i === 0 ? NOWHERE : start + (i - 1) * size,
          i === nodes.length - 1 ? NOWHERE : start + (i + 1) * size,
        ];
        const at = this.put(
          packed(
            ["TREE", ...u8(0, height), u16(node.length), ...[...siblings, before, ...keys].map(u64)],
            size,
          ),
        );
        before = node.at(-1)?.last ?? 0;
        return { at, last: before };
      });
      if (level.length === 1) return level[0]!.at;
    }
  }

  private array(value: NonNullable<Written["arrays"]>[string]): number {
    const [shape, type, bytes] =
      typeof value === "bigint"
        ? [[], WHOLE, packed([u64(value)])]
        : typeof value === "number"
          ? [[], FLOAT, littleEndian(Float32Array.of(value))]
          : [value.shape, FLOAT, littleEndian(value.data)];
    const at = this.put(bytes);
    return this.header([
      { type: 0x01, data: space(shape) },
      { type: 0x03, data: type },
      { type: 0x05, data: packed([...u8(2, 2, 2, 1), u32(0)]) },
      { type: 0x08, data: packed([...u8(3, 1), u64(at), u64(bytes.length)]) },
    ]);
  }

  private attribute(name: string, value: string | readonly string[]): Message {
    const called = utf8(`${name}\0`);
    const [type, shape, data] = this.attributeValue(value);
    const shaped = space(shape);
    return {
      type: 0x0c,
      data: packed([
        ...u8(1, 0),
        u16(called.length),
        u16(type.length),
        u16(shaped.length),
        ...[called, type, shaped].map((bytes) => packed([bytes], padded(bytes.length))),
        data,
      ]),
    };
  }

  private attributeValue(value: string | readonly string[]): [Uint8Array, readonly number[], Uint8Array] {
    if (typeof value === "string") {
      const text = utf8(value);
      this.texts.push(text);
      return [TEXT, [], packed([u32(text.length), u64(this.heap), u32(this.texts.length)])];
    }
    // As NumPy has an empty list: of numbers.
    if (value.length === 0) return [DOUBLE, [0], new Uint8Array()];
    const all = value.map(utf8);
    const longest = Math.max(1, ...all.map(({ length }) => length));
    return [texts(longest), [all.length], packed(all.map((text) => packed([text], longest)))];
  }

  /** An object's messages. */
  private header(messages: readonly Message[]): number {
    const bodies = messages.map(({ type, data }) =>
      packed([u16(type), u16(padded(data.length)), u32(0), packed([data], padded(data.length))]),
    );
    const size = bodies.reduce((sum, { length }) => sum + length, 0);
    return this.put(packed([...u8(1, 0), u16(messages.length), u32(1), u32(size), u32(0), ...bodies]));
  }
}

function parts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

function compared(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
}
