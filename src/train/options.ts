// What compile, fit, evaluate, predict, saveModel and createTrainer take: for callers whom no compiler told.

import { ModelError } from "../compiler/errors.ts";
import { BACKEND_NAMES, MAX_THREADS, type WasmSource } from "../engine/kernels.ts";
import { DEFAULT_MAX_MEMORY, LEAST_MEMORY, MOST_MEMORY } from "../engine/memory-sizes.ts";
import { COMMON, type Layer } from "../model/layers/layer.ts";
import { isSymbolic } from "../model/symbolic.ts";
import { OPTIMIZERS, type OptimizerName } from "../optim/definitions.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { type Checked, optionProblem } from "../options/check.ts";
import {
  flag,
  group,
  isObject,
  isOptions,
  oneOf,
  signal,
  some,
  type TableOf,
  text,
  whole,
} from "../options/kinds.ts";
import { adviceOn, nearest } from "../options/names.ts";
import { show, written } from "../options/show.ts";
import type { Callbacks, Hooks } from "./callbacks.ts";
import type { CompileOptions } from "./compiled-options.ts";
import type { EvaluateOptions, PredictOptions } from "./evaluate.ts";
import type { ClassWeight, FitOptions } from "./fit.ts";
import type { LoadOptions } from "./model-entries.ts";
import type { Samples } from "./samples.ts";
import type { TrainingState } from "./training-state.ts";
import type { ValidationSource } from "./validation.ts";

const anything = () => some<never>("anything", () => true);
const batchSize = () => ({ ...whole(), example: 32 });
const memory = () => ({ ...whole(LEAST_MEMORY, MOST_MEMORY), example: DEFAULT_MAX_MEMORY });
const finite = () => some<number>("a finite number", Number.isFinite, 1);
const share = (expected: string, most: (value: number) => boolean) =>
  some<number>(expected, (value) => typeof value === "number" && value >= 0 && most(value), 0.2);

/** Also what createTrainer() takes, beside workerUrl. */
export const compileTable = (): TableOf<CompileOptions> => ({
  optimizer: {
    ...some<Optimizer | OptimizerName>(
      `an optimizer such as adam(), or one of ${OPTIMIZERS.join(", ")}`,
      (value) =>
        OPTIMIZERS.includes(value as OptimizerName) ||
        (isObject(value) && typeof value.stateVectors === "number"),
      "adam",
    ),
    names: OPTIMIZERS,
  },
  // checkCompile() looks into these, which are usual in most pages: see outputs.ts.
  loss: anything(),
  lossWeights: anything(),
  metrics: anything(),
  backend: oneOf(BACKEND_NAMES),
  threads: whole(1, MAX_THREADS),
  wasm: some<WasmSource>(
    "a URL, bytes, or a WebAssembly.Module",
    (value) => typeof value === "string" || isObject(value),
  ),
  maxMemory: memory(),
  seed: whole(0),
  weights: { ...oneOf(["loaded", "new"]), expected: '"loaded" or "new"; setWeights() takes tensors' },
  preprocessing: group<NonNullable<CompileOptions["preprocessing"]>>({ scale: finite(), offset: finite() }),
});

export const SEQUENTIAL: Checked = {
  call: "sequential(layers, *)",
  table: () => ({ name: text }),
};
export const LOAD_MODEL: Checked = {
  call: "loadModel(file, *)",
  table: (): TableOf<LoadOptions> => ({ maxMemory: memory() }),
};
export const COMPILE: Checked = { call: "model.compile(*)", table: compileTable };

/** Also what a run takes. */
export const classWeight = () =>
  some<ClassWeight>(
    'weights by class such as { 0: 1, 1: 5 }, or "balanced"',
    (value) =>
      value === "balanced" || (isOptions(value) && Object.values(value as object).every(Number.isFinite)),
    "balanced",
  );
const sampleWeight = () =>
  some<NonNullable<FitOptions["sampleWeight"]>>(
    "numbers, one a sample",
    (value) => typeof value === "object",
  );
const samplesKind = () => some<Samples>("samples: { images, shape, count } with labels or targets", isObject);

/** Where labels are given as others' functions take them: fit(images, labels). */
const LISTS = "labels go into samples: { images, labels, count, shape }";

