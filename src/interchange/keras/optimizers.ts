// Optimizers with all their options, as Keras's configs of trainings have them.

import { createOptimizer } from "../../optim/create.ts";
import {
  type AnyOptimizerOptions,
  OPTIMIZER_TABLES,
  OPTIMIZERS,
  type OptimizerName,
} from "../../optim/definitions.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { rateOf } from "../../optim/schedules/index.ts";
import { isObject, type Table } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import type { Warn } from "../portable.ts";
import { snake } from "./names.ts";
import { readSchedule, writeSchedule } from "./schedules.ts";
import { object, type Version } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;

const CLASSES: Readonly<Record<OptimizerName, string>> = {
  sgd: "SGD",
  rmsprop: "RMSprop",
  adam: "Adam",
  adamw: "AdamW",
  adagrad: "Adagrad",
  adadelta: "Adadelta",
  adamax: "Adamax",
  nadam: "Nadam",
  lion: "Lion",
};

/** Options that Keras writes otherwise than in snake_case. */
const NAMES: Readonly<Record<string, string>> = {
  beta1: "beta_1",
  beta2: "beta_2",
  clipNorm: "clipnorm",
  globalClipNorm: "global_clipnorm",
  clipValue: "clipvalue",
};
const nameOf = (key: string) => NAMES[key] ?? snake(key);

/** What Keras's files have no place for. */
const UNWRITTEN = "excludeFromWeightDecay";
/** Options of Keras 3 alone. */
const OF_THREE = "gradientAccumulationSteps";
/** Options of an average that are there without one, too. */
const OF_AVERAGE = ["emaMomentum", "emaOverwriteFrequency"];

/** Options of Keras's that change no result. */
const IGNORED = [
  "name",
  "jit_compile",
  "is_legacy_optimizer",
  "loss_scale_factor",
  "ema_momentum",
  "foreach",
];

const bare = (name: string) =>
  name
    .replace(/^.*>/, "")
    .toLowerCase()
    .replace(/[^a-z]/g, "");

/** The class of an optimizer and its options; an optimizer in one that scales losses is that optimizer. */
function partsOf(value: unknown): { called: string; config: Config } | undefined {
  if (typeof value === "string") return { called: value, config: {} };
  if (!isObject(value) || typeof value.class_name !== "string") return undefined;
  const config = isObject(value.config) ? value.config : {};
  const inner = config.inner_optimizer;
  return isObject(inner) && isObject(inner.config)
    ? { called: String(inner.class_name), config: inner.config }
    : { called: value.class_name, config };
}

/** A number of 32 bits as people write it: 0.001 in place of 0.0010000000474974513. */
export function plainNumber(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(value) === value && Math.fround(short) === value ? short : value;
}

/** The optimizer of a config; undefined where there is none of its name. What is left out is told. */
export function readOptimizer(value: unknown, warn: Warn): Optimizer | undefined {
  const found = partsOf(value);
  if (!found) return undefined;
  const { called, config } = found;
  const own = bare(called);
  const name = OPTIMIZERS.find((one) => one === own) ?? (own === "momentum" ? "sgd" : undefined);
  if (!name) {
    warn(
      `the file's optimizer is ${show(called)}, which there is none of here (there are ${OPTIMIZERS.join(", ")}): it is left out`,
    );
    return undefined;
  }
  const table: Table = OPTIMIZER_TABLES[name]();
  const options: Record<string, unknown> = {};
  const known = new Set([...IGNORED, "lr", "decay"]);
  for (const [key, kind] of Object.entries(table)) {
    const there = nameOf(key);
    known.add(there);
    const given = config[there] ?? (key === "learningRate" ? config.lr : undefined);
    if (given === undefined || given === null || (key.startsWith("clip") && given === 0)) continue;
    if (OF_AVERAGE.includes(key) && config.use_ema !== true) continue;
    const read =
      key === "learningRate"
        ? rateFrom(given, config)
        : typeof given === "number"
          ? plainNumber(given)
          : given;
    if (read !== undefined && kind.accepts(read)) options[key] = read;
    else
      warn(
        `the optimizer's ${there} is ${show(isObject(given) ? (given.class_name ?? given) : given)}, which is no ${key} of ${name}() here: it has its default`,
      );
  }
  for (const [key, other] of Object.entries(config))
    if (!known.has(key) && other !== null && other !== undefined && other !== false && other !== 0)
      warn(
        `the optimizer's ${key.slice(0, 60)} is ${show(other)}, which ${name}() has not here: it is left out`,
      );
  const [, ...clips] = Object.keys(options).filter((key) => /clip/i.test(key));
  for (const key of clips) {
    warn(`the optimizer clips in several ways, and ${name}() in one: ${nameOf(key)} is left out`);
    delete options[key];
  }
  return createOptimizer(name, options as AnyOptimizerOptions);
}

