import type { FitOptions } from "./fit.ts";
import type { Session } from "./session.ts";
import type { TrainingSetting } from "./training-state.ts";

/** What a training hangs on, defaults filled in. */
export function settingOf(
  session: Session,
  samples: number,
  {
    batchSize = 32,
    shuffle = true,
    validationSplit = 0,
    validationFrom = "last",
    validationData,
    restoreBestWeights,
  }: FitOptions,
): TrainingSetting {
  const { optimizer, outputs, seed } = session.options;
  return {
    // What no parameter shows: strides, activations, what is connected to what.
    architecture: JSON.stringify(
      session.layers.ops.map(({ kind, inputs, attributes }) => [kind, inputs, attributes]),
    ),
    optimizer: { ...optimizer.config, name: optimizer.name },
    loss: outputs
      .map(
        ({ loss, weight }) =>
          `${typeof loss === "string" ? loss : loss.name}${weight === 1 ? "" : ` * ${weight}`}`,
      )
      .join(", "),
    metrics: session.meters().names.slice(1),
    seed,
    batchSize,
    shuffle,
    samples,
    validationSplit,
    validationFrom,
    validationSamples: validationData?.count ?? 0,
    restoreBestWeights,
  };
}
