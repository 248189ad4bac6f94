import { metricsOf } from "../metrics/index.ts";
import { checked } from "../train/check-samples.ts";
import { checkRestore, checkState } from "../train/check-state.ts";
import { weighClasses } from "../train/class-weights.ts";
import { preprocessingOf } from "../train/compiled-options.ts";
import { type Division, divide } from "../train/divide.ts";
import { type KeptState, keepsState } from "../train/keep-state.ts";
import type { Samples } from "../train/samples.ts";
import { settingOf } from "../train/training-setting.ts";
import type { TrainingSetting } from "../train/training-state.ts";
import type { Part } from "../train/validation.ts";
import type { Fitting } from "./fitting.ts";

/** What a training begins with in the worker. */
export type Begun = Division & { readonly state: KeptState | undefined };

/** What a training with validation, or from a state on, begins with in the worker. Throws as Model.training(). */
export function begin(fitting: Fitting): Begun {
  return { ...divideByRows(fitting), state: takeState(fitting) };
}

/**
 * As divide(), but that samples stay those that the worker may have already: parts of them are their rows, and weights stand beside.
 */
function divideByRows(fitting: Fitting): Division {
  const { samples, options, made } = fitting;
  const { classWeight, ...others } = options;
  const { graph } = made.model;
  const given = weighed(fitting);
  const division = divide(given, others, graph, seedOf(fitting));
  const part = ({ rows, count }: Part, first: number): Part => ({
    samples: given,
    count,
    rows: rows ?? Uint32Array.from({ length: count }, (_, i) => first + i),
  });
  const { train, validation } = division;
  const split = options.validationSplit;
  const apart = (own: Part, from: Samples): Part => ({ ...own, samples: from, weights: own.samples.weights });
  return {
    ...division,
    train: apart(weighClasses(split ? part(train, 0) : train, { classWeight }, graph), samples),
    validation:
      validation &&
      (split ? apart(part(validation, train.count), samples) : apart(validation, validation.samples)),
  };
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

/** With the weights that an option gives them. */
function weighed({ samples, options: { sampleWeight }, made }: Fitting): Samples {
  return sampleWeight ? checked(samples, made.model, "fit", sampleWeight) : samples;
}

const seedOf = ({ made }: Fitting) => made.options.seed ?? 1;

/** What a trainer's training hangs on. */
export function settingOfFit(fitting: Fitting): TrainingSetting {
  const { made, options } = fitting;
  const { model, optimizer } = made;
  const outputs = made.outputs.map((output) => ({ ...output, metrics: metricsOf(output.metrics) }));
  const preprocessing = preprocessingOf(model.loaded, made.options.preprocessing);
  return settingOf(
    model.graph,
    { optimizer, outputs, seed: seedOf(fitting), preprocessing },
    weighed(fitting),
    options,
  );
}
