import { checkRate } from "../optim/check-rate.ts";
import { show } from "../options/show.ts";
import { checkOptimizer } from "./check-state.ts";
import { keepModel, putModel } from "./keep-state.ts";
import { isModel, type Model } from "./model.ts";
import type { OptimizerSnapshot } from "./training-state.ts";

/**
 * What the optimizer of a compiled model keeps between two steps: how many it has done, and its vectors by parameter, copied.
 * For setOptimizerState(); exportModel() writes it into formats that have a place for it. Throws TypeError on what is no model,
 * Error where it is not compiled.
 */
export function optimizerState(model: Model): OptimizerSnapshot {
  return keepModel(sessionOf("optimizerState", model)).optimizer;
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
  const session = sessionOf("setOptimizerState", model);
  const { optimizer } = session.optimizer;
  checkOptimizer(state, session.graph.parameters, optimizer);
  if (state.learningRate !== undefined) checkRate(optimizer, state.learningRate);
  // Weights that are not there stay.
  putModel(session, { weights: [], optimizer: state });
}

function sessionOf(call: string, model: Model) {
  if (isModel(model)) return model.session;
  throw new TypeError(
    `${call}: got ${show(model)}, expected a compiled model. A trainer in a page has its optimizer in its worker: trainer.fit() goes on from an initialState there`,
  );
}
