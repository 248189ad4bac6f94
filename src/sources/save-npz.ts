import { DataError } from "../data/errors.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { flag, optional, type TableOf } from "../options/kinds.ts";
import { arraysOf, npzOf, type SavedDataset } from "./npz-file.ts";

export interface SaveNpzOptions {
  /** Whether arrays are packed, as np.savez_compressed() does it: such a file cannot be streamed. Default: false. */
  compress?: boolean | undefined;
}

const SAVE: Checked = {
  call: "saveNpz(dataset, *)",
  table: (): TableOf<SaveNpzOptions> => ({ compress: optional(flag, false) }),
  error: (problem, who) => new DataError("bad-argument", `${who}: ${problem}`),
};

/**
 * A dataset as the bytes of an .npz file with the arrays of Keras's datasets: `x_train`, `y_train`, and where there are such
 * images `x_val`, `y_val`, `x_test`, `y_test`. Images have the shape (n, height, width, channels), grey ones (n, height, width). Labels are
 * bytes (n), masks (n, height, width), numbers floats. Names of classes are a list of texts, `class_names`, unless they are numbers.
 * The same dataset gives the same bytes. loadDataset() reads the file as the same dataset.
 *
 * Throws DataError where images and labels are not as many, or the file would have 4 GiB or more; TypeError where there is nothing to write.
 */
export async function saveNpz(
  dataset: SavedDataset,
  options: SaveNpzOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions(SAVE, options);
  // Loaded with this file: a chunk of it would share modules with what every page trains by, whose bundlers would keep them whole.
  return npzOf(await arraysOf(dataset), options.compress === true);
}
