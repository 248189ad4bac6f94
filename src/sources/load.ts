import { stat } from "node:fs/promises";
import { findArchive } from "../data/archives.ts";
import type { DatasetInfo } from "../data/dataset-info.ts";
import { findDataset, GENERATED } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import { findFiles } from "../data/files.ts";
import { loadDataset as loadIdx } from "../data/load.ts";
import type { LoadOptions } from "../data/load-options.ts";
import { LOAD } from "../data/options.ts";
import { PICTURE_KEYS } from "../data/picture-options.ts";
import type { Dataset } from "../data/types.ts";
import { checkOptions } from "../options/check.ts";
import { emnistAt, loadEmnist } from "./emnist.ts";
import type { Found } from "./stream/size.ts";

// What reads pictures, tables and archives is loaded for those that have some: every command of the command line imports this file.
const pictures = () => import("./picture-folder.ts");
const tables = () => import("./tables.ts");
const archives = () => import("./archive.ts");
const masks = () => import("./mask-folder.ts");

/**
 * Loads a dataset: a known name (`DATASET_NAMES`, `cifar10`, `cifar100`), the path of a folder of IDX files or of pictures with a folder for each
 * class, or of images/ and masks/, or .npy files, that of an .npz or of a table (CSV), or a registry entry of your own.
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
  const archive = typeof dataset === "string" ? findArchive(dataset) : undefined;
  const found = typeof dataset === "string" && !isKnown(dataset) ? await sourceOf(dataset) : undefined;
  const allowed = optionsOf(found);
  const own = PICTURE_KEYS.find((key) => options[key] !== undefined && !allowed.includes(key));
  if (
    own !== undefined &&
    !(typeof dataset === "string" && found === undefined && (await isNothing(dataset)))
  )
    throw new DataError(
      "bad-argument",
      `loadDataset: ${own} is for folders of pictures, not for ${typeof dataset === "string" ? `"${dataset}"` : dataset.name}: leave it out`,
    );
  const path = dataset as string;
  if (found === "masks") {
    if (options.stream === true)
      throw new DataError(
        "unsupported",
        `loadDataset: stream is for images with labels, not for ${path}, which has masks: leave it out`,
      );
    return (await masks()).loadMaskFolder(path, options);
  }
  const notMasks = found === "pictures" ? await (await masks()).whyNoMasks(path) : undefined;
  if (notMasks !== undefined) options.onNotice?.(notMasks);
  const streamed = await streamedIn(dataset, found, options);
  if (streamed) return streamed;
  if (found === "pictures") return (await pictures()).loadPictureFolder(path, options);
  if (found === "numbers") {
    const { isNumbersFile, loadNumbers, numbersFileIn } = await tables();
    return loadNumbers(isNumbersFile(path) ? path : (await numbersFileIn(path))!, options);
  }
  if (found === "arrays") return (await tables()).loadArrays(path, options);
  if (archive) return (await archives()).loadArchive(archive, options);
  if (found === "emnist") return loadEmnist((await emnistAt(path))!);
  if (found === "cifar") {
    const { cifarFolderIn, loadCifarFolder } = await archives();
    return loadCifarFolder((await cifarFolderIn(path))!);
  }
  return loadIdx(dataset, options);
}

/** A dataset whose images stay in their files, where that is asked for. Throws DataError. */
async function streamedIn(
  dataset: string | DatasetInfo,
  found: Found,
  options: LoadOptions,
): Promise<Dataset | undefined> {
  const { stream, onNotice } = options;
  const known = typeof dataset !== "string" || isKnown(dataset);
  if (stream === true && known)
    throw new DataError(
      "unsupported",
      `loadDataset: stream is for files at a path, not for ${typeof dataset === "string" ? `"${dataset}"` : dataset.name}, which fits into memory: leave it out`,
    );
  if (!stream || known) return undefined;
  const { tooLargeFor } = await import("./stream/size.ts");
  const notice = stream === "auto" ? await tooLargeFor(dataset, found, options) : undefined;
  if (stream === "auto" && notice === undefined) return undefined;
  const { streamDataset } = await import("./stream/open.ts");
  const own = { ...options, stream: true };
  const opened = streamDataset(dataset, found, await emnistAt(dataset), own).catch((error: unknown) => {
    if (stream === "auto" && error instanceof DataError && error.code === "unsupported") return undefined;
    throw error;
  });
  if ((await opened) && notice !== undefined) onNotice?.(notice);
  return opened;
}

/** Of the options of pictures those that what lies at a path takes. */
export async function pictureOptionsAt(path: string): Promise<readonly PictureKey[]> {
  return isKnown(path) ? [] : optionsOf(await sourceOf(path));
}

type PictureKey = (typeof PICTURE_KEYS)[number];

/** Images that come as numbers have two of them. */
function optionsOf(found: Found | "masks"): readonly PictureKey[] {
  if (found === "pictures" || found === "masks") return PICTURE_KEYS;
  return found === "numbers" || found === "arrays" ? ["imageSize", "testSplit"] : [];
}

const isKnown = (name: string) =>
  name === GENERATED || findDataset(name) !== undefined || findArchive(name) !== undefined;

/** Whether a path leads to nothing that is read here: IDX files are no kind of sourceOf(). What lies there is then the matter. */
const isNothing = async (path: string) =>
  !isKnown(path) && Object.keys(await findFiles(path).catch(() => ({}))).length === 0;

/** What lies at a path, where it is of a kind that is read here. */
async function sourceOf(path: string): Promise<Found | "masks"> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return (await tables()).isNumbersFile(path) ? "numbers" : undefined;
  if (await emnistAt(path)) return "emnist";
  if (!found?.isDirectory() || Object.keys(await findFiles(path)).length > 0) return undefined;
  if ((await (await archives()).cifarFolderIn(path)) !== undefined) return "cifar";
  if (await (await masks()).isMaskFolder(path)) return "masks";
  if (await (await pictures()).isPictureFolder(path)) return "pictures";
  const { arraysIn, numbersFileIn } = await tables();
  if ((await numbersFileIn(path)) !== undefined) return "numbers";
  return (await arraysIn(path)).size > 0 ? "arrays" : undefined;
}
