import { isObject } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { checkWeights } from "./check-weights.ts";
import type { NamedTensor } from "./safetensors.ts";
import { STATE_VERSION, type TrainingState } from "./training-state.ts";

/**
 * Throws unless a state is one that the training, whose own state is `own`, can go on from: TypeError on what is no state,
 * RangeError that names what differs.
 */
export function checkState(state: TrainingState, own: TrainingState): void {
  if (!isObject(state) || !isObject(state.optimizer) || !isObject(state.data) || !isObject(state.history))
    throw new TypeError(`got ${show(state)}, expected what a training's state() or loadCheckpoint() gives`);
  if (state.version !== STATE_VERSION)
    throw new RangeError(
      `the state has version ${show(state.version)}, this wasmgrad takes ${STATE_VERSION}: use the one that took it`,
    );
  const { name: _, ...layers } = state.architecture ?? {};
  const { name: __, ...ownLayers } = own.architecture;
  same("the model", JSON.stringify(layers), JSON.stringify(ownLayers), "has other layers");
  same("the seed", state.seed, own.seed);
  same("the loss", state.loss, own.loss);
  same("the optimizer", state.optimizer.name, own.optimizer.name);
  same(
    `the optimizer ${own.optimizer.name}`,
    JSON.stringify(state.optimizer.config),
    JSON.stringify(own.optimizer.config),
    "has other settings",
  );
  same("the number of training samples", state.data.samples, own.data.samples);
  same("the number of validation samples", state.data.validationSamples, own.data.validationSamples);
  same("batchSize", state.data.batchSize, own.data.batchSize);
  same("shuffle", state.data.shuffle, own.data.shuffle);
  for (const key of ["epoch", "batch"] as const) whole(key, state[key]);
  whole("optimizer.step", state.optimizer.step, 2 ** 32 - 1);
  whole("batch", state.batch, Math.ceil(own.data.samples / own.data.batchSize));
  const { learningRate } = state.optimizer;
  if (learningRate !== null && !(Number.isFinite(learningRate) && learningRate >= 0))
    throw new RangeError(`the state's learning rate is ${show(learningRate)}, expected a number >= 0`);
  if (!Array.isArray(state.sums) || state.sums.length !== own.sums.length)
    throw new RangeError(
      `the state has ${show(state.sums?.length)} sums of figures, expected ${own.sums.length}: compile with the metrics of the training that it is of`,
    );
  tensors("the weights", state.weights, own.weights);
  const { vectors } = state.optimizer;
  if (!Array.isArray(vectors) || vectors.length !== own.optimizer.vectors.length)
    throw new RangeError(
      `the state has ${show(vectors?.length)} vectors of the optimizer, expected ${own.optimizer.vectors.length}`,
    );
  for (const [i, vector] of vectors.entries())
    tensors(`vector ${i} of the optimizer`, vector, own.optimizer.vectors[i]!);
  if (!isObject(state.callbacks))
    throw new TypeError("the state has no callbacks, expected an object of their states");
}

/** @param differs how to say it where the values themselves are too long to be shown */
function same(what: string, got: unknown, expected: unknown, differs?: string): void {
  if (got === expected) return;
  throw new RangeError(
    differs
      ? `the state does not fit: ${what} ${differs} here than where it was taken. Build and compile as there`
      : `the state does not fit: ${what} was ${show(got)} where it was taken, and is ${show(expected)} here`,
  );
}

function whole(what: string, value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most)
    throw new RangeError(`the state's ${what} is ${show(value)}, expected a whole number from 0 to ${most}`);
}

function tensors(what: string, got: readonly NamedTensor[], expected: readonly NamedTensor[]): void {
  try {
    checkWeights(got, expected as never);
    const bad = got.find(({ data }) => !data.every(Number.isFinite));
    if (bad) throw new RangeError(`'${bad.name}' holds numbers that are not finite`);
  } catch (error) {
    const { message } = error as Error;
    throw new RangeError(`the state does not fit: ${what}: ${message.replace(/^setWeights: /, "")}`, {
      cause: error,
    });
  }
}
