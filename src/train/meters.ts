import type { Logs } from "./callbacks.ts";
import type { StepResult } from "./step-result.ts";

/** One output of a model, as far as its figures are concerned. */
export interface MeteredOutput {
  readonly name: string;
  readonly metrics: readonly "accuracy"[];
}

/** The figures of an epoch, from sums over its samples: exact, also where the last batch is smaller. */
export class Meters {
  /** What logs() reports, in its order. */
  readonly names: readonly string[];
  #seen = 0;
  #loss = 0;
  #correct = 0;

  constructor(outputs: readonly MeteredOutput[]) {
    this.names = ["loss", ...outputs.flatMap(({ metrics }) => metrics)];
  }

  reset(): void {
    this.#seen = this.#loss = this.#correct = 0;
  }

  /** Adds what a step told of a batch of `count` samples. */
  add({ loss, outputs }: StepResult, count: number): void {
    this.#seen += count;
    this.#loss += loss * count;
    this.#correct += outputs[0]!.correct;
  }

  /** The figures of what was added since the last reset(), by name. */
  logs(prefix: "" | "val_" = ""): Logs {
    const logs: Record<string, number> = {};
    for (const name of this.names)
      logs[prefix + name] = (name === "loss" ? this.#loss : this.#correct) / this.#seen;
    return logs as Logs;
  }
}
