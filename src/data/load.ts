import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkOptions } from "../options/check.ts";
import { nearest } from "../options/names.ts";
import { ARCHIVES } from "./archives.ts";
import { defaultCacheDir, withFolderLock, writeAtomic } from "./cache.ts";
import { type DatasetInfo, ROLES, type Role } from "./dataset-info.ts";
import { DATASET_NAMES, findDataset, GENERATED } from "./datasets.ts";
import { type DownloadedFile, downloadFile } from "./download.ts";
import { DataError, reasonOf } from "./errors.ts";
import { findFiles, isComplete, missingNames, readWhole } from "./files.ts";
import { loadFolder } from "./folder.ts";
import type { LoadOptions } from "./load-options.ts";
import { LOAD } from "./options.ts";
import { describeFile } from "./other-files.ts";
import type { Dataset } from "./types.ts";
import { assembleDataset, verifyFile } from "./verify.ts";

/** Node only: datasets by name or folder, from the user's folders, the cache, or a mirror. */

/** The environment variable that names a folder of datasets, one subfolder each. */
export const DATA_ENV = "WASMGRAD_DATA";

/**
 * Loads a dataset: a known name (`DATASET_NAMES`), the path of a folder of IDX files, or a registry entry of your own.
 *
 * A known dataset comes from the first of: `dataDir`; `$WASMGRAD_DATA/<name>/`, if that has any of its files; the
 * cache; its mirrors, which fills the cache. Its files must have the registry's checksums wherever they come from.
 *
 * Throws DataError, see `DataErrorCode`; or the signal's reason if aborted.
 */
export async function loadDataset(
  dataset: string | DatasetInfo,
  options: LoadOptions = {},
): Promise<Dataset> {
  checkOptions(LOAD, options);
  options.signal?.throwIfAborted();
  if (dataset === GENERATED) {
    // On demand: whoever brings their own images need not load the generator.
    const { generateDigits } = await import("./digits.ts");
    const { digits = {} } = options;
    const { train = options.train, test = options.test, seed = options.seed, wasm = options.wasm } = digits;
    return generateDigits({ train, test, seed, wasm });
  }
  const info = typeof dataset === "string" ? findDataset(dataset) : dataset;
  if (info !== undefined) return loadKnown(info, options);
  const path = dataset as string;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return loadFolder(path);
  throw new DataError(
    "unknown-dataset",
    `dataset "${path}": ${found?.isFile() ? await describeFile(path) : unknown(path)}`,
  );
}

/** What to say of a name that is neither known nor there. */
function unknown(name: string): string {
  const names = [...DATASET_NAMES, ...Object.keys(ARCHIVES)];
  const near = nearest(name, names);
  const meant = near === undefined ? "expected" : `did you mean ${near}? Expected`;
  return (
    `not a known name and not a folder (looked for ${resolve(name)}); ${meant} one of ` +
    `${names.join(", ")}, or the path of a folder of pictures or IDX files, of an .npz or of a table (.csv).`
  );
}

async function loadKnown(info: DatasetInfo, options: LoadOptions): Promise<Dataset> {
  const { dataDir } = options;
  if (dataDir !== undefined) {
    const folders = [join(dataDir, info.name), dataDir];
    const loaded = await fromUserFolders(info, folders, "the data folder", options);
    if (loaded !== undefined) return loaded;
    throw new DataError(
      "not-found",
      `${info.title}: the data folder holds none of its files; looked in ${folders.map((f) => resolve(f)).join(" and ")} for ` +
        `${missingNames({}).join(", ")}. Put them there, or leave the data folder out to use the cache or a download.`,
    );
  }
  const dataEnv = process.env[DATA_ENV];
  if (dataEnv) {
    const loaded = await fromUserFolders(info, [join(dataEnv, info.name)], DATA_ENV, options);
    if (loaded !== undefined) return loaded;
  }
  return fromCache(info, options);
}

/** The dataset from the first of `folders` with any of its files; undefined if none has. */
async function fromUserFolders(
  info: DatasetInfo,
  folders: readonly string[],
  origin: string,
  options: LoadOptions,
): Promise<Dataset | undefined> {
  for (const folder of folders) {
    const found = await findFiles(folder);
    if (Object.keys(found).length === 0) continue;
    if (!isComplete(found)) {
      throw new DataError(
        "not-found",
        `${info.title}: ${resolve(folder)} (from ${origin}) lacks ${missingNames(found).join(", ")}. Add what is missing, or remove the rest.`,
      );
    }
    return assembled(info, (role) => readVerified(info, role, found[role], options));
  }
  return undefined;
}

