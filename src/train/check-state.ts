import { isTrained, type Parameter } from "../compiler/graph.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { counted } from "../options/counted.ts";
import { isObject } from "../options/kinds.ts";
import { quoted, show, written } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import { checkWeights } from "./check-weights.ts";
import type { OptimizerSnapshot, TrainingSetting, TrainingState } from "./training-state.ts";

/** A state does not fit the training that is to go on from it, and never will. */
export class StateError extends RangeError {}

/** Which call takes what a state and a training differ by. */
const CALLS: Readonly<Record<keyof TrainingSetting, string>> = {
  architecture: "fit()",
  optimizer: "compile({ optimizer })",
  loss: "compile({ loss })",
  metrics: "compile({ metrics })",
  seed: "compile({ seed })",
  preprocessing: "compile({ preprocessing })",
  batchSize: "fit(train, { batchSize })",
  shuffle: "fit(train, { shuffle })",
  samples: "fit()",
  validationSplit: "fit(train, { validationSplit })",
  validationFrom: "fit(train, { validationFrom })",
  validationSamples: "fit(train, { validationData })",
  data: "fit()",
  likeness: "fit()",
  restoreBestWeights: "fit(train, { restoreBestWeights })",
  classWeight: "fit(train, { classWeight })",
};

/**
 * `vectors`: how many the optimizer keeps; `callbacks`: how many of them keep a state. Throws unless the state fits: TypeError
 * on what is no state, RangeError where it is another model's, or of a training that was set up in another way.
 */
export function checkState(
  state: TrainingState,
  parameters: readonly Parameter[],
  setting: TrainingSetting,
  vectors: number,
  callbacks: number,
): void {
  if (!isState(state))
    throw new TypeError(
      `initialState is ${show(state)}, expected what training.state() or loadCheckpoint() gives`,
    );
  for (const key of Object.keys(CALLS) as (keyof TrainingSetting)[]) {
    const [was, is] = [state.setting[key], setting[key]];
    if (sorted(was) === sorted(is)) continue;
    if (key === "architecture")
      throw new StateError(
        "the state is of another model: its layers are connected or set otherwise. Go on with the model that it was taken of",
      );
    // What it had may be what broke it; what could not be read may be mended, but is known by what lies beside it.
    if ((key === "data" && !was) || (key === "likeness" && state.setting.data)) continue;
    if (key === "data" || key === "likeness") {
      if (state.history.diverged) continue;
      throw new StateError(
        "the state is of a training on other samples, which are as many: give fit() those that it had then",
      );
    }
    throw new StateError(
      `the state is of a training with ${key} ${told(was, is)}, this one has ${told(is, was)}: give ${CALLS[key]} what it had then`,
    );
  }
  if (state.callbacks.length !== callbacks) {
    const own = (all: number) => all - Number(setting.restoreBestWeights !== undefined);
    throw new StateError(
      `the state is of a training in which ${counted(own(state.callbacks.length), "callback")} had state(), in this one ${own(callbacks)}: give fit(train, { callbacks }) what it had then`,
    );
  }
  checkTensors(state.weights, parameters);
  checkVectors(state.optimizer, parameters, vectors);
  for (const { name, data } of [state.weights, ...state.optimizer.vectors].flat())
    if (!data.every(Number.isFinite)) throw new StateError(`the state's ${quoted(name)} is not finite`);
}

/** Throws unless a compiled model's optimizer can go on from there: as checkState(). */
export function checkOptimizer(
  state: OptimizerSnapshot,
  parameters: readonly Parameter[],
  { name, stateVectors }: Optimizer,
): void {
  if (!isSnapshot(state) || state.step >= 2 ** 32 || !state.vectors.every(Array.isArray))
    throw new TypeError(
      `got ${show(state)}, expected what optimizerState() gives. Write: setOptimizerState(model, loaded.optimizerState)`,
    );
  const mend = `, as ${name} keeps: it is of another one, or of other options. Write: await model.compile(loaded.compileOptions), and then setOptimizerState()`;
  checkVectors(state, parameters, stateVectors, mend);
  for (const { name, data } of state.vectors.flat())
    if (!data.every(Number.isFinite)) throw new StateError(`the state's ${quoted(name)} is not finite`);
}

