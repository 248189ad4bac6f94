import { checkRate } from "../optim/check-rate.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { TrainingHandle } from "../train/callbacks.ts";
import type { Note } from "./protocol.ts";
import type { Trainer } from "./types.ts";

/** What callbacks get of a worker's training: what they set reaches the worker before its next step, as it waits for them. */
export function handleOf(
  trainer: Trainer,
  optimizer: Optimizer,
  client: { note(note: Note): void },
): TrainingHandle {
  const { learningRate: own } = optimizer.options;
  let rate = typeof own === "number" ? own : Number.NaN;
  return {
    model: trainer.model,
    get learningRate() {
      return rate;
    },
    set learningRate(value) {
      checkRate(optimizer, value);
      rate = value;
      client.note({ note: "rate", rate });
    },
    stop: () => trainer.stop(),
    getWeights: () => trainer.getWeights(),
    setWeights: (tensors) => trainer.setWeights(tensors),
    state() {
      throw new TypeError(
        "state(): a worker's training does not tell it yet; that of Node and of the page's own thread does",
      );
    },
  };
}
