// HDF5 files as h5py writes them, which Keras's weights are: groups, attributes, and arrays in one piece or in packed chunks.
// https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html tells what lies where.

import { unzlibSync } from "fflate";
import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { quoted, show } from "../../options/show.ts";
import { floatsAt, NUMBER_TYPES, type NumberType } from "../../safetensors/number-types.ts";
import { objectsIn } from "./dense.ts";

const NOWHERE = 0xffff_ffff_ffff_ffffn;
/** Deflate grows at most 1032-fold. */
const MOST_GROWTH = 1032;

/** What an attribute holds: numbers or texts, of a scalar one. */
export type AttributeValue = number | string | readonly (number | string)[];

interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

interface Datatype {
  readonly kind: "int" | "uint" | "float" | "bfloat" | "text" | "texts" | "opaque";
  readonly size: number;
  readonly big: boolean;
}

function damaged(what: string, cause?: unknown): ModelFileError {
  return new ModelFileError("damaged", `the HDF5 file is damaged: ${what}`, { cause });
}

function lacking(what: string, advice = ""): ModelFileError {
  return new ModelFileError("unsupported", `the HDF5 file has ${what}, which is not read here${advice}`);
}

/** Opens a file. Throws ModelFileError, as all that follows does, on what is damaged and on what is not read here. */
export function openHdf5(bytes: Uint8Array): Hdf5Group {
  const file = new Hdf5File(bytes);
  return file.attempt(() => file.root());
}