function checkVectors(
  state: OptimizerSnapshot,
  parameters: readonly Parameter[],
  vectors: number,
  mend = "",
): void {
  if (state.vectors.length !== vectors)
    throw new StateError(
      `the state has ${counted(state.vectors.length, "vector")} of the optimizer, expected ${vectors}${mend}`,
    );
  for (const one of state.vectors) checkTensors(one, parameters.filter(isTrained));
}

function checkTensors(tensors: readonly NamedTensor[], parameters: readonly Parameter[]): void {
  try {
    checkWeights(tensors, parameters);
  } catch (error) {
    throw new StateError((error as Error).message, { cause: error });
  }
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether it is built as a state is: what depends on the model is checked beside the model. */
export function isState(value: unknown): value is TrainingState {
  const { version, setting, optimizer, epoch, batch, begun, sums, seconds, history, callbacks } = Object(
    value,
  ) as Record<keyof TrainingState, unknown>;
  if (version !== 1 || !isObject(setting) || !isObject(optimizer) || !isObject(history)) return false;
  const batches = Math.ceil(Number(setting.samples) / Number(setting.batchSize));
  return (
    isCount(epoch) &&
    isCount(batch) &&
    (batch as number) <= batches &&
    typeof begun === "boolean" &&
    Array.isArray(sums) &&
    sums.length > 0 &&
    sums.every((sum) => typeof sum === "number") &&
    Number.isFinite(seconds) &&
    isSnapshot(optimizer) &&
    isObject(history.history) &&
    Array.isArray(history.epoch) &&
    isCount(history.steps) &&
    Array.isArray(callbacks)
  );
}

function isSnapshot(value: unknown): boolean {
  const { step, learningRate: rate, vectors } = Object(value) as Record<keyof OptimizerSnapshot, unknown>;
  return (
    isCount(step) && (rate === undefined || (typeof rate === "number" && rate >= 0)) && Array.isArray(vectors)
  );
}

const MOST_CHARACTERS = 200;

/** A setting beside another; of an optimizer its name, and the options in which they differ. */
function told(value: unknown, other: unknown): string {
  // Losses of several outputs, with their options.
  if (typeof value === "string") return JSON.stringify(value.slice(0, MOST_CHARACTERS));
  if (!isObject(value) || !isObject(other)) return show(value);
  const { name, ...options }: Record<string, unknown> = value;
  if (name === undefined) return written(options);
  if (name !== other.name) return String(name);
  const differ = Object.keys(options).filter((key) => sorted(options[key]) !== sorted(other[key]));
  return `${name}(${differ.map((key) => `${key} ${show(options[key])}`).join(", ")})`;
}

/** As JSON, whatever the order of keys. */
function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner) =>
    isObject(inner) && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Throws where a training cannot take a step now. */
export function checkStep(busy: boolean, failed: boolean): void {
  if (busy) throw new Error("a step is under way: await it before the next one");
  if (failed)
    throw new Error(
      "the training ended with an error: begin anew with model.training(), with the state of this one as initialState to go on",
    );
}

/** Throws where a training's weights are no longer there. `call`: what begins anew. */
export function requireOwn(current: boolean, call = "model.training()"): void {
  if (!current)
    throw new Error(
      `the model was compiled or trained otherwise since: begin anew with ${call}, with a state of this one that was taken before as initialState to go on`,
    );
}

/** Throws where a training has begun, or would have nothing left to do. */
export function checkRestore(fresh: boolean, { epoch }: TrainingState, epochs: number): void {
  if (!fresh)
    throw new Error("the training has begun: restore() before the first step, on a training made anew");
  if (epoch >= epochs)
    throw new RangeError(
      `the state is of epoch ${epoch}, and epochs is ${epochs}: there is nothing left to do. Give more epochs`,
    );
}
