import { stat } from "node:fs/promises";
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
import { isPictureFolder, loadPictureFolder } from "./picture-folder.ts";

/**
 * Loads a dataset: a known name (`DATASET_NAMES`), the path of a folder of IDX files or of pictures with a folder for each
 * class, or a registry entry of your own.
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
  if (typeof dataset === "string" && dataset !== GENERATED && !findDataset(dataset)) {
    const found = await stat(dataset).catch(() => undefined);
    const idx = found?.isDirectory() && Object.keys(await findFiles(dataset)).length > 0;
    if (found?.isDirectory() && !idx && (await isPictureFolder(dataset)))
      return loadPictureFolder(dataset, options);
  }
  const own = PICTURE_KEYS.find((key) => options[key] !== undefined);
  if (own !== undefined)
    throw new DataError(
      "bad-argument",
      `loadDataset: ${own} is for folders of pictures, not for ${typeof dataset === "string" ? `"${dataset}"` : dataset.name}: leave it out`,
    );
  return loadIdx(dataset, options);
}