class Hdf5File {
  readonly view: DataView;
  readonly objects = new Map<number, Hdf5Object>();
  readonly heaps = new Map<number, ReadonlyMap<number, readonly [at: number, size: number]>>();
  /** Each thing of a sound file takes bytes of its own: of one that goes round in circles these end. */
  left: number;
  /** Likewise bytes of arrays. */
  leftData: number;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.left = bytes.length;
    this.leftData = 2 * bytes.length;
  }

  /** What `read` gives; what lies beyond the file's end is damage. */
  attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ModelFileError) throw error;
      throw damaged("it points beyond its end", error);
    }
  }

  spend(count: number): void {
    this.left -= count;
    if (this.left < 0) throw damaged("it claims to hold more than it can");
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }
  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  /** A size or an address, which lies in the file. */
  u64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(this.bytes.length))
      throw damaged(`at byte ${at} it points to ${value}, and has ${this.bytes.length}`);
    return Number(value);
  }
  /** A number of elements, which may be more than the file has bytes. */
  count(at: number): number {
    const value = Number(this.view.getBigUint64(at, true));
    if (value > Number.MAX_SAFE_INTEGER) throw damaged(`a size of ${value}`);
    return value;
  }
  whole(at: number, bytes: number): number {
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + this.u8(at + i);
    return value;
  }
  damaged = damaged;
  lacking = lacking;
  isNowhere(at: number): boolean {
    return this.view.getBigUint64(at, true) === NOWHERE;
  }
  expect(at: number, signature: string): void {
    for (let i = 0; i < signature.length; i++)
      if (this.u8(at + i) !== signature.charCodeAt(i)) throw damaged(`no ${signature} at byte ${at}`);
  }
  text(at: number, size: number): string {
    if (at < 0 || at + size > this.bytes.length) throw damaged(`a text of ${size} bytes at byte ${at}`);
    this.spend(size);
    const bytes = this.bytes.subarray(at, at + size);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  root(): Hdf5Group {
    const version = this.u8(8);
    if (version > 3) throw lacking(`a superblock of version ${version}`);
    const [offsets, lengths] = version < 2 ? [this.u8(13), this.u8(14)] : [this.u8(9), this.u8(10)];
    if (offsets !== 8 || lengths !== 8) throw lacking(`addresses of ${offsets} bytes`);
    const base = version < 2 ? (version === 0 ? 24 : 28) : 12;
    if (this.u64(base) !== 0) throw lacking("a block before it");
    const root = this.object(this.u64(version < 2 ? base + 40 : 36), "/");
    if (!(root instanceof Hdf5Group)) throw damaged("its root is no group");
    return root;
  }

  object(at: number, path: string): Hdf5Object {
    const known = this.objects.get(at);
    if (known) return known;
    const messages = this.u8(at) === 1 ? this.messages1(at) : this.messages2(at);
    const isArray = messages.some(({ type }) => type === 0x01);
    const made = isArray ? new Hdf5Array(this, messages, path) : new Hdf5Group(this, messages, path);
    this.objects.set(at, made);
    return made;
  }

  messages1(at: number): Message[] {
    const total = this.u16(at + 2);
    const found: Message[] = [];
    const blocks: [at: number, size: number][] = [[at + 16, this.u32(at + 8)]];
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      const [start, size] = block;
      for (let place = start; place + 8 <= start + size && found.length < total; ) {
        const message = this.message(this.u16(place), place + 8, this.u16(place + 2), this.u8(place + 4));
        found.push(message);
        if (message.type === 0x10) blocks.push([this.u64(message.at), this.u64(message.at + 8)]);
        place = message.at + message.size;
      }
    }
    return found;
  }

  messages2(at: number): Message[] {
    this.expect(at, "OHDR");
    const flags = this.u8(at + 5);
    let start = at + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const bytes = 1 << (flags & 3);
    const size =
      bytes === 1
        ? this.u8(start)
        : bytes === 2
          ? this.u16(start)
          : bytes === 4
            ? this.u32(start)
            : this.u64(start);
    start += bytes;
    const ordered = flags & 4 ? 2 : 0;
    const found: Message[] = [];
    const blocks: [at: number, size: number][] = [[start, size]];
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      const [start, size] = block;
      for (let place = start; place + 4 + ordered <= start + size; ) {
        const message = this.message(
          this.u8(place),
          place + 4 + ordered,
          this.u16(place + 1),
          this.u8(place + 3),
        );
        found.push(message);
        if (message.type === 0x10) {
          const next = this.u64(message.at);
          this.expect(next, "OCHK");
          blocks.push([next + 4, this.u64(message.at + 8) - 8]);
        }
        place = message.at + message.size;
      }
    }
    return found;
  }

  message(type: number, at: number, size: number, flags: number): Message {
    this.spend(4);
    if (flags & 2 && (type === 1 || type === 3)) throw lacking("shared types");
    return { type, at, size };
  }

  /** Where an object of a global heap lies. */
  heapObject(heap: number, index: number): readonly [at: number, size: number] {
    let objects = this.heaps.get(heap);
    if (!objects) {
      objects = this.heapObjects(heap);
      this.heaps.set(heap, objects);
    }
    const found = objects.get(index);
    if (!found) throw damaged(`no object ${index} in the heap at byte ${heap}`);
    return found;
  }

  heapObjects(heap: number): Map<number, readonly [at: number, size: number]> {
    this.expect(heap, "GCOL");
    const end = heap + this.u64(heap + 8);
    const objects = new Map<number, readonly [at: number, size: number]>();
    for (let at = heap + 16; at + 16 <= end; ) {
      const [index, size] = [this.u16(at), this.u64(at + 8)];
      if (index === 0) break;
      this.spend(16);
      objects.set(index, [at + 16, size]);
      at += 16 + Math.ceil(size / 8) * 8;
    }
    return objects;
  }

  shape(at: number): number[] {
    const [version, rank] = [this.u8(at), this.u8(at + 1)];
    if (version !== 1 && version !== 2) throw damaged(`a shape of version ${version}`);
    const start = at + (version === 1 ? 8 : 4);
    return Array.from({ length: rank }, (_, i) => this.count(start + 8 * i));
  }

  datatype(at: number): Datatype {
    const [first, bits, size] = [this.u8(at), this.u8(at + 1), this.u32(at + 4)];
    const big = (bits & 1) === 1;
    switch (first & 15) {
      case 0:
        return { kind: bits & 8 ? "int" : "uint", size, big };
      case 1:
        // A float of two bytes with an exponent of 8 bits is a bfloat16.
        return { kind: size === 2 && this.u8(at + 13) === 8 ? "bfloat" : "float", size, big };
      case 3:
        return { kind: "text", size, big };
      case 5:
        return { kind: "opaque", size, big };
      case 9:
        if ((bits & 15) === 1) return { kind: "texts", size: 16, big };
    }
    throw lacking(`a type of class ${first & 15}`);
  }

  /** One value of an attribute. */
  value(type: Datatype, at: number): number | string {
    if (type.kind === "text") return this.text(at, type.size);
    if (type.kind === "texts") {
      const length = this.u32(at);
      if (length === 0) return "";
      const [start, size] = this.heapObject(this.u64(at + 4), this.u32(at + 12));
      return this.text(start, Math.min(length, size));
    }
    this.spend(1);
    return numberType(type).read(this.view, at, !type.big);
  }
}

