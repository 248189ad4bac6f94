import { GENERATED } from "../data/datasets.ts";
import { type PictureOptions, pictureOptionsIn } from "../data/picture-options.ts";
import { isStreamed } from "../data/streamed.ts";
import type { Dataset } from "../data/types.ts";
import { dataProblem, isKnown, type RunOptions } from "../run/config.ts";
import { loadDataset } from "../sources/load.ts";
import { UsageError } from "./errors.ts";
import { formatCount, type Output, printable } from "./output.ts";
import { DownloadProgress } from "./progress.ts";

export interface DataOptions extends PictureOptions {
  readonly dataset: string;
  readonly dataDir?: string | undefined;
  readonly offline?: boolean | undefined;
  /** Whether images are left in their files. Default: where they do not fit into memory. */
  readonly stream?: boolean | undefined;
  /** So many training images are to be there. */
  readonly trainLimit?: number | undefined;
  /** Sizes of the sets that are generated, for `digits`. */
  readonly digitsCount?: number | undefined;
  readonly digitsTestCount?: number | undefined;
}

/** The flag that sets a setting of a run. */
export function flagOf(key: keyof RunOptions): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Loads a dataset, with progress where it is downloaded. */
export async function openDataset(
  options: DataOptions,
  output: Output,
  signal: AbortSignal,
): Promise<Dataset> {
  const { dataset: name, dataDir, offline, trainLimit, digitsCount, digitsTestCount } = options;
  const problem = dataProblem({ ...options, dataset: printable(name) }, flagOf);
  if (problem !== undefined) throw new UsageError(problem);
  const progress = new DownloadProgress(output);
  let dataset: Dataset;
  try {
    dataset = await loadDataset(name, {
      dataDir,
      offline,
      signal,
      onProgress: (state) => progress.update(state),
      onNotice: (message) => output.notice(message),
      digits: { train: digitsCount, test: digitsTestCount },
      stream: isKnown(name) ? false : (options.stream ?? "auto"),
      ...pictureOptionsIn(options),
    });
  } finally {
    progress.stop();
  }
  signal.throwIfAborted();
  if (trainLimit !== undefined && trainLimit > dataset.train.count)
    throw new UsageError(
      `--train-limit is ${trainLimit}, but '${printable(name)}' has ${dataset.train.count} training images${name === GENERATED ? "; --digits-count makes more" : ""}`,
    );
  return dataset;
}

/** digits: 12,000 training and 2,000 test images of 28x28x1, 10 classes. */
export function describeDataset({ name, train, test, classNames, answers }: Dataset): string {
  const numbers = answers?.kind === "numbers" && `answers of ${answers.shape.join("x")}`;
  const masks = answers?.kind === "masks" && `masks of ${classNames.length} classes`;
  return `${printable(name)}: ${formatCount(train.count)} training and ${formatCount(test.count)} test images of ${train.shape.join("x")}, ${numbers || masks || `${classNames.length} classes`}${isStreamed(train) ? ", streamed from disk" : ""}`;
}
