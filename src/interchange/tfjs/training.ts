// What a model is trained with, as TensorFlow.js has it in the trainingConfig of a model.json.

import { lossName } from "../../losses/names.ts";
import type { Metric } from "../../metrics/metric.ts";
import { OPTIMIZER_TABLES, type OptimizerName } from "../../optim/definitions.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { rateOf } from "../../optim/schedules/index.ts";
import { isObject, type Table } from "../../options/kinds.ts";
import { quoted, show } from "../../options/show.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { OptimizerSnapshot } from "../../train/training-state.ts";
import { writableLoss } from "../keras/losses.ts";
import { snake } from "../keras/names.ts";
import { type OptimizerVariable, writeState } from "../keras/optimizer-state.ts";
import type { WrittenLayer } from "../keras/write-model.ts";
import type { PortableModel, Warn } from "../portable.ts";

type Config = Readonly<Record<string, unknown>>;

/** Its optimizers: what it calls each, its options by their names here, and its vectors in its order, by Keras's names of them. */
interface Known {
  readonly className: string;
  readonly options: Readonly<Record<string, string>>;
  /** Undefined of one whose state it cannot take. */
  readonly vectors?: readonly (readonly [keras: string, own: string])[];
}

const ADAM: Known = {
  className: "Adam",
  options: { beta1: "beta1", beta2: "beta2", epsilon: "epsilon" },
  vectors: [
    ["momentum", "m"],
    ["velocity", "v"],
  ],
};
const KNOWN: Readonly<Record<string, Known>> = {
  sgd: { className: "SGD", options: {}, vectors: [] },
  momentum: {
    className: "Momentum",
    options: { momentum: "momentum", nesterov: "useNesterov" },
    vectors: [["momentum", "momentum"]],
  },
  adam: ADAM,
  rmsprop: {
    className: "RMSProp",
    // Its `centered` takes the root of numbers below 0.
    options: { rho: "decay", momentum: "momentum", epsilon: "epsilon" },
    vectors: [
      ["velocity", "rms"],
      ["momentum", "momentum"],
    ],
  },
  adagrad: {
    className: "Adagrad",
    options: { initialAccumulatorValue: "initialAccumulatorValue" },
    vectors: [["accumulator", "accumulator"]],
  },
  adadelta: {
    className: "Adadelta",
    options: { rho: "rho", epsilon: "epsilon" },
    vectors: [
      ["accumulated_grad", "accum_grad"],
      ["accumulated_delta_var", "accum_var"],
    ],
  },
  adamax: { className: "Adamax", options: { beta1: "beta1", beta2: "beta2", epsilon: "epsilon" } },
};

/** A trainingConfig with its optimizer as Keras has it; one that a converter kept of Keras's is so already. */
export function asKeras(config: unknown): unknown {
  const optimizer = isObject(config) ? config.optimizer_config : undefined;
  if (!isObject(optimizer) || !isObject(optimizer.config) || !("learningRate" in optimizer.config))
    return config;
  const { learningRate, useNesterov, decay, ...options } = optimizer.config;
  const rms = optimizer.class_name === "RMSProp";
  const own: Record<string, unknown> = {
    learning_rate: learningRate,
    ...(useNesterov !== undefined && { nesterov: useNesterov }),
    ...(decay !== undefined && { [rms ? "rho" : "decay"]: decay }),
  };
  for (const [key, value] of Object.entries(options))
    own[key.replace(/^beta(\d)$/, "beta_$1").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] =
      value;
  return { ...(config as Config), optimizer_config: { ...optimizer, config: own } };
}

/** Losses that it calls otherwise, and those that it lacks. */
const LOSS_NAMES: Readonly<Record<string, string>> = {
  logCosh: "logcosh",
  klDivergence: "kullback_leibler_divergence",
  cosineSimilarity: "cosine_proximity",
};
const LACKING = ["huber", "binaryFocalCrossentropy", "categoricalFocalCrossentropy"];
const METRICS: Readonly<Record<string, string>> = {
  accuracy: "accuracy",
  binaryAccuracy: "binary_accuracy",
  categoricalAccuracy: "categorical_accuracy",
  precision: "precision",
  meanSquaredError: "mse",
  meanAbsoluteError: "mae",
};

export interface WrittenTraining {
  readonly config: Config;
  /** What the optimizer keeps, in TensorFlow.js's order: the count of steps first. */
  readonly variables: readonly NamedTensor[];
}

