import { checkRate } from "../optim/check-rate.ts";
import { show } from "../options/show.ts";
import { checkOptimizer } from "./check-state.ts";
import { isModel, type Model } from "./model.ts";
import type { OptimizerSnapshot } from "./training-state.ts";

/**
 * What the optimizer of a compiled model keeps between two steps: how many it has done, and its vectors by parameter, copied.
 * For setOptimizerState(); exportModel() writes it into formats that have a place for it. Throws TypeError on what is no model,
 * Error where it is not compiled.
 */
export function optimizerState(model: Model): OptimizerSnapshot {
  const { optimizer, trained } = sessionOf("optimizerState", model);
  return {
    step: optimizer.step,
    learningRate: optimizer.rate,
    vectors: optimizer.vectors.map((vector) =>
      trained.map(({ parameter: { name, shape }, offset, length }) => ({
        name,
        shape,
        data: new Float32Array(vector.subarray(offset, offset + length)),
      })),
    ),
  };
}

/**
 * Lets a compiled model's optimizer go on from there, as Keras's load_model() does: the state of optimizerState(), or the
 * `optimizerState` of what loadModel() gave. Weights are not in it.
 *
 *     const { model, compileOptions, optimizerState } = await loadModel(bytes);
 *     await model.compile(compileOptions);
 *     if (optimizerState) setOptimizerState(model, optimizerState);
 *
 * Throws RangeError where it is of another optimizer or of other parameters; TypeError on what is no state, or no model.
 */
export function setOptimizerState(model: Model, state: OptimizerSnapshot): void {
  const { optimizer, trained, graph } = sessionOf("setOptimizerState", model);
  checkOptimizer(state, graph.parameters, optimizer.optimizer);
  if (state.learningRate !== undefined) checkRate(optimizer.optimizer, state.learningRate);
  optimizer.step = state.step;
  optimizer.rate = state.learningRate;
  for (const [i, vector] of optimizer.vectors.entries()) {
    const named = new Map(state.vectors[i]!.map(({ name, data }) => [name, data]));
    for (const { parameter, offset } of trained) vector.set(named.get(parameter.name)!, offset);
  }
}

function sessionOf(call: string, model: Model) {
  if (isModel(model)) return model.session;
  throw new TypeError(
    `${call}: got ${show(model)}, expected a compiled model. A trainer in a page has its optimizer in its worker: trainer.fit() goes on from an initialState there`,
  );
}
