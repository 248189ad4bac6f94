import { type Graph, isTrained } from "../compiler/graph.ts";
import { lossDefinition } from "../losses/index.ts";
import type { Metric } from "../metrics/metric.ts";
import type { FitOptions } from "./fit.ts";
import { dataOf, likenessOf } from "./mark.ts";
import { Meters } from "./meters.ts";
import type { SessionOptions } from "./session.ts";
import type { Held } from "./source.ts";
import type { TrainingSetting } from "./training-state.ts";

/** What a training hangs on, defaults filled in. `layers`: the graph as the layers lowered it; `samples`: with their weights. */
export function settingOf(
  layers: Graph,
  {
    optimizer,
    outputs,
    seed,
    preprocessing: { scale, offset },
  }: Pick<SessionOptions, "optimizer" | "outputs" | "seed" | "preprocessing">,
  samples: Held,
  {
    batchSize = 32,
    shuffle = true,
    validationSplit = 0,
    validationFrom = "last",
    validationData,
    classWeight,
    restoreBestWeights,
  }: FitOptions,
): TrainingSetting {
  return {
    // What no parameter shows: strides, activations, what is connected to what.
    architecture: JSON.stringify([
      layers.ops.map(({ kind, inputs, attributes }) => [kind, inputs, attributes]),
      layers.parameters.map((parameter) => [
        isTrained(parameter),
        parameter.regularizer,
        parameter.constraint,
      ]),
    ]),
    optimizer: { ...optimizer.config, name: optimizer.name },
    loss: outputs
      .map(({ loss, weight }) => {
        const { name, options, defaults } = lossDefinition(loss)!;
        return `${withOptions(name, options, { ...NO_OPTIONS, ...defaults })}${weight === 1 ? "" : ` * ${weight}`}`;
      })
      .join(", "),
    metrics: [
      ...new Meters(outputs).names.slice(1),
      ...outputs.flatMap(({ metrics }) =>
        (metrics as readonly Metric[]).flatMap(({ name, options }) =>
          options ? [withOptions(name, options)] : [],
        ),
      ),
    ],
    seed,
    preprocessing: { scale, offset },
    batchSize,
    shuffle,
    samples: samples.count,
    validationSplit,
    validationFrom,
    validationSamples: validationData?.count ?? 0,
    data: dataOf(samples, validationData as Held | undefined),
    likeness: likenessOf(samples, validationData as Held | undefined),
    restoreBestWeights,
    classWeight: classWeight && JSON.stringify(classWeight),
  };
}

/** What options of losses mean that are left out. */
const NO_OPTIONS = { labelSmoothing: 0, fromLogits: false };

/** A name, and the options that are not as they are by default. */
function withOptions(name: string, options: object = {}, defaults: object = {}): string {
  const usual = new Map(Object.entries(defaults));
  const own = Object.entries(options).filter(
    ([key, value]) => value !== undefined && value !== usual.get(key),
  );
  const each = own.map(([key, value]) => `${key} ${JSON.stringify(value)}`).sort();
  return own.length === 0 ? name : `${name}(${each.join(", ")})`;
}
