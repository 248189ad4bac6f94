import type { Metric } from "../metrics/metric.ts";
import type { Logs } from "./callbacks.ts";
import type { StepResult } from "./step-result.ts";

/** One output of a model, as far as its figures are concerned. */
export interface MeteredOutput {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Numbers along its last axis. Where it is left out, nothing can be gathered. */
  readonly cols?: number;
}

/** The figures of an epoch, from sums over its samples: exact, also where the last batch is smaller. */
export class Meters {
  readonly #gathered: readonly {
    /** What the figure is called: of several outputs `<output>_<metric>`. */
    name: string;
    metric: Metric;
    accumulators: Float64Array;
    output: number;
    index: number;
  }[];
  /** By output, where there are several: what their losses are called, which are not weighted. */
  readonly #losses: readonly string[];
  /** Samples seen, the sum of their losses, and where there are several outputs those of each. */
  readonly #sums: Float64Array;

  constructor(outputs: readonly MeteredOutput[]) {
    const several = outputs.length > 1;
    this.#losses = several ? outputs.map(({ name }) => `${name}_loss`) : [];
    this.#sums = new Float64Array(2 + this.#losses.length);
    this.#gathered = outputs.flatMap(({ name: from, metrics, cols = 1 }, output) =>
      metrics.map((metric, index) => {
        const name = several ? `${from}_${metric.name}` : metric.name;
        const size = metric.sizeOf?.(cols, metric.options ?? {}) ?? metric.accumulators ?? 2;
        return { name, metric, accumulators: new Float64Array(size), output, index };
      }),
    );
  }

  /** What logs() reports, in its order. */
  get names(): readonly string[] {
    return ["loss", ...this.#losses, ...this.#gathered.map(({ name }) => name)];
  }

  /** 1 where more is better of a figure, -1 where less is; `val_` or not. */
  sign(name: string): 1 | -1 {
    const found = this.#gathered.find((one) => name === one.name || name === `val_${one.name}`);
    return found && found.metric.better !== "less" ? 1 : -1;
  }

  /** All that was summed so far: filled in again, it goes on from there. */
  get sums(): readonly Float64Array[] {
    return [this.#sums, ...this.#gathered.map(({ accumulators }) => accumulators)];
  }

  reset(): void {
    for (const sums of this.sums) sums.fill(0);
  }

  /** Adds what a step told of a batch of `count` samples. */
  add({ loss, outputs }: StepResult, count: number): void {
    this.#sums[0]! += count;
    this.#sums[1]! += loss * count;
    for (const i of this.#losses.keys()) this.#sums[2 + i]! += outputs[i]!.meanLoss[0]! * count;
    for (const { metric, accumulators, output, index } of this.#gathered) {
      const { counts, batch } = outputs[output]!;
      if (counts[index]) {
        accumulators[0]! += counts[index][0]!;
        accumulators[1]! += batch.rows;
      } else metric.update!(accumulators, batch, metric.options ?? {});
    }
  }

  /** The figures of what was added since the last reset(), by name. */
  logs(prefix: "" | "val_" = ""): Logs {
    const logs: Record<string, number> = {};
    for (const [i, name] of ["loss", ...this.#losses].entries())
      logs[prefix + name] = this.#sums[1 + i]! / this.#sums[0]!;
    for (const { name, metric, accumulators } of this.#gathered)
      logs[prefix + name] =
        metric.value?.(accumulators, metric.options ?? {}) ?? accumulators[0]! / accumulators[1]!;
    return logs as Logs;
  }
}
