import { findDataset, GENERATED } from "../data/datasets.ts";
import { loadDataset } from "../data/load.ts";
import { take, takeOfEach } from "../data/split.ts";
import type { Dataset } from "../data/types.ts";
import { UsageError } from "./errors.ts";
import { formatCount, type Output, printable } from "./output.ts";
import { DownloadProgress } from "./progress.ts";

export interface DataOptions {
  readonly dataset: string;
  readonly dataDir?: string;
  readonly offline?: boolean;
  /** So many training images only: the first, or of a folder as many of each class. */
  readonly trainLimit?: number;
  /** Size of the training set that is generated, for `digits`. */
  readonly digitsCount?: number;
}

/** Loads a dataset, with progress where it is downloaded. */
export async function openDataset(
  options: DataOptions,
  output: Output,
  signal: AbortSignal,
): Promise<Dataset> {
  const { dataset: name, dataDir, offline, trainLimit, digitsCount } = options;
  if (digitsCount !== undefined && name !== GENERATED)
    throw new UsageError(
      `--digits-count is for the generated dataset '${GENERATED}', not for '${printable(name)}'`,
    );
  if (dataDir !== undefined && !findDataset(name))
    throw new UsageError(
      `--data-dir is for datasets that have files of their own, not for '${printable(name)}'; a folder of IDX files is named by --dataset itself`,
    );
  const progress = new DownloadProgress(output);
  let dataset: Dataset;
  try {
    dataset = await loadDataset(name, {
      dataDir,
      offline,
      signal,
      onProgress: (state) => progress.update(state),
      onNotice: (message) => output.notice(message),
      ...(digitsCount !== undefined && { digits: { train: digitsCount } }),
    });
  } finally {
    progress.stop();
  }
  signal.throwIfAborted();
  if (trainLimit === undefined) return dataset;
  if (trainLimit > dataset.train.count)
    throw new UsageError(
      `--train-limit is ${trainLimit}, but '${printable(name)}' has ${dataset.train.count} training images${name === GENERATED ? "; --digits-count makes more" : ""}`,
    );
  // A folder of the user's own may well be sorted by class.
  const some = findDataset(name) || name === GENERATED ? take : takeOfEach;
  return { ...dataset, train: some(dataset.train, trainLimit) };
}

/** digits: 12,000 training and 2,000 test images of 28x28x1, 10 classes. */
export function describeDataset({ name, train, test, classNames }: Dataset): string {
  return `${printable(name)}: ${formatCount(train.count)} training and ${formatCount(test.count)} test images of ${train.shape.join("x")}, ${classNames.length} classes`;
}
