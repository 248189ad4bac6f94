// The package in Node: everything of index.ts, and loading datasets from files, the user's cache and mirrors.
// It exports the same names as browser.ts, so that one declaration file serves whatever resolves it, and modules can be
// shared: what runs in pages alone, createTrainer(), says when it is called what to use instead.
import "./options/other-names.ts";

export {
  type BackupAndRestoreOptions,
  backupAndRestore,
  type TrainingBackup,
} from "./browser/backup.ts";
export { createTrainer } from "./browser/trainer.ts";
export type {
  EpochWeights,
  Trainer,
  TrainerInfo,
  TrainerOptions,
  TrainerState,
  WorkerOptions,
} from "./browser/types.ts";
export { DATA_ENV, defaultCacheDir, loadFolder } from "./data/node.ts";
export { csvLogger } from "./formats/logs/csv-logger.ts";
export { tensorBoard } from "./formats/logs/tensor-board.ts";
export { writeReport } from "./formats/write-report.ts";
export * from "./index.ts";
export { loadPicture } from "./picture/load.ts";
export { readPicture } from "./picture/read.ts";
export { run } from "./run/node.ts";
export { imageDatasetFromDirectory } from "./sources/image-directory.ts";
export { imageDatasetFromFiles } from "./sources/image-files-node.ts";
export { loadDataset } from "./sources/load.ts";
export { samplesFrom } from "./sources/samples-from-files.ts";
