// What groups of many links, or of many attributes, keep them in where HDF5 writes its newer structures: a fractal heap, and a tree
// of version 2 that lists what is in it.

/** The bytes of a file; each throws where it is damaged. */
export interface Hdf5Bytes {
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  u64(at: number): number;
  /** A whole number of so many bytes. */
  whole(at: number, bytes: number): number;
  isNowhere(at: number): boolean;
  expect(at: number, signature: string): void;
  spend(count: number): void;
  damaged(what: string): Error;
  lacking(what: string): Error;
}

/** Where the identifier in the heap stands in the tree's records, by the tree's type: of links' names, of attributes' names. */
const IDENTIFIERS: Readonly<Record<number, number>> = { 5: 4, 8: 0 };

/** Where the objects lie that a tree lists, in its order. */
export function objectsIn(file: Hdf5Bytes, heap: number, tree: number): number[] {
  const at = heapOf(file, heap);
  return recordsIn(file, tree).map(at);
}

/** Bytes that a number up to this one takes. */
const bytesFor = (most: number) => Math.floor(Math.log2(Math.max(1, most)) / 8) + 1;
/** Of a node: its signature, version, type and checksum. */
const NODE = 10;

/** Where the identifiers of all records of a tree stand. */
function recordsIn(file: Hdf5Bytes, tree: number): number[] {
  file.expect(tree, "BTHD");
  const identifier = IDENTIFIERS[file.u8(tree + 5)];
  if (identifier === undefined) throw file.lacking(`a tree of type ${file.u8(tree + 5)}`);
  const [size, record, depth] = [file.u32(tree + 6), file.u16(tree + 10), file.u16(tree + 12)];
  if (record === 0 || size <= NODE || depth > 16) throw file.damaged(`the tree at byte ${tree}`);
  // What a node of each height holds at most, by which its pointers are as wide as they are.
  const inLeaf = Math.floor((size - NODE) / record);
  const widths: number[] = [0];
  let below = inLeaf;
  for (let height = 1; height <= depth; height++) {
    const pointer = 8 + bytesFor(inLeaf) + widths[height - 1]!;
    const most = Math.floor((size - NODE - pointer) / (record + pointer));
    below = (most + 1) * below + most;
    widths.push(bytesFor(below));
  }
  const found: number[] = [];
  const walk = (at: number, count: number, height: number): void => {
    file.spend(NODE + count * record);
    file.expect(at, height > 0 ? "BTIN" : "BTLF");
    const records = at + 6;
    let pointer = records + count * record;
    for (let i = 0; i <= count; i++) {
      if (height > 0) {
        const own = file.whole(pointer + 8, bytesFor(inLeaf));
        walk(file.u64(pointer), own, height - 1);
        pointer += 8 + bytesFor(inLeaf) + widths[height - 1]!;
      }
      if (i < count) found.push(records + i * record + identifier);
    }
  };
  if (!file.isNowhere(tree + 16)) walk(file.u64(tree + 16), file.u16(tree + 24), depth);
  return found;
}

/** What gives the place of an object by its identifier, which stands at a place of its own. */
function heapOf(file: Hdf5Bytes, heap: number): (identifier: number) => number {
  file.expect(heap, "FRHP");
  if (file.u16(heap + 7) > 0) throw file.lacking("a packed heap");
  const width = file.u16(heap + 110);
  const [least, most] = [file.u64(heap + 112), file.u64(heap + 120)];
  const offsets = Math.ceil(file.u16(heap + 128) / 8);
  if (width === 0 || least === 0 || offsets > 8) throw file.damaged(`the heap at byte ${heap}`);
  const rows = file.u16(heap + 140);
  const root = file.u64(heap + 132);
  /** Bytes of each block of a row. */
  const sizeOf = (row: number) => least * 2 ** Math.max(0, row - 1);
  const inBlocks = (block: number, rows: number, start: number, wanted: number, deep: number): number => {
    file.spend(1);
    file.expect(block, "FHIB");
    let at = start;
    for (let row = 0; row < rows; row++) {
      const size = sizeOf(row);
      if (wanted >= at + width * size) {
        at += width * size;
        continue;
      }
      const column = Math.floor((wanted - at) / size);
      const entry = block + 13 + offsets + 8 * (row * width + column);
      const child = file.u64(entry);
      const begin = at + column * size;
      if (size <= most) return child + wanted - begin;
      const inner = Math.log2(size / (least * width)) + 1;
      if (deep > 16 || !Number.isInteger(inner) || inner < 1) break;
      return inBlocks(child, inner, begin, wanted, deep + 1);
    }
    throw file.damaged(`nothing at ${wanted} in the heap at byte ${heap}`);
  };
  return (identifier) => {
    const kind = (file.u8(identifier) >> 4) & 3;
    if (kind === 2) return identifier + 1;
    if (kind !== 0) throw file.lacking("large objects in a heap");
    const wanted = file.whole(identifier + 1, offsets);
    return rows === 0 ? root + wanted : inBlocks(root, rows, 0, wanted, 0);
  };
}