export const FIT: Checked = {
  call: "model.fit(train, *)",
  lists: LISTS,
  table: (): TableOf<FitOptions> => ({
    epochs: { ...whole(), example: 10 },
    batchSize: batchSize(),
    validationSplit: share("a number from 0 to below 1", (value) => value < 1),
    validationFrom: oneOf<ValidationSource>(["last", "stratified", "shuffled"]),
    validationData: samplesKind(),
    sampleWeight: sampleWeight(),
    classWeight: classWeight(),
    shuffle: flag,
    initialEpoch: whole(0),
    restoreBestWeights: { ...text, example: "val_accuracy" },
    callbacks: {
      ...some<Callbacks | readonly Callbacks[]>(
        "an object such as { onEpochEnd(info, logs) { … } }, or a list of them",
        (value) => isObject(value) || (Array.isArray(value) && value.every(isObject)),
      ),
      problem: callbacksProblem,
    },
    initialState: some<TrainingState>("a state", isObject),
    signal,
  }),
};

const predictTable = (): TableOf<PredictOptions> => ({ batchSize: batchSize(), signal });
export const EVALUATE: Checked = {
  call: "model.evaluate(test, *)",
  lists: LISTS,
  table: (): TableOf<EvaluateOptions> => ({ ...predictTable(), sampleWeight: sampleWeight() }),
};
export const PREDICT: Checked = { call: "model.predict(images, *)", table: predictTable };

const HOOKS: Readonly<Record<keyof Hooks, string>> = {
  onWarning: "text",
  onTrainBegin: "info",
  onEpochBegin: "epoch",
  onBatchEnd: "info, logs",
  onEpochEnd: "info, logs",
  onTrainEnd: "history",
};

/** A function whose name says that it is to be called back, by a name that nobody calls; or what is no function. */
function callbacksProblem(callbacks: Callbacks | readonly Callbacks[]): string | undefined {
  const names = Object.keys(HOOKS);
  for (const callback of ([] as Callbacks[]).concat(callbacks))
    for (const key of keysOf(callback)) {
      const value = (callback as Record<string, unknown>)[key];
      const known = Object.hasOwn(HOOKS, key);
      if (value === undefined || (known && typeof value === "function")) continue;
      const near = nearest(key, names);
      // Callbacks may have fields and helpers of their own.
      if (!known && (typeof value !== "function" || (near === undefined && !/^on[_A-Z]/.test(key)))) continue;
      const hook = (known ? key : (near ?? "onEpochEnd")) as keyof Hooks;
      const wrong = known
        ? `${key} is ${show(value)}, expected a function`
        : `no callback is called ${show(key)}: ${adviceOn(key, names)}`;
      return `${wrong}${wrong.endsWith("?") ? "" : "."} Write: { ${hook}(${HOOKS[hook]}) { … } }`;
    }
  return undefined;
}

/** Own names, and those of the methods of its class. */
function keysOf(object: object): string[] {
  const prototype = Object.getPrototypeOf(object);
  const inherited = prototype && prototype !== Object.prototype ? keysOf(prototype) : [];
  return [...Object.getOwnPropertyNames(object), ...inherited].filter((key) => key !== "constructor");
}

/** For callers whom no compiler told. Throws ModelError unless it is a list of layers. */
export function checkLayers(layers: readonly Layer[]): void {
  if (!Array.isArray(layers))
    throw new ModelError(
      `got ${show(layers)}, expected a list. Write: sequential([flatten(), dense({ units: 10 })])`,
    );
  for (const [i, layer] of layers.entries()) {
    if (typeof layer?.lower === "function") {
      // Layers made by hand, or changed: those of layer functions were checked there.
      const { name, inputShape } = layer;
      const problem = optionProblem(COMMON, { name, inputShape }, written);
      if (problem !== undefined) throw new ModelError(`layer ${i + 1}: ${problem}`);
      continue;
    }
    if (isSymbolic(layer))
      throw new ModelError(
        `layer ${i + 1} is a tensor, expected a layer: give the first one inputShape, or use model({ inputs, outputs })`,
      );
    const meant =
      typeof layer === "function" ? `. Write: ${(layer as { name: string }).name}()` : " such as flatten()";
    const config = typeof layer?.type === "string" ? "; layersFromConfig() makes layers of plain data" : "";
    throw new ModelError(
      `layer ${i + 1} is ${show(layer)}, expected what a layer function gives${meant}${config}`,
    );
  }
}
