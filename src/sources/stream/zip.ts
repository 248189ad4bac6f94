import type { FileHandle } from "node:fs/promises";
import { fromFdPromise } from "yauzl";
import { DataError } from "../../data/errors.ts";

/** Entries: an archive of arrays has a few. */
const MOST_ENTRIES = 2 ** 16;

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
  const entries = new Map<string, ZipEntry>();
  try {
    const archive = await fromFdPromise(file.fd, { autoClose: false, lazyEntries: true });
    if (archive.entryCount > MOST_ENTRIES)
      throw new Error(`its directory claims ${archive.entryCount} files`);
    for await (const entry of archive.eachEntry()) {
      const { fileName: name, compressedSize: bytes, uncompressedSize: unpackedBytes } = entry;
      if (entry.isEncrypted()) throw new Error(`${name} is encrypted`);
      const { fileDataStart: at } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      if (at + bytes > size) throw new Error(`${name} is cut off`);
      entries.set(name, { name, packed: entry.compressionMethod !== 0, at, bytes, unpackedBytes });
    }
  } catch (error) {
    const { message } = error as Error;
    throw new DataError("bad-gzip", `${path}: is a damaged archive: ${message}. Get the file again.`, {
      cause: error,
    });
  }
  return entries;
}
