import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { ArchiveInfo } from "../data/archives.ts";
import { defaultCacheDir, withFolderLock, writeAtomic } from "../data/cache.ts";
import { fetchCapped, fromMirrors } from "../data/download.ts";
import { DataError, reasonOf } from "../data/errors.ts";
import { isMissing, readWhole } from "../data/files.ts";
import { gunzip } from "../data/gzip.ts";
import { DATA_ENV } from "../data/load.ts";
import type { LoadOptions } from "../data/load-options.ts";
import type { Dataset } from "../data/types.ts";
import { sha256 } from "../data/verify.ts";
import { isCifar, isCifarFile, parseCifar } from "./cifar.ts";
import { filesInTar } from "./tar.ts";

/** Node only: datasets that are published as archives, and folders of what is in them. */

/** Photos can hardly be packed: what is in the archives is a tenth larger. */
const MOST_GROWTH = 4;

/**
 * Loads a dataset from the first of: `dataDir`, `$WASMGRAD_DATA/<name>/`, as the archive or unpacked; the cache; its mirrors, which
 * fills the cache. The archive must have the registry's checksum wherever it comes from.
 * Throws DataError, or the signal's reason.
 */
export async function loadArchive(info: ArchiveInfo, options: LoadOptions): Promise<Dataset> {
  const { dataDir, onNotice } = options;
  const env = process.env[DATA_ENV];
  const own = dataDir !== undefined ? [join(dataDir, info.name), dataDir] : env ? [join(env, info.name)] : [];
  for (const folder of own) {
    if ((await namesIn(folder)).includes(info.file))
      return unpacked(
        await verified(info, await readWhole(join(folder, info.file)), join(folder, info.file)),
        info,
      );
    const inside = await cifarFolderIn(folder);
    if (inside === undefined) continue;
    onNotice?.(`${info.title}: ${inside} is unpacked, so that its SHA-256 is not known; used unverified.`);
    return counted(info, { ...(await loadCifarFolder(inside)), name: info.name });
  }
  if (dataDir !== undefined)
    throw new DataError(
      "not-found",
      `${info.title}: the data folder holds none of its files; looked in ${own.map((folder) => resolve(folder)).join(" and ")} for ${info.file}, or what is in it. Put it there, or leave the data folder out to use the cache or a download.`,
    );
  const folder = join(options.cacheDir ?? defaultCacheDir(), info.name);
  return unpacked((await cached(info, folder)) ?? (await fetched(info, folder, options)), info);
}

async function cached(info: ArchiveInfo, folder: string): Promise<Uint8Array | undefined> {
  const path = join(folder, info.file);
  try {
    return await verified(info, await readWhole(path), path);
  } catch (error) {
    if (error instanceof DataError && (error.code === "not-found" || error.code === "checksum"))
      return undefined;
    throw error;
  }
}

async function fetched(info: ArchiveInfo, folder: string, options: LoadOptions): Promise<Uint8Array> {
  const { signal, onNotice, mirrors = info.mirrors.map(({ url }) => url) } = options;
  const wayOut = `Put ${info.file} into ${resolve(folder)} (or into a folder "${info.name}" in the folder that ${DATA_ENV} names).`;
  if (options.offline)
    throw new DataError(
      "not-cached",
      `${info.title} is not on this machine. Offline, nothing is downloaded. ${wayOut}`,
    );
  return withFolderLock(
    folder,
    async () => {
      // Another run may have fetched it meanwhile.
      const there = await cached(info, folder);
      if (there) return there;
      const bytes = await fromMirrors(info.title, info.file, mirrors, options, async (url) =>
        verified(info, await fetchCapped(url, info.file, info.bytes, options), url),
      ).catch((error: unknown) => {
        if (!(error instanceof DataError)) throw error;
        throw new DataError(error.code, `${error.message}\n${wayOut}`, { cause: error });
      });
      try {
        await writeAtomic(join(folder, info.file), bytes);
      } catch (error) {
        onNotice?.(`${info.title}: can't keep ${info.file} in ${folder}: ${reasonOf(error)}.`);
      }
      return bytes;
    },
    { signal, onWait: () => onNotice?.(`Waiting for another run that is downloading ${info.title}.`) },
  );
}

/** Throws DataError `checksum`. */
async function verified(info: ArchiveInfo, bytes: Uint8Array, source: string): Promise<Uint8Array> {
  const got = await sha256(bytes);
  if (got === info.sha256) return bytes;
  throw new DataError(
    "checksum",
    `${source}: the SHA-256 is ${got}; expected ${info.sha256}. The file is damaged or another one: delete it and get it again.`,
  );
}

async function unpacked(archive: Uint8Array, info: ArchiveInfo): Promise<Dataset> {
  const tar = await gunzip(archive, { maxBytes: MOST_GROWTH * info.bytes, source: info.file });
  return counted(info, { ...parseCifar(filesInTar(tar, info.file), info.title), name: info.name });
}

/** Throws DataError `count-mismatch` where there are not as many images as are known to be. */
function counted(info: ArchiveInfo, dataset: Dataset): Dataset {
  const { train, test, classNames } = dataset;
  const got = [train.count, test.count, classNames.length];
  const expected = [info.trainCount, info.testCount, info.classes];
  if (got.join() !== expected.join())
    throw new DataError(
      "count-mismatch",
      `${info.title}: has ${got[0]} training and ${got[1]} test images of ${got[2]} classes; expected ${expected[0]}, ${expected[1]} and ${expected[2]}. Give its folder's path as the dataset to use it anyway.`,
    );
  return dataset;
}

/** The folder with CIFAR's files: this one, or one in it, as archives unpack. */
export async function cifarFolderIn(folder: string): Promise<string | undefined> {
  for (const inner of [folder, join(folder, "cifar-10-batches-bin"), join(folder, "cifar-100-binary")])
    if (isCifar(await namesIn(inner))) return inner;
  return undefined;
}

/** Reads a folder of CIFAR's binary files. Throws DataError. */
export async function loadCifarFolder(folder: string): Promise<Dataset> {
  const files = new Map<string, Uint8Array>();
  for (const name of await namesIn(folder))
    if (isCifarFile(name)) files.set(name, await readWhole(join(folder, name)));
  return { ...parseCifar(files, folder), name: basename(resolve(folder)) };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new DataError("unreadable", `${folder}: ${reasonOf(error)}. Check the folder's permissions.`, {
      cause: error,
    });
  }
}
