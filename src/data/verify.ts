import { type DatasetInfo, idxBytes, ROLES, type Role } from "./dataset-info.ts";
import { DataError } from "./errors.ts";
import { isGzip } from "./gzip.ts";
import { pairUp, parseIdxImages, parseIdxLabels, unpackIdx } from "./idx.ts";
import type { Dataset, ImageSet } from "./types.ts";

/** A checksum of the compressed file fails on the same data compressed again, which the message must say. */
const PUBLISHED = "the published .gz file";

/** An unpacked IDX file, and whether a checksum vouches for it. */
export interface VerifiedFile {
  readonly idx: Uint8Array;
  /** False where the registry only knows the .gz file's checksum and this one came unpacked. */
  readonly verified: boolean;
}

/** SHA-256 in lower-case hex. Throws DataError `unsupported` on a web page served without https. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // Browsers leave `subtle` out on pages that are neither https nor localhost.
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw new DataError(
      "unsupported",
      "SHA-256: crypto.subtle is missing here; serve the page over https or from localhost.",
    );
  }
  const digest = await subtle.digest("SHA-256", unshared(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Checks one file of a known dataset against the registry and unpacks it.
 * Throws DataError `checksum` if a known SHA-256 does not match; else as `unpackIdx`.
 * @param bytes the file, gzipped or plain
 * @param source what to call the file in messages, e.g. its path
 */
export async function verifyFile(
  info: DatasetInfo,
  role: Role,
  bytes: Uint8Array,
  source: string,
): Promise<VerifiedFile> {
  const known = info.files[role];
  // Before unpacking, where possible: unknown bytes then never reach the decompressor.
  if (known.idx === undefined && known.gz !== undefined && isGzip(bytes)) {
    await expectSha256(bytes, known.gz, source, PUBLISHED);
  }
  // Room for another file of about that size, of which its checksum tells more.
  const maxBytes = 2 * idxBytes(info, role) + 2 ** 20;
  const idx = await unpackIdx(bytes, source, { maxBytes }).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.code !== "too-large") throw error;
    throw wrong(
      source,
      `the file unpacks to more than ${maxBytes} bytes, the right one to ${idxBytes(info, role)}`,
      "",
    );
  });
  if (known.idx !== undefined) {
    await expectSha256(idx, known.idx, source, "the unpacked IDX file");
  }
  return { idx, verified: known.idx !== undefined || (known.gz !== undefined && isGzip(bytes)) };
}

/**
 * Builds the dataset from its four unpacked IDX files, parsed strictly and held against the registry's sizes.
 * Throws DataError as the IDX parsers, and `count-mismatch` or `bad-dimensions` if the sizes are not the registry's.
 */
export function assembleDataset(info: DatasetInfo, files: Readonly<Record<Role, Uint8Array>>): Dataset {
  const classCount = info.classNames.length;
  const split = (part: "train" | "test"): ImageSet => {
    const source = `${info.name} ${part}`;
    const images = parseIdxImages(files[`${part}Images`], `${source} images`);
    const labels = parseIdxLabels(files[`${part}Labels`], `${source} labels`, classCount);
    return pairUp(images, labels, source);
  };
  const train = split("train");
  const test = split("test");
  for (const role of ROLES) expectSize(info, role, role.startsWith("train") ? train : test);
  return { name: info.name, classNames: info.classNames, train, test };
}

/** The most bytes a mirror may send for a file: its unpacked size and gzip's overhead on data it cannot shrink. */
export function maxDownloadBytes(info: DatasetInfo, role: Role): number {
  const bytes = idxBytes(info, role);
  return bytes + Math.ceil(bytes / 1000) + 4096;
}

function expectSize(info: DatasetInfo, role: Role, set: ImageSet): void {
  const count = role.startsWith("train") ? info.trainCount : info.testCount;
  if (set.count !== count) {
    throw new DataError(
      "count-mismatch",
      `${info.title}: ${role} has ${set.count} items; expected ${count}. Is this a cut or another dataset? Give its folder's path as the dataset to use it anyway.`,
    );
  }
  if (set.shape.join() !== info.shape.join()) {
    throw new DataError(
      "bad-dimensions",
      `${info.title}: ${role} has images of ${set.shape.join(" x ")}; expected ${info.shape.join(" x ")}. Give the folder's path as the dataset to use it anyway.`,
    );
  }
}

async function expectSha256(
  bytes: Uint8Array,
  expected: string,
  source: string,
  what: string,
): Promise<void> {
  const got = await sha256(bytes);
  if (got !== expected) {
    const recompressed = what === PUBLISHED ? ", recompressed" : "";
    throw wrong(source, `the SHA-256 of ${what} is ${got}; expected ${expected}`, recompressed);
  }
}

function wrong(source: string, what: string, recompressed: string): DataError {
  return new DataError(
    "checksum",
    `${source}: ${what}. The file is damaged${recompressed} or another one: delete it and get it again.`,
  );
}

/** Web Crypto refuses shared memory, which a training worker might hold its data in. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
