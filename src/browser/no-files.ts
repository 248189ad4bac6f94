// What Node's half of the package has more than a page's: there so that modules shared with Node can be loaded.
import { DataError } from "../data/errors.ts";
import type { Dataset } from "../data/types.ts";
import type { CsvLoggerOptions, TensorBoardOptions } from "../formats/logs/options.ts";
import type { ReadsDirectory } from "../sources/image-set.ts";
import type { Callbacks } from "../train/callbacks.ts";
import type { Reported, ReportOptions } from "../train/report.ts";

/** Node: the environment variable that names a folder of datasets. */
export const DATA_ENV = "WASMGRAD_DATA";

/** Node: a dataset from a folder of IDX files. In a page it rejects with DataError `unsupported`. */
export async function loadFolder(_folder: string): Promise<Dataset> {
  throw new DataError(
    "unsupported",
    "loadFolder() reads files: it runs in Node. In a page, readIdxPair(images, labels) takes the bytes of IDX files that the visitor chose",
  );
}

/** Node: images of a folder of pictures. In a page it rejects with DataError `unsupported`. */
export const imageDatasetFromDirectory: ReadsDirectory = async () => {
  throw new DataError(
    "unsupported",
    "imageDatasetFromDirectory() reads files: it runs in Node. In a page, imageDatasetFromFiles(input.files) takes a folder that the visitor chose",
  );
};

/** Node: a report as a file. In a page it rejects with DataError `unsupported`. */
export async function writeReport(
  _path: string,
  _reported: Reported,
  _options: ReportOptions,
): Promise<void> {
  throw new DataError(
    "unsupported",
    "writeReport() writes a file: it runs in Node. In a page, createReport(trainer, { dataset, history }) gives the text of one",
  );
}

/** Node: where downloads are kept. In a page it throws DataError `unsupported`. */
export function defaultCacheDir(): string {
  throw new DataError(
    "unsupported",
    "defaultCacheDir() is a folder: it is there in Node. In a page, loadDataset() keeps downloads in the browser's storage",
  );
}

/** Node: a callback that writes a line an epoch into a CSV file. In a page it throws DataError `unsupported`. */
export function csvLogger(_filename: string, _options: CsvLoggerOptions = {}): Callbacks {
  throw new DataError(
    "unsupported",
    "csvLogger() writes a file: it is there in Node. In a page a callback of your own can keep what onEpochEnd(info, logs) tells",
  );
}

/** Node: a callback that writes event files for TensorBoard. In a page it throws DataError `unsupported`. */
export function tensorBoard(_options: TensorBoardOptions = {}): Callbacks {
  throw new DataError(
    "unsupported",
    "tensorBoard() writes files: it is there in Node. In a page a callback of your own can keep what onEpochEnd(info, logs) tells",
  );
}
