// Metrics, as Keras's configs of trainings have them.

import {
  auc,
  binaryAccuracy,
  f1Score,
  precision,
  recall,
  topKCategoricalAccuracy,
} from "../../metrics/make.ts";
import { METRICS, type Metric, type MetricName } from "../../metrics/metric.ts";
import { isObject } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import type { Warn } from "../portable.ts";
import { camel, snake } from "./names.ts";
import { object, ownValue, type Version } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;
type One = MetricName | Metric;

/** Those with options, of their names here. */
const MAKERS: Readonly<Record<string, (options: object) => Metric>> = {
  topKCategoricalAccuracy,
  binaryAccuracy,
  precision,
  recall,
  f1Score,
  auc,
  sparseTopKCategoricalAccuracy: (options) => ({
    ...topKCategoricalAccuracy({ name: "sparseTopKCategoricalAccuracy", ...options }),
    type: "sparseTopKCategoricalAccuracy",
  }),
};
const CLASSES: Readonly<Record<string, string>> = { auc: "AUC", f1Score: "F1Score", meanIoU: "MeanIoU" };
const classOf = (name: string) => CLASSES[name] ?? name[0]!.toUpperCase() + name.slice(1);

const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
const SHORT: Readonly<Record<string, MetricName>> = {
  acc: "accuracy",
  mae: "meanAbsoluteError",
  mse: "meanSquaredError",
  rmse: "rootMeanSquaredError",
};
/** Of Keras's options those that say nothing here, or say what it does here whatever they are. */
const IGNORED = [
  "name",
  "dtype",
  "fn",
  "axis",
  "from_logits",
  "multi_label",
  "sparse_y_true",
  "sparse_y_pred",
];

interface Found {
  readonly one: One;
  /** Its name in the file, where it has one. */
  readonly called: string | undefined;
}

/** One metric; undefined of one that there is none of. */
function readOne(value: unknown, warn: Warn): Found | undefined {
  const own = isObject(value) ? value : {};
  const config: Config = isObject(own.config) ? own.config : {};
  // Keras 2 keeps functions so: {"class_name": "MeanMetricWrapper", "config": {"fn": "categorical_accuracy"}}.
  const given = [typeof value === "string" ? value : undefined, own.config, config.fn, own.class_name].find(
    (one) => typeof one === "string",
  ) as string | undefined;
  const wanted = bare(given ?? "");
  const name = ownValue(SHORT, wanted) ?? METRICS.find((one) => bare(one) === wanted);
  if (!name) {
    warn(
      `the file's metric ${show(given ?? value)} is none of those here (${METRICS.join(", ")}): it is left out`,
    );
    return undefined;
  }
  const called = typeof config.name === "string" ? config.name : undefined;
  // Keras counts equal ones: auc_1.
  const uncounted = bare((called ?? name).replace(/_\d+$/, ""));
  const named = uncounted !== bare(name) && ownValue(SHORT, uncounted) !== name;
  const maker = MAKERS[name];
  if (!maker) return { one: name, called };
  const { thresholds, top_k, class_id, ...others } = config;
  const options: Record<string, unknown> = {
    threshold: Array.isArray(thresholds) && thresholds.length === 1 ? thresholds[0] : thresholds,
    topK: top_k,
    classId: class_id,
    ...Object.fromEntries(
      Object.entries(others)
        .filter(([key]) => !IGNORED.includes(key) || (key === "multi_label" && name === "auc"))
        .map(([key, option]) => [camel(key), option]),
    ),
    ...(named && { name: called }),
  };
  return { one: withOptions(name, options, maker, warn), called };
}

/** With those of the options that it has here; what it lacks is told. */
function withOptions(name: MetricName, options: Config, maker: (options: object) => Metric, warn: Warn): One {
  const fitting: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    try {
      maker({ ...fitting, [key]: value });
      fitting[key] = value;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (value !== false && value !== 0)
        warn(`the metric ${name}'s ${snake(key)} is ${show(value)}, which it has not here: it is left out`);
    }
  }
  const made = maker(fitting);
  const plain = maker({});
  return JSON.stringify(made) === JSON.stringify(plain) ? name : made;
}

/** All of an output: Keras writes one as it is, or in a list. */
const listOf = (value: unknown) => (Array.isArray(value) ? value.flat(8) : [value ?? []].flat());

/**
 * What was reported of each output: of one a list, of several a list of lists; undefined where nothing was, or is here.
 * @param outputs their names in the file
 */
export function readMetrics(
  value: unknown,
  outputs: readonly string[],
  warn: Warn,
): readonly One[] | readonly (readonly One[])[] | undefined {
  const read = (given: unknown) =>
    listOf(given)
      .map((one) => readOne(one, warn))
      .filter((one) => one !== undefined);
  const byName = isObject(value) && typeof value.class_name !== "string" ? value : undefined;
  if (outputs.length === 1) {
    const all = read(byName ? Object.values(byName) : value);
    return all.length > 0 ? unequal(all, warn) : undefined;
  }
  const each = outputs.map((name, i) =>
    unequal(
      read(
        byName
          ? ownValue(byName, name)
          : Array.isArray(value) && value.length === outputs.length
            ? value[i]
            : value,
      ),
      warn,
    ),
  );
  return each.some((list) => list.length > 0) ? each : undefined;
}

/** Each figure once: two cannot have one name. Another one of a name that is taken has that of the file, where Keras counts them: auc_1. */
function unequal(all: readonly Found[], warn: Warn): readonly One[] {
  const named = new Map<string, One>();
  for (const { one, called } of all) {
    const name = typeof one === "string" ? one : one.name;
    const there = named.get(name);
    if (there === undefined) named.set(name, one);
    if (there === undefined || JSON.stringify(there) === JSON.stringify(one)) continue;
    const other = typeof one === "string" ? MAKERS[one]?.({ name: called }) : { ...one, name: called! };
    if (other && called !== undefined && !named.has(called)) named.set(called, other);
    else warn(`two of the file's metrics are called ${show(name)}: the second is left out`);
  }
  return [...named.values()];
}

/** Those that Keras has as functions, which it finds by their names. */
const FUNCTIONS = /Accuracy$|^accuracy$|^mean(Absolute|Squared)Error$|^cosineSimilarity$/;

function writeOne(
  metric: Pick<Metric, "name" | "type" | "options"> | MetricName,
  version: Version,
  warn: Warn,
) {
  const { name, type = name, options = {} } = typeof metric === "string" ? { name: metric } : metric;
  if (!METRICS.includes(type as MetricName)) {
    warn(`the metric ${show(name)} is code of one's own, which Keras has none of: it is left out`);
    return undefined;
  }
  if (type === "meanIoU") {
    warn("the metric meanIoU is left out: Keras's is told the number of classes. Compile anew with it there");
    return undefined;
  }
  if (FUNCTIONS.test(type) && Object.keys(options).length === 0 && name === type) return snake(type);
  const { threshold, ...others } = options;
  const config = {
    name: snake(name),
    ...Object.fromEntries(Object.entries(others).map(([key, value]) => [snake(key), value])),
    ...(threshold !== undefined && {
      [type === "precision" || type === "recall" ? "thresholds" : "threshold"]: threshold,
    }),
    ...(type === "f1Score" && options.average === undefined && { average: "macro" }),
  };
  return object("keras.metrics", classOf(type), config, version);
}

export function writeMetrics(metrics: readonly (MetricName | Metric)[], version: Version, warn: Warn) {
  return metrics.map((one) => writeOne(one, version, warn)).filter((one) => one !== undefined);
}
