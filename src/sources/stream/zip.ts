import type { FileHandle } from "node:fs/promises";
import { DataError } from "../../data/errors.ts";
import { readExactly } from "./rows.ts";

// The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 to 4.3.16, 4.5.3.

const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
/** An end record, and the longest comment behind it. */
const MOST_END = 22 + 65_535;
/** Bytes of names and the like: an archive of arrays has a few. */
const MOST_DIRECTORY = 2 ** 24;
const ALL_32 = 0xffffffff;

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly packed: boolean;
  /** Where its bytes begin, and how many there are. */
  readonly at: number;
  readonly bytes: number;
  readonly unpackedBytes: number;
}

/** The files of an archive, the last of each name, without reading what is in them. Rejects with DataError. */
export async function zipEntries(
  file: FileHandle,
  path: string,
  size: number,
): Promise<ReadonlyMap<string, ZipEntry>> {
  const bad = (problem: string) =>
    new DataError("bad-gzip", `${path}: is a damaged archive: ${problem}. Get the file again.`);
  const view = async (at: number, length: number) => {
    if (!(at >= 0 && length >= 0 && at + length <= size)) throw bad("it ends too early");
    const bytes = await readExactly(file, path, new Uint8Array(length), at);
    return new DataView(bytes.buffer);
  };
  const tail = await view(size - Math.min(size, MOST_END), Math.min(size, MOST_END));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) throw bad("its directory is missing");
  let count = tail.getUint16(end + 10, true);
  let length = tail.getUint32(end + 12, true);
  let start = tail.getUint32(end + 16, true);
  const locator = end - 20;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64) {
    const far = await view(Number(tail.getBigUint64(locator + 8, true)), 56);
    if (far.getUint32(0, true) !== END_64) throw bad("its directory is missing");
    count = Number(far.getBigUint64(32, true));
    length = Number(far.getBigUint64(40, true));
    start = Number(far.getBigUint64(48, true));
  }
  if (length > MOST_DIRECTORY) throw bad(`its directory claims ${length} bytes`);
  const directory = await view(start, length);
  const entries = new Map<string, ZipEntry>();
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 46 > length || directory.getUint32(at, true) !== ENTRY) throw bad("its directory is cut off");
    const method = directory.getUint16(at + 10, true);
    const nameLength = directory.getUint16(at + 28, true);
    const extraLength = directory.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + directory.getUint16(at + 32, true);
    if (next > length) throw bad("its directory is cut off");
    let bytes = directory.getUint32(at + 20, true);
    let unpackedBytes = directory.getUint32(at + 24, true);
    let local = directory.getUint32(at + 42, true);
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength));
    // Numbers that do not fit stand in a field of their own, in this order.
    const stop = at + 46 + nameLength + extraLength;
    for (let extra = at + 46 + nameLength; extra + 4 <= stop; ) {
      const fieldEnd = extra + 4 + directory.getUint16(extra + 2, true);
      if (directory.getUint16(extra, true) === 1) {
        let own = extra + 4;
        const wide = (value: number) => {
          if (value !== ALL_32) return value;
          if (own + 8 > Math.min(fieldEnd, stop)) throw bad("its directory is cut off");
          own += 8;
          return Number(directory.getBigUint64(own - 8, true));
        };
        unpackedBytes = wide(unpackedBytes);
        bytes = wide(bytes);
        local = wide(local);
      }
      extra = fieldEnd;
    }
    const head = await view(local, 30);
    if (head.getUint32(0, true) !== LOCAL) throw bad(`${name} is not where its directory says`);
    const begin = local + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    if (begin + bytes > size) throw bad(`${name} is cut off`);
    entries.set(name, { name, packed: method !== 0, at: begin, bytes, unpackedBytes });
    at = next;
  }
  return entries;
}