/** Undefined where the loss is not known, or none that it has. What it lacks is told. */
export function writeTraining(
  { metadata, training = {} }: PortableModel,
  layers: readonly WrittenLayer[],
  warn: Warn,
): WrittenTraining | undefined {
  const loss = metadata.loss ?? training.loss;
  const lossWeights = metadata.loss === undefined ? training.lossWeights : metadata.lossWeights;
  if (loss === undefined) return undefined;
  const left = "how the model is trained is left out";
  if (!writableLoss(loss)) {
    warn(`the loss is code of one's own, which TensorFlow.js has none of: ${left}`);
    return undefined;
  }
  const one = typeof loss === "string" || "name" in loss;
  const each = (one ? [loss] : Object.values(loss)) as Parameters<typeof lossName>[0][];
  const lacking = each.find((own) => LACKING.includes(lossName(own)));
  if (lacking !== undefined) {
    warn(`TensorFlow.js has no loss ${lossName(lacking)}: ${left}`);
    return undefined;
  }
  const told = each.find((own) => typeof own === "object" && Object.keys(own).length > 1);
  if (told !== undefined) {
    warn(`losses of TensorFlow.js take no options, and ${lossName(told)} has some: ${left}`);
    return undefined;
  }
  if (lossWeights !== undefined && Object.values([lossWeights].flat()).some((weight) => weight !== 1))
    warn("TensorFlow.js reads no weights of losses: they are left out. Compile anew with lossWeights there");
  const name = (own: Parameters<typeof lossName>[0]) => LOSS_NAMES[lossName(own)] ?? snake(lossName(own));
  const { optimizer, state, metrics } = training;
  const written = optimizer && writeOptimizer(optimizer, state, warn);
  return {
    config: {
      loss: one
        ? name(each[0]!)
        : Array.isArray(loss)
          ? each.map(name)
          : Object.fromEntries(Object.entries(loss).map(([key, own]) => [key, name(own)])),
      metrics: metricsOf(
        metrics ?? (/crossentropy$/i.test(lossName(each[0]!)) && one ? ["accuracy"] : []),
        warn,
      ),
      optimizer_config: written?.config ?? {
        class_name: "Adam",
        config: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
      },
    },
    variables:
      written && state && state.step > 0 ? variablesOf(optimizer!, written, state, layers, warn) : [],
  };
}

function metricsOf(metrics: unknown, warn: Warn): readonly string[] {
  const all = [metrics]
    .flat(8)
    .flatMap((one) => (isObject(one) && !("name" in one) ? Object.values(one) : [one]));
  const names = (all.flat(8) as (string | Metric)[]).map((one) => {
    const { name, type = name, options = {} } = typeof one === "string" ? { name: one } : one;
    const known = METRICS[type];
    if (known === undefined || Object.values(options).some((value) => value !== 0.5))
      warn(`TensorFlow.js has no metric ${quoted(name)} as it is here: it is left out`);
    else return known;
    return undefined;
  });
  return [...new Set(names.filter((one) => one !== undefined))];
}

interface WrittenOptimizer {
  readonly known: Known;
  readonly config: Config;
  readonly rate: number;
}

function writeOptimizer(
  { name, options, update }: Optimizer,
  state: OptimizerSnapshot | undefined,
  warn: Warn,
): WrittenOptimizer | undefined {
  const own: Config = { ...options };
  const known = KNOWN[name === "sgd" && (own.momentum as number) > 0 ? "momentum" : name];
  if (update || !known) {
    warn(
      `TensorFlow.js has no optimizer ${show(name)} (it has ${Object.keys(KNOWN).join(", ")}): its Adam is written`,
    );
    return undefined;
  }
  const { learningRate } = options;
  const every = options.gradientAccumulationSteps ?? 1;
  const rate = state?.learningRate ?? rateOf(learningRate)(Math.floor((state?.step ?? 0) / every));
  if (typeof learningRate !== "number")
    warn(`TensorFlow.js has no schedules: the learning rate is written as it is now, ${rate}`);
  const table: Table = OPTIMIZER_TABLES[name as OptimizerName]();
  for (const [key, kind] of Object.entries(table)) {
    const usual = "default" in kind ? kind.default : undefined;
    const value = own[key];
    if (
      key === "learningRate" ||
      key in known.options ||
      value === undefined ||
      value === false ||
      value === usual
    )
      continue;
    warn(`TensorFlow.js's ${known.className} has no ${key}: it is left out`);
  }
  const config = Object.entries(known.options).map(([key, there]) => [there, own[key]]);
  return {
    known,
    rate,
    config: { class_name: known.className, config: { learningRate: rate, ...Object.fromEntries(config) } },
  };
}

/** All of one vector before all of the next. */
function variablesOf(
  optimizer: Optimizer,
  { known, rate }: WrittenOptimizer,
  state: OptimizerSnapshot,
  layers: readonly WrittenLayer[],
  warn: Warn,
): readonly NamedTensor[] {
  const keras = known.vectors && writeState(optimizer, state, layers, undefined, warn);
  // Of its Adamax TensorFlow.js reads none; of Momentum it keeps sums of gradients, which the rate is not in.
  if (!keras || (known.className === "Momentum" && rate === 0)) {
    warn("TensorFlow.js takes nothing of what this optimizer keeps: it begins anew");
    return [];
  }
  const scale = known.className === "Momentum" ? -1 / rate : 1;
  const ofVector = ([name, own]: readonly [string, string]) =>
    keras
      .filter(
        (
          variable,
        ): variable is OptimizerVariable & { value: { shape: readonly number[]; data: Float32Array } } =>
          variable.name.endsWith(`_${name}`) && !variable.name.endsWith("_gradient_accumulator"),
      )
      .map(({ name: called, value: { shape, data } }) => ({
        name: `${called.slice(0, -name.length - 1)}/${own}`,
        shape,
        data: scale === 1 ? data : data.map((number) => number * scale),
      }));
  const parameters = layers.flatMap(({ weights }) => weights.filter(({ trained }) => trained));
  // RMSProp has moments there whether it has momentum or not.
  const vectors = known.vectors!.map((vector) => {
    const found = ofVector(vector);
    const none = found.length === 0 && known.className === "RMSProp" && vector[0] === "momentum";
    return none
      ? parameters.map(({ tensor: { name, shape, data } }) => ({
          name: `${name}/${vector[1]}`,
          shape,
          data: new Float32Array(data.length),
        }))
      : found;
  });
  return [{ name: "iter", shape: [], data: Float32Array.of(state.step) }, ...vectors.flat()];
}
