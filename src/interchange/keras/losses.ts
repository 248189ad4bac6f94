// Losses, as Keras's configs of trainings have them.

import { LOSSES, type LossData, type LossName } from "../../losses/names.ts";
import { lossProblem } from "../../losses/options.ts";
import { isObject } from "../../options/kinds.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import { camel, snake } from "./names.ts";
import { object, type Version } from "./values.ts";

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
};
const OPTIONS = ["from_logits", "label_smoothing", "alpha", "gamma", "delta", "apply_class_balancing"];
const DEFAULTS: Config = { from_logits: false, label_smoothing: 0, apply_class_balancing: false };

/** One loss; undefined of one that there is none of. */
function oneLoss(value: unknown): LossName | LossData | undefined {
  const own = isObject(value) ? value : {};
  const given =
    typeof value === "string" ? value : typeof own.config === "string" ? own.config : own.class_name;
  if (typeof given !== "string") return undefined;
  const wanted = bare(given);
  const name = SHORT[wanted] ?? LOSSES.find((loss) => bare(loss) === wanted);
  if (!name) return undefined;
  const config: Config = isObject(own.config) ? own.config : {};
  const options = OPTIONS.filter(
    (key) => config[key] !== undefined && config[key] !== null && config[key] !== DEFAULTS[key],
  ).map((key) => [camel(key), config[key]]);
  if (options.length === 0) return name;
  const data = { name, ...Object.fromEntries(options) } as LossData;
  return lossProblem(data) === undefined ? data : undefined;
}

/** What a model was trained with, of its losses what there is here: one, a list, or by the names of outputs. */
export function readLoss(value: unknown): Losses | undefined {
  if (Array.isArray(value)) {
    const list = value.map(oneLoss);
    if (list.length === 0 || list.includes(undefined)) return undefined;
    return (list.length === 1 ? list[0] : list) as Losses;
  }
  if (!isObject(value) || typeof value.class_name === "string") return oneLoss(value);
  const entries = Object.entries(value).map(([key, loss]) => [key, oneLoss(loss)] as const);
  if (entries.length === 0 || entries.some(([, loss]) => loss === undefined)) return undefined;
  return Object.fromEntries(entries) as Losses;
}

const CLASSES: Readonly<Record<string, string>> = { klDivergence: "KLDivergence" };

function writeOne(loss: LossName | LossData, version: Version): unknown {
  if (typeof loss === "string") return snake(loss);
  const { name, ...options } = loss;
  if (Object.keys(options).length === 0) return snake(name);
  const config = Object.fromEntries(Object.entries(options).map(([key, value]) => [snake(key), value]));
  return object("keras.losses", CLASSES[name] ?? name[0]!.toUpperCase() + name.slice(1), config, version);
}

export function writeLoss(loss: Losses, version: Version): unknown {
  if (typeof loss === "string" || "name" in loss) return writeOne(loss as LossName | LossData, version);
  if (Array.isArray(loss)) return loss.map((one: LossName) => writeOne(one, version));
  return Object.fromEntries(Object.entries(loss).map(([key, one]) => [key, writeOne(one, version)]));
}
