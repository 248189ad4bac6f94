// Losses, as Keras's configs of trainings have them.

import { isBuiltInLoss, LOSSES, type LossData, type LossName } from "../../losses/names.ts";
import { lossProblem } from "../../losses/options.ts";
import { isObject } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import type { CompileOptions } from "../../train/compiled-options.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import type { Warn } from "../portable.ts";
import { camel, snake } from "./names.ts";
import { object, ownValue, type Version } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;
type Losses = NonNullable<ModelMetadata["loss"]>;

const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
const SHORT: Readonly<Record<string, LossName>> = {
  mse: "meanSquaredError",
  mae: "meanAbsoluteError",
  mape: "meanAbsolutePercentageError",
  msle: "meanSquaredLogarithmicError",
  bce: "binaryCrossentropy",
  kld: "klDivergence",
  kullbackleiblerdivergence: "klDivergence",
  huberloss: "huber",
  cosineproximity: "cosineSimilarity",
};
const OPTIONS = ["from_logits", "label_smoothing", "alpha", "gamma", "delta", "apply_class_balancing"];
const DEFAULTS: Config = { from_logits: false, label_smoothing: 0, apply_class_balancing: false };
/** What Keras says of losses that is here as it is by default there; old names of it, too. */
const USUAL: Readonly<Record<string, readonly unknown[]>> = {
  reduction: ["sum_over_batch_size", "auto"],
  axis: [-1],
  ignore_class: [null],
};

/** One loss; undefined of one that there is none of. */
function oneLoss(value: unknown, warn: Warn): LossName | LossData | undefined {
  const own = isObject(value) ? value : {};
  const given =
    typeof value === "string" ? value : typeof own.config === "string" ? own.config : own.class_name;
  if (typeof given !== "string") return undefined;
  const wanted = bare(given);
  const name = ownValue(SHORT, wanted) ?? LOSSES.find((loss) => bare(loss) === wanted);
  if (!name) return undefined;
  const config: Config = isObject(own.config) ? own.config : {};
  for (const [key, usual] of Object.entries(USUAL))
    if (config[key] !== undefined && !usual.includes(config[key]))
      warn(
        `the loss ${name}'s ${key} is ${show(config[key])}, which it has not here: it is ${show(usual[0])}`,
      );
  const options = OPTIONS.filter(
    (key) => config[key] !== undefined && config[key] !== null && config[key] !== DEFAULTS[key],
  ).map((key) => [camel(key), config[key]]);
  if (options.length === 0) return name;
  const data = { name, ...Object.fromEntries(options) } as LossData;
  return lossProblem(data) === undefined ? data : undefined;
}

/** What a model was trained with, of its losses what there is here: one, or a list. */
export function readLoss(value: unknown, warn: Warn): Losses | undefined {
  if (Array.isArray(value)) {
    const list = value.map((one) => oneLoss(one, warn));
    if (list.length === 0 || list.includes(undefined)) return undefined;
    return (list.length === 1 ? list[0] : list) as Losses;
  }
  return oneLoss(value, warn);
}

const CLASSES: Readonly<Record<string, string>> = { klDivergence: "KLDivergence" };

function writeOne(loss: LossName | LossData, version: Version): unknown {
  if (typeof loss === "string") return snake(loss);
  const { name, ...options } = loss;
  if (Object.keys(options).length === 0) return snake(name);
  const config = Object.fromEntries(Object.entries(options).map(([key, value]) => [snake(key), value]));
  return object("keras.losses", CLASSES[name] ?? name[0]!.toUpperCase() + name.slice(1), config, version);
}

/** Whether all of them are losses of here, not code of one's own. */
export function writableLoss(loss: NonNullable<CompileOptions["loss"]>): loss is Losses {
  const each = isBuiltInLoss(loss) ? [loss] : Object.values(loss);
  return each.every((one) => isBuiltInLoss(one) && !(isObject(one) && "compute" in one));
}

export function writeLoss(loss: Losses, version: Version): unknown {
  if (typeof loss === "string" || "name" in loss) return writeOne(loss as LossName | LossData, version);
  if (Array.isArray(loss)) return loss.map((one: LossName) => writeOne(one, version));
  return Object.fromEntries(Object.entries(loss).map(([key, one]) => [key, writeOne(one, version)]));
}
