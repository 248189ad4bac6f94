import type { Graph } from "../compiler/graph.ts";
import type { FitOptions } from "./fit.ts";
import { Meters } from "./meters.ts";
import type { SessionOptions } from "./session.ts";
import type { TrainingSetting } from "./training-state.ts";

/** What a training hangs on, defaults filled in. `layers`: the graph as the layers lowered it. */
export function settingOf(
  layers: Graph,
  { optimizer, outputs, seed }: Pick<SessionOptions, "optimizer" | "outputs" | "seed">,
  samples: number,
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
    architecture: JSON.stringify(
      layers.ops.map(({ kind, inputs, attributes }) => [kind, inputs, attributes]),
    ),
    optimizer: { ...optimizer.config, name: optimizer.name },
    loss: outputs
      .map(
        ({ loss, weight }) =>
          `${typeof loss === "string" ? loss : loss.name}${weight === 1 ? "" : ` * ${weight}`}`,
      )
      .join(", "),
    metrics: new Meters(outputs).names.slice(1),
    seed,
    batchSize,
    shuffle,
    samples,
    validationSplit,
    validationFrom,
    validationSamples: validationData?.count ?? 0,
    restoreBestWeights,
    classWeight: classWeight && JSON.stringify(classWeight),
  };
}