const TYPES: Readonly<Record<string, NumberType>> = {
  int1: NUMBER_TYPES.I8,
  int2: NUMBER_TYPES.I16,
  int4: NUMBER_TYPES.I32,
  int8: NUMBER_TYPES.I64,
  uint1: NUMBER_TYPES.U8,
  uint2: NUMBER_TYPES.U16,
  uint4: NUMBER_TYPES.U32,
  uint8: NUMBER_TYPES.U64,
  float2: NUMBER_TYPES.F16,
  float4: NUMBER_TYPES.F32,
  float8: NUMBER_TYPES.F64,
  bfloat2: NUMBER_TYPES.BF16,
  opaque2: NUMBER_TYPES.BF16,
};

function numberType({ kind, size }: Datatype): NumberType {
  const type = TYPES[`${kind}${size}`];
  if (!type) throw lacking(`numbers of type ${kind} of ${size} bytes`);
  return type;
}

/** A group or an array. */
export class Hdf5Object {
  private told: ReadonlyMap<string, AttributeValue> | undefined;

  constructor(
    protected readonly file: Hdf5File,
    protected readonly messages: readonly Message[],
    readonly path: string,
  ) {}

  /** All attributes, by name. */
  attributes(): ReadonlyMap<string, AttributeValue> {
    this.told ??= this.readAttributes();
    return this.told;
  }

  private readAttributes(): ReadonlyMap<string, AttributeValue> {
    const { file } = this;
    return file.attempt(() => {
      const own = this.messages.filter(({ type }) => type === 0x0c).map(({ at }) => at);
      return new Map([...own, ...this.inHeap(0x15, 2)].map((at) => this.attribute(at)));
    });
  }

  /** Where what is kept in a heap lies. @param counter bytes of a number that may stand before the heap's place */
  protected inHeap(type: number, counter: number): number[] {
    const { file } = this;
    const info = this.messages.find((message) => message.type === type);
    if (!info) return [];
    const at = info.at + 2 + (file.u8(info.at + 1) & 1 ? counter : 0);
    return file.isNowhere(at) ? [] : objectsIn(file, file.u64(at), file.u64(at + 8));
  }

  private attribute(at: number): [name: string, value: AttributeValue] {
    const { file } = this;
    const version = file.u8(at);
    if (version < 1 || version > 3) throw damaged(`an attribute of version ${version}`);
    const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
    const [nameSize, typeSize, shapeSize] = [file.u16(at + 2), file.u16(at + 4), file.u16(at + 6)];
    let place = at + (version === 3 ? 9 : 8);
    const name = file.text(place, nameSize);
    place += padded(nameSize);
    const type = file.datatype(place);
    place += padded(typeSize);
    const shape = file.shape(place);
    place += padded(shapeSize);
    const count = elements(shape);
    file.spend(count);
    const values = Array.from({ length: count }, (_, i) => file.value(type, place + i * type.size));
    return [name, shape.length === 0 ? values[0]! : values];
  }
}

