import type { Metric } from "../nn/metrics/metric.ts";
import type { Logs } from "./callbacks.ts";
import type { StepResult } from "./step-result.ts";

/** One output of a model, as far as its figures are concerned. */
export interface MeteredOutput {
  readonly name: string;
  readonly metrics: readonly Metric[];
}

/** The figures of an epoch, from sums over its samples: exact, also where the last batch is smaller. */
export class Meters {
  readonly #gathered: readonly {
    metric: Metric;
    accumulators: Float64Array;
    output: number;
    index: number;
  }[];
  #seen = 0;
  #loss = 0;

  constructor(outputs: readonly MeteredOutput[]) {
    this.#gathered = outputs.flatMap(({ metrics }, output) =>
      metrics.map((metric, index) => {
        return { metric, accumulators: new Float64Array(metric.accumulators ?? 2), output, index };
      }),
    );
  }

  /** What logs() reports, in its order. */
  get names(): readonly string[] {
    return ["loss", ...this.#gathered.map(({ metric }) => metric.name)];
  }

  /** 1 where more is better of a figure, -1 where less is; `val_` or not. */
  sign(name: string): 1 | -1 {
    const found = this.#gathered.find(({ metric }) => name === metric.name || name === `val_${metric.name}`);
    return found && found.metric.better !== "less" ? 1 : -1;
  }

  reset(): void {
    this.#seen = this.#loss = 0;
    for (const { accumulators } of this.#gathered) accumulators.fill(0);
  }

  /** Adds what a step told of a batch of `count` samples. */
  add({ loss, outputs }: StepResult, count: number): void {
    this.#seen += count;
    this.#loss += loss * count;
    for (const { metric, accumulators, output, index } of this.#gathered) {
      const { counts, batch } = outputs[output]!;
      if (counts[index]) {
        accumulators[0]! += counts[index][0]!;
        accumulators[1]! += count;
      } else metric.update!(accumulators, batch, metric.options ?? {});
    }
  }

  /** The figures of what was added since the last reset(), by name. */
  logs(prefix: "" | "val_" = ""): Logs {
    const logs: Record<string, number> = { [`${prefix}loss`]: this.#loss / this.#seen };
    for (const { metric, accumulators } of this.#gathered)
      logs[prefix + metric.name] = metric.value?.(accumulators) ?? accumulators[0]! / accumulators[1]!;
    return logs as Logs;
  }
}