/** A rate, or a schedule; with the decay that optimizers of old had of their own. */
function rateFrom(value: unknown, { decay }: Config): unknown {
  if (typeof value !== "number") return isObject(value) ? readSchedule(value) : undefined;
  const rate = plainNumber(value);
  if (typeof decay !== "number" || decay === 0) return rate;
  const config = { initial_learning_rate: rate, decay_steps: 1, decay_rate: plainNumber(decay) };
  return readSchedule({ class_name: "InverseTimeDecay", config });
}

export interface WrittenOptimizer {
  readonly className: string;
  readonly config: Config;
  /** As an object of Keras's. */
  readonly object: Config;
  /** Whether its rate is a number, which is among its variables then. */
  readonly constant: boolean;
}

/**
 * Undefined of one that its user wrote, of which Keras knows nothing. What Keras lacks is told.
 * @param updates how many it has done: the rate of a schedule that Keras has none of is that of now
 */
export function writeOptimizer(
  { name, options, update }: Optimizer,
  { updates = 0, rate }: { readonly updates?: number; readonly rate?: number | undefined },
  version: Version,
  warn: Warn,
): WrittenOptimizer | undefined {
  const className = CLASSES[name as OptimizerName];
  if (update || className === undefined) {
    warn(`the optimizer ${show(name)} is code of one's own, which Keras has none of: its Adam is written`);
    return undefined;
  }
  const own: Config = { ...options };
  const config: Record<string, unknown> = { name };
  for (const key of Object.keys(OPTIMIZER_TABLES[name as OptimizerName]())) {
    const value = own[key];
    if (key === UNWRITTEN) {
      if (value !== undefined)
        warn(
          `Keras's files have no place for excludeFromWeightDecay: all parameters decay there. Write before training: model.optimizer.exclude_from_weight_decay(var_names=${JSON.stringify(value)})`,
        );
    } else if (key === OF_THREE) {
      const several = value !== undefined && value !== 1;
      if (several && version === 2)
        warn(
          `Keras 2 has no gradientAccumulationSteps: it is left out of the file. Write: kerasVersion: 3 (--keras-version 3)`,
        );
      if (version === 3) config[nameOf(key)] = several ? value : null;
    } else if (key === "learningRate") config.learning_rate = null;
    else if (key === "weightDecay") config.weight_decay = value === 0 && name !== "adamw" ? null : value;
    else if (key === "useEma") config.use_ema = value === true;
    else config[nameOf(key)] = value ?? (key === "emaMomentum" ? 0.99 : null);
  }
  if (version === 3) config.loss_scale_factor = null;
  const now = rate ?? rateOf(options.learningRate)(updates);
  const written = rate ?? writeSchedule(options.learningRate);
  if (written === undefined)
    warn(
      `Keras has no ${typeof options.learningRate === "object" ? options.learningRate.name : "rate that is a function"}: the learning rate is written as it is now, ${now}`,
    );
  config.learning_rate = written ?? now;
  if (typeof written === "object" && version === 3 && config.gradient_accumulation_steps)
    warn(
      "Keras's schedules count batches, where gradients are accumulated, and not updates: the rate changes sooner there",
    );
  return {
    className,
    config,
    object: object("keras.optimizers", className, config, version),
    constant: typeof (written ?? now) === "number",
  };
}
