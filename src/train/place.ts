import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { History } from "./history.ts";

/** Where a training is. */
export interface Place {
  /** The epoch under way, from 0; when all are done, their number. */
  epoch: number;
  /** Batches of it that are done. */
  batch: number;
  /** Whether onEpochBegin was told of it. */
  begun: boolean;
  /** Of its steps. */
  seconds: number;
  history: History;
  stopping: boolean;
  /** Its weights when it ended, before onTrainEnd gave the model others: those of the best epoch. */
  last?: NamedTensor[];
}
