// The package in browsers: everything of index.ts, training in a worker, and datasets over the network.
// It exports the same names as node.ts: what needs files says when it is called what to use instead.
export {
  type BackupAndRestoreOptions,
  backupAndRestore,
  type TrainingBackup,
} from "./browser/backup.ts";
export { imageDatasetFromFiles } from "./browser/image-files.ts";
export { loadDataset } from "./browser/load-dataset.ts";
export { loadPicture } from "./browser/load-picture.ts";
export {
  csvLogger,
  DATA_ENV,
  defaultCacheDir,
  imageDatasetFromDirectory,
  loadFolder,
  tensorBoard,
  writeReport,
} from "./browser/no-files.ts";
export { readPicture } from "./browser/read-picture.ts";
export { run } from "./browser/run.ts";
export { samplesFrom } from "./browser/samples-from.ts";
export { createTrainer } from "./browser/trainer.ts";
export type {
  EpochWeights,
  Trainer,
  TrainerInfo,
  TrainerOptions,
  TrainerState,
  WorkerOptions,
} from "./browser/types.ts";
export * from "./index.ts";
