import { metricsOf } from "../metrics/index.ts";
import { checkRestore, checkState } from "../train/check-state.ts";
import { type Division, divide } from "../train/divide.ts";
import { type KeptState, keepsState } from "../train/keep-state.ts";
import { settingOf } from "../train/training-setting.ts";
import type { TrainingSetting } from "../train/training-state.ts";
import type { Fitting } from "./fitting.ts";

/** What a training with validation, or from a state on, begins with in the worker. Throws as Model.training(). */
export function begin(fitting: Fitting): Division & { readonly state: KeptState | undefined } {
  return { ...divideByRows(fitting), state: takeState(fitting) };
}

/** As divide(), but that what validationSplit divides keeps its samples, which the worker may have already: parts are their rows. */
function divideByRows({ samples, options, made }: Fitting): Division {
  const division = divide(samples, options, made.model.graph, made.seed);
  if (!options.validationSplit) return division;
  const part = ({ rows, count }: Division["train"], first: number) => ({
    samples,
    count,
    rows: rows ?? Uint32Array.from({ length: count }, (_, i) => first + i),
  });
  const { train, validation } = division;
  return { ...division, train: part(train, 0), validation: part(validation!, train.count) };
}

/** Gives the page's callbacks and rate what is theirs of the state to go on from, and returns what is the worker's. */
function takeState(fitting: Fitting): KeptState | undefined {
  const { made, options, callbacks } = fitting;
  const { initialState: state, epochs = 1, restoreBestWeights } = options;
  if (!state) return undefined;
  const own = callbacks.filter(keepsState);
  const workers = Number(restoreBestWeights !== undefined);
  const { parameters } = made.model.graph;
  checkState(state, parameters, settingOfFit(fitting), made.optimizer.stateVectors, workers + own.length);
  checkRestore(true, state, epochs);
  const { setting: _, callbacks: states, ...kept } = structuredClone(state);
  own.forEach((callback, i) => {
    callback.restore?.(states[workers + i]);
  });
  made.rate = kept.optimizer.learningRate;
  return { ...kept, callbacks: states.slice(0, workers) };
}

/** What a trainer's training hangs on. */
export function settingOfFit({ made, samples, options }: Fitting): TrainingSetting {
  const { model, optimizer, seed } = made;
  const outputs = made.outputs.map((output) => ({ ...output, metrics: metricsOf(output.metrics) }));
  return settingOf(model.graph, { optimizer, outputs, seed }, samples.count, options);
}
