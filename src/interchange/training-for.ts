import type { LoadedModel } from "../formats/model-file.ts";
import { createOptimizer } from "../optim/create.ts";
import { isModel, type Model } from "../train/model.ts";
import { optimizerState } from "../train/optimizer-state.ts";
import type { PortableTraining } from "./portable.ts";

/** The training of a model to write: of a compiled one what its session has. */
export function trainingFor(model: Model | LoadedModel): PortableTraining | undefined {
  if (!isModel(model)) {
    const { compileOptions, optimizerState: state } = model;
    if (!compileOptions) return undefined;
    const { optimizer, ...others } = compileOptions;
    return {
      ...others,
      optimizer: typeof optimizer === "string" ? createOptimizer(optimizer) : optimizer,
      state,
    };
  }
  const { options, optimizer } = model.session;
  const { outputs } = options;
  const each = <T>(values: readonly T[]) => (values.length === 1 ? values[0]! : values);
  return {
    optimizer: options.optimizer,
    ...((optimizer.step > 0 || optimizer.rate !== undefined) && { state: optimizerState(model) }),
    loss: each(outputs.map(({ loss }) => loss)) as PortableTraining["loss"],
    ...(outputs.some(({ weight }) => weight !== 1) && { lossWeights: outputs.map(({ weight }) => weight) }),
    metrics: each(outputs.map(({ metrics }) => metrics)),
  };
}
