// The package in Node: everything of index.ts, and loading datasets from files, the user's cache and mirrors.
// createTrainer() is there so that modules shared with a page can be loaded; called, it says what to use instead.
export { createTrainer } from "./browser/trainer.ts";
export type {
  EpochWeights,
  Trainer,
  TrainerInfo,
  TrainerOptions,
  TrainerState,
  WorkerOptions,
} from "./browser/types.ts";
export {
  DATA_ENV,
  defaultCacheDir,
  loadDataset,
  loadFolder,
} from "./data/node.ts";
export * from "./index.ts";