async function fromCache(info: DatasetInfo, options: LoadOptions): Promise<Dataset> {
  const folder = join(options.cacheDir ?? defaultCacheDir(), info.name);
  const cached = await readCache(info, folder, options);
  if (cached.faults.length === 0) return assembleDataset(info, cached.files as Record<Role, Uint8Array>);
  if (options.offline) throw notCached(info, folder, cached.faults);

  return withFolderLock(
    folder,
    async () => {
      // Looked at again, as another run may have filled it before this one got the lock.
      const { files, faults } = await readCache(info, folder, options);
      for (const fault of faults) {
        if (fault.damage !== undefined) options.onNotice?.(`${fault.damage} Fetching it again.`);
      }
      for (const { role } of faults) files[role] = await fetchIntoCache(info, role, folder, options);
      return assembleDataset(info, files as Record<Role, Uint8Array>);
    },
    {
      signal: options.signal,
      onWait: () => options.onNotice?.(`Waiting for another run that is downloading ${info.title}.`),
    },
  );
}

/** A file the cache can't provide: missing, or there but unusable for the reason in `damage`. */
interface Fault {
  readonly role: Role;
  readonly damage?: string;
}

async function readCache(
  info: DatasetInfo,
  folder: string,
  options: LoadOptions,
): Promise<{ files: Partial<Record<Role, Uint8Array>>; faults: Fault[] }> {
  const found = await findFiles(folder);
  const files: Partial<Record<Role, Uint8Array>> = {};
  const faults: Fault[] = [];
  for (const role of ROLES) {
    const path = found[role];
    options.signal?.throwIfAborted();
    try {
      if (path === undefined) faults.push({ role });
      else files[role] = await readVerified(info, role, path, options);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      faults.push({ role, damage: error.message });
    }
  }
  return { files, faults };
}

async function fetchIntoCache(
  info: DatasetInfo,
  role: Role,
  folder: string,
  options: LoadOptions,
): Promise<Uint8Array> {
  let file: DownloadedFile;
  try {
    const { signal, onProgress, mirrors, fetch, stallTimeoutMs, retryDelayMs } = options;
    file = await downloadFile(info, role, {
      signal,
      onProgress,
      mirrors,
      fetch,
      stallTimeoutMs,
      retryDelayMs,
    });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.code, `${error.message}\n${wayOut(info, folder)}`, { cause: error });
  }
  try {
    await writeAtomic(join(folder, info.files[role].name), file.raw);
  } catch (error) {
    // The bytes are here and good; only the next run will have to fetch them again.
    options.onNotice?.(
      `${info.title}: can't keep ${info.files[role].name} in ${folder}: ${reasonOf(error)}.`,
    );
  }
  return file.idx;
}

async function assembled(info: DatasetInfo, read: (role: Role) => Promise<Uint8Array>): Promise<Dataset> {
  const files: Partial<Record<Role, Uint8Array>> = {};
  for (const role of ROLES) files[role] = await read(role);
  return assembleDataset(info, files as Record<Role, Uint8Array>);
}

async function readVerified(
  info: DatasetInfo,
  role: Role,
  path: string,
  options: LoadOptions,
): Promise<Uint8Array> {
  const { idx, verified } = await verifyFile(info, role, await readWhole(path), `${info.title}: ${path}`);
  if (!verified) {
    options.onNotice?.(
      `${info.title}: ${path} is not gzipped, and only the .gz file's SHA-256 is known; used unverified.`,
    );
  }
  return idx;
}

function notCached(info: DatasetInfo, folder: string, faults: readonly Fault[]): DataError {
  const damages = faults.flatMap(({ damage }) => (damage === undefined ? [] : [`\n  - ${damage}`]));
  const problem =
    damages.length > 0
      ? `only in part or damaged on this machine:${damages.join("")}\n`
      : "not on this machine. ";
  return new DataError(
    "not-cached",
    `${info.title} is ${problem}Offline, nothing is downloaded. ${wayOut(info, folder)}`,
  );
}

/** What helps where no download does. */
function wayOut(info: DatasetInfo, folder: string): string {
  const names = ROLES.map((role) => info.files[role].name).join(", ");
  return (
    `Put ${names} into ${resolve(folder)} (or into a folder "${info.name}" in the folder that ${DATA_ENV} names), ` +
    `or use the dataset "${GENERATED}", which needs no download.`
  );
}
