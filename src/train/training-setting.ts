import type { Graph } from "../nn/graph.ts";
import type { Loss } from "../nn/losses/loss.ts";
import type { FitOptions } from "./fit.ts";
import type { SessionOptions } from "./session.ts";
import type { TrainingSetting } from "./training-state.ts";

interface OutputLoss {
  readonly loss: string | Loss;
  readonly weight: number;
}

/** What of a compiled model a training hangs on. */
export interface SettingSource {
  readonly layers: Graph;
  readonly options: Pick<SessionOptions, "optimizer" | "seed"> & { readonly outputs: readonly OutputLoss[] };
}

/** What a training hangs on, defaults filled in. */
export function settingOf(
  { layers, options: { optimizer, outputs, seed } }: SettingSource,
  samples: number,
  {
    batchSize = 32,
    shuffle = true,
    validationSplit = 0,
    validationFrom = "last",
    validationData,
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
    seed,
    batchSize,
    shuffle,
    samples,
    validationSplit,
    validationFrom,
    validationSamples: validationData?.count ?? 0,
  };
}
