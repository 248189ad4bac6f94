import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { DataError } from "../../data/errors.ts";
import { findFiles } from "../../data/files.ts";
import type { LoadOptions } from "../../data/load-options.ts";
import type { Dataset } from "../../data/types.ts";
import { cifarFolderIn } from "../archive.ts";
import { type EmnistPlace, loadEmnist } from "../emnist.ts";
import { loadPictureFolder } from "../picture-folder.ts";
import { isNumbersFile, numbersFileIn } from "../tables.ts";
import { streamCifarFolder } from "./cifar.ts";
import { streamIdx, streamIdxFolder } from "./idx.ts";
import { streamArrays, streamNpz } from "./npz.ts";
import type { Found } from "./size.ts";

/**
 * Opens a dataset, whose images stay in their files. Rejects with DataError; `unsupported` where the files cannot be read in parts.
 */
export async function streamDataset(
  path: string,
  found: Found,
  emnist: EmnistPlace | undefined,
  options: LoadOptions,
): Promise<Dataset> {
  if (emnist)
    return loadEmnist(emnist, (images, labels, source) => streamIdx(images, labels, source, "columns"));
  if (found === "pictures") return loadPictureFolder(path, options);
  if (found === "cifar") return streamCifarFolder((await cifarFolderIn(path))!);
  if (found === "arrays") return streamArrays(path, options);
  if (found === "numbers") {
    const file = isNumbersFile(path) ? path : (await numbersFileIn(path))!;
    if (/\.npz$/i.test(file)) return streamNpz(file, basename(resolve(file)).replace(/\.npz$/i, ""), options);
    throw unsupported(
      file,
      'is a table, which is read as a whole. Write its numbers to an archive: np.savez("data.npz", x_train=x.astype(np.uint8), y_train=y)',
    );
  }
  const folder = (await stat(path).catch(() => undefined))?.isDirectory();
  if (folder && Object.keys(await findFiles(path)).length > 0) return streamIdxFolder(path);
  throw unsupported(
    path,
    "cannot be streamed; expected the path of a folder of pictures, of IDX or CIFAR's binary files or of .npy files, or of an .npz. Leave stream out, on the command line --stream",
  );
}

function unsupported(path: string, problem: string): DataError {
  return new DataError("unsupported", `${path}: ${problem}.`);
}
