import type { Callbacks, EpochInfo, History, Logs, TrainingHandle } from "./callbacks.ts";
import type { NamedTensor } from "./safetensors.ts";

interface Best {
  readonly epoch: number;
  readonly value: number;
  readonly weights: readonly NamedTensor[];
}

/** Keeps a copy of the weights of the best epoch so far, and puts it back when training ends. */
export class BestWeights implements Callbacks {
  readonly name = "bestWeights";
  readonly #figure: string;
  #best: Best | null = null;

  constructor(figure: string) {
    this.#figure = figure;
  }

  async onEpochEnd({ epoch }: EpochInfo, logs: Logs, training: TrainingHandle): Promise<void> {
    const value = logs[this.#figure];
    // A validation loss can be NaN: no epoch to go back to.
    if (value === undefined || Number.isNaN(value)) return;
    const sign = training.figures[this.#figure] === "min" ? -1 : 1;
    if (this.#best && sign * value <= sign * this.#best.value) return;
    this.#best = { epoch, value, weights: await training.getWeights() };
  }

  /** Where no epoch was finished, the weights stay as they are. */
  async onTrainEnd(history: History, training: TrainingHandle): Promise<void> {
    if (!this.#best) return;
    await training.setWeights(this.#best.weights);
    history.bestEpoch = this.#best.epoch;
  }

  state(): unknown {
    return this.#best;
  }

  restore(state: unknown): void {
    this.#best = state as Best | null;
  }
}
