// The package in browsers: everything of index.ts, training in a worker, and datasets over the network.
export { loadDataset } from "./browser/load-dataset.ts";
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