export class Hdf5Group extends Hdf5Object {
  private known: ReadonlyMap<string, number> | undefined;

  /** Names of what is in it, in the file's order. */
  names(): string[] {
    return [...this.links().keys()];
  }

  /** What is at a path in it, "layers/conv2d/vars"; undefined where there is nothing. */
  get(path: string): Hdf5Object | undefined {
    let found: Hdf5Object = this;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const at = found instanceof Hdf5Group ? found.links().get(name) : undefined;
      if (at === undefined) return undefined;
      const inner = `${found.path === "/" ? "" : found.path}/${name}`;
      found = this.file.attempt(() => this.file.object(at, inner));
    }
    return found;
  }

  group(path: string): Hdf5Group | undefined {
    const found = this.get(path);
    return found instanceof Hdf5Group ? found : undefined;
  }

  array(path: string): Hdf5Array | undefined {
    const found = this.get(path);
    return found instanceof Hdf5Array ? found : undefined;
  }

  private links(): ReadonlyMap<string, number> {
    this.known ??= this.file.attempt(() => this.readLinks());
    return this.known;
  }

  private readLinks(): Map<string, number> {
    const { file } = this;
    const links = new Map<string, number>();
    for (const { type, at } of this.messages) {
      if (type === 0x11) {
        const heap = file.u64(at + 8);
        file.expect(heap, "HEAP");
        const [size, start] = [file.u64(heap + 8), file.u64(heap + 24)];
        this.walkTree(file.u64(at), 255, (node) => this.readSymbols(node, start, size, links));
      } else if (type === 0x06) this.readLink(at, links);
    }
    const many = this.inHeap(0x02, 8);
    for (const at of many) this.readLink(at, links);
    // The heap has no order of its own; other groups' names are sorted.
    return many.length === 0 ? links : new Map([...links].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** All leaves of a tree; each level lies below the one that it is reached from. */
  private walkTree(at: number, below: number, leaf: (at: number) => void): void {
    const { file } = this;
    file.expect(at, "TREE");
    const [kind, level, count] = [file.u8(at + 4), file.u8(at + 5), file.u16(at + 6)];
    if (kind !== 0 || level >= below) throw damaged(`the tree at byte ${at} goes in circles`);
    for (let i = 0; i < count; i++) {
      file.spend(16);
      const child = file.u64(at + 32 + 16 * i);
      if (level > 0) this.walkTree(child, level, leaf);
      else leaf(child);
    }
  }

  private readSymbols(at: number, names: number, size: number, links: Map<string, number>): void {
    const { file } = this;
    file.expect(at, "SNOD");
    for (let i = 0; i < file.u16(at + 6); i++) {
      const entry = at + 8 + 40 * i;
      file.spend(40);
      const name = file.u64(entry);
      if (name >= size) throw damaged(`a name at byte ${name} of ${size}`);
      // No farther than the names lie: of many that end nowhere each would be a look through the file.
      const end = file.bytes.subarray(names + name, names + size).indexOf(0);
      const text = file.text(names + name, end < 0 ? size - name : end);
      if (file.u32(entry + 16) === 2) throw lacking(`a soft link, ${quoted(text)}`);
      links.set(text, file.u64(entry + 8));
    }
  }

  private readLink(at: number, links: Map<string, number>): void {
    const { file } = this;
    const flags = file.u8(at + 1);
    let place = at + 2;
    const kind = flags & 8 ? file.u8(place++) : 0;
    place += (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    const bytes = 1 << (flags & 3);
    const size = bytes === 1 ? file.u8(place) : bytes === 2 ? file.u16(place) : file.u32(place);
    const name = file.text(place + bytes, size);
    if (kind !== 0)
      throw lacking(`${kind === 1 ? "a soft link" : "a link to another file"}, ${quoted(name)}`);
    links.set(name, file.u64(place + bytes + size));
  }
}

export class Hdf5Array extends Hdf5Object {
  /** Its shape; of a single number empty. */
  shape(): number[] {
    return this.file.attempt(() => this.file.shape(this.messageOf(0x01)!.at));
  }

  private messageOf(type: number): Message | undefined {
    return this.messages.find((message) => message.type === type);
  }

  /** Its numbers as 32-bit floats. */
  values(): Float32Array<ArrayBuffer> {
    return this.file.attempt(() => this.read());
  }

  private read(): Float32Array<ArrayBuffer> {
    const { file } = this;
    const [type, layout] = [this.messageOf(0x03), this.messageOf(0x08)];
    if (!type || !layout) throw damaged(`${quoted(this.path)} has no type, or lies nowhere`);
    if (this.messageOf(0x07)) throw lacking(`an array in another file, ${quoted(this.path)}`);
    const datatype = file.datatype(type.at);
    const shape = this.shape();
    const count = elements(shape);
    const size = count * datatype.size;
    const bytes = this.bytesOf(layout.at, shape, datatype.size, size);
    return floatsAt(bytes, numberType(datatype), 0, count, !datatype.big);
  }

  /** Its bytes, in order. */
  private bytesOf(at: number, shape: readonly number[], item: number, size: number): Uint8Array {
    const { file } = this;
    const version = file.u8(at);
    const kind = version < 3 ? file.u8(at + 2) : file.u8(at + 1);
    const place = version < 3 ? at + 8 : at + 2;
    if (version < 1 || version > 4 || kind > 3) throw damaged(`an array of layout ${version}.${kind}`);
    if (kind === 3) throw lacking(`an array of other arrays, ${quoted(this.path)}`);
    if (kind === 2) {
      if (version !== 3)
        throw lacking(
          `chunks of version ${version}, ${quoted(this.path)}`,
          '. Write the file without libver="latest", as h5py and Keras do by default',
        );
      return this.chunked(place, shape, item, size);
    }
    if (kind === 0) return this.piece(version < 3 ? place + 4 * shape.length + 4 : place + 2, size);
    // Nothing was ever written there: zeros.
    if (file.isNowhere(place)) return new Uint8Array(this.room(size, file.bytes.length));
    return this.piece(file.u64(place), size);
  }

  private piece(at: number, size: number): Uint8Array {
    this.room(size, this.file.bytes.length - at);
    return this.file.bytes.subarray(at, at + size);
  }

  /** The size, if it is no more than there can be. */
  private room(size: number, most: number): number {
    const { file } = this;
    if (!(size <= most))
      throw new ModelFileError(
        "too-large",
        `the HDF5 file's ${quoted(this.path)} is of shape ${show(this.shape())}, ${size} bytes, and it has ${file.bytes.length}`,
      );
    file.leftData -= size / (most > file.bytes.length ? MOST_GROWTH : 1);
    if (file.leftData < 0) throw damaged("its arrays lie in the same bytes");
    return size;
  }

  private chunked(place: number, shape: readonly number[], item: number, size: number): Uint8Array {
    const { file } = this;
    const rank = file.u8(place) - 1;
    if (rank !== shape.length) throw damaged(`chunks of ${rank} axes, ${quoted(this.path)}`);
    const chunk = Array.from({ length: rank }, (_, i) => file.u32(place + 9 + 4 * i));
    const filters = this.filters();
    const all = new Uint8Array(this.room(size, MOST_GROWTH * file.bytes.length));
    if (file.isNowhere(place + 1)) return all;
    const chunkSize = chunk.reduce((product, length) => product * length, item);
    if (!(chunkSize > 0 && chunkSize <= size * 2 ** rank)) throw damaged(`chunks of ${chunkSize} bytes`);
    const walk = (at: number, below: number): void => {
      file.expect(at, "TREE");
      const [kind, level, count] = [file.u8(at + 4), file.u8(at + 5), file.u16(at + 6)];
      if (kind !== 1 || level >= below) throw damaged(`the tree at byte ${at} goes in circles`);
      const key = 8 + 8 * (rank + 1);
      for (let i = 0; i < count; i++) {
        file.spend(key + 8);
        const entry = at + 24 + i * (key + 8);
        const child = file.u64(entry + key);
        if (level > 0) {
          walk(child, level);
          continue;
        }
        this.room(chunkSize, MOST_GROWTH * file.bytes.length);
        const packed = file.bytes.subarray(child, child + file.u32(entry));
        const from = chunk.map((_, axis) => file.count(entry + 8 + 8 * axis));
        copyChunk(
          all,
          shape,
          unpacked(packed, filters, file.u32(entry + 4), chunkSize, item),
          chunk,
          from,
          item,
        );
      }
    };
    walk(file.u64(place + 1), 255);
    return all;
  }

  /** Numbers of the filters that chunks went through. */
  private filters(): number[] {
    const { file } = this;
    const message = this.messageOf(0x0b);
    if (!message) return [];
    const [version, count] = [file.u8(message.at), file.u8(message.at + 1)];
    let at = message.at + (version === 1 ? 8 : 2);
    return Array.from({ length: count }, () => {
      const id = file.u16(at);
      const named = version === 1 || id >= 256;
      const name = named ? file.u16(at + 2) : 0;
      const values = file.u16(at + (named ? 6 : 4));
      at += (named ? 8 : 6) + (version === 1 ? Math.ceil(name / 8) * 8 : name);
      at += 4 * (version === 1 ? values + (values % 2) : values);
      return id;
    });
  }
}

/** A chunk as it was before it went through the filters; `mask` has a bit for each that it did not go through. */
function unpacked(
  packed: Uint8Array,
  filters: readonly number[],
  mask: number,
  size: number,
  item: number,
): Uint8Array {
  let bytes = packed;
  for (let i = filters.length - 1; i >= 0; i--) {
    if (mask & (1 << i)) continue;
    const id = filters[i];
    if (id === 1) bytes = unzlibSync(bytes, { out: new Uint8Array(size) });
    else if (id === 2) bytes = unshuffled(bytes, item);
    else if (id === 3) bytes = bytes.subarray(0, -4);
    else throw lacking(`arrays packed with filter ${id}`);
  }
  if (bytes.length < size) throw damaged(`a chunk of ${bytes.length} bytes, expected ${size}`);
  return bytes;
}

/** Bytes that were sorted by their place in each item. */
function unshuffled(bytes: Uint8Array, item: number): Uint8Array {
  const count = Math.floor(bytes.length / item);
  const sorted = new Uint8Array(bytes.length);
  for (let place = 0; place < item; place++)
    for (let i = 0; i < count; i++) sorted[i * item + place] = bytes[place * count + i]!;
  return sorted;
}

/** Puts a chunk where it belongs; what of it lies beyond the array's end is left. */
function copyChunk(
  all: Uint8Array,
  shape: readonly number[],
  bytes: Uint8Array,
  chunk: readonly number[],
  from: readonly number[],
  item: number,
): void {
  if (from.some((start, axis) => start >= shape[axis]!)) throw damaged("a chunk beyond its array");
  const rank = shape.length;
  const last = rank - 1;
  const row = Math.min(chunk[last]!, shape[last]! - from[last]!) * item;
  const copy = (axis: number, to: number, at: number): void => {
    if (axis === last) {
      all.set(bytes.subarray(at * item, at * item + row), (to + from[last]!) * item);
      return;
    }
    const inner = (sizes: readonly number[]) => elements(sizes.slice(axis + 1));
    const rows = Math.min(chunk[axis]!, shape[axis]! - from[axis]!);
    for (let i = 0; i < rows; i++)
      copy(axis + 1, to + (from[axis]! + i) * inner(shape), at + i * inner(chunk));
  };
  if (rank > 0) copy(0, 0, 0);
}
