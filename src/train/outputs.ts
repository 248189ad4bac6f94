import { ModelError } from "../compiler/errors.ts";
import type { Graph } from "../compiler/graph.ts";
import { preprocessingProblem } from "../compiler/preprocessing.ts";
import { checkLoss } from "../losses/check-loss.ts";
import { defaultMetrics, lossDefinition } from "../losses/index.ts";
import type { Loss } from "../losses/loss.ts";
import { isBuiltInLoss, LOSSES, type LossData, type LossName } from "../losses/names.ts";
import { usualLoss } from "../losses/usual-loss.ts";
import type { Metric, MetricName } from "../metrics/metric.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { isObject, isOptions, some, type TableOf } from "../options/kinds.ts";
import { show, written } from "../options/show.ts";
import {
  type CompileOptions,
  type Loaded,
  lossOf,
  type OutputOptions,
  preprocessingOf,
} from "./compiled-options.ts";
import type { Port } from "./samples.ts";

/** What outputsOf() looks into: a list, or a record. */
export const isOfEach = (value: unknown) =>
  (Array.isArray(value) || isOptions(value)) && Object.keys(value).length > 0;

/** @param each whether a value in a list or a record fits: what is wrong there outputsOf() says at more length */
export const lossWeights = (each: (value: unknown) => boolean = () => true) =>
  some<NonNullable<CompileOptions["lossWeights"]>>(
    "a number, a list, or a record by the names of outputs",
    (value) => Number.isFinite(value) || (isOfEach(value) && Object.values(value as object).every(each)),
    1,
  );

/** A list of metrics' names, and of what defineMetric() or a metric's function gave. */
function isMetrics(value: unknown): value is readonly (MetricName | Metric)[] {
  return (
    Array.isArray(value) &&
    value.every((metric) => typeof metric === "string" || !!(metric?.update ?? metric?.type))
  );
}

/** A loss by name, as plain data with its name and options, or what defineLoss() gave. */
function isLoss(value: unknown): value is LossName | LossData | Loss {
  return isBuiltInLoss(value) || (isObject(value) && typeof value.compute === "function");
}

/** What compile() and createTrainer() are told of a model's outputs. */
const outputsTable = (): Pick<TableOf<CompileOptions>, "loss" | "lossWeights" | "metrics"> => ({
  loss: {
    ...some<NonNullable<CompileOptions["loss"]>>(
      `one of ${LOSSES.join(", ")}, { name, … } with options of it, or what defineLoss() gave`,
      (value) => isLoss(value) || isOfEach(value),
      LOSSES[0],
    ),
    names: LOSSES,
  },
  lossWeights: lossWeights(),
  metrics: some<NonNullable<CompileOptions["metrics"]>>(
    "a list of metrics' names and of what defineMetric() gave",
    (value) =>
      isMetrics(value) ||
      (isOfEach(value) && (!Array.isArray(value) || value.every(Array.isArray)) && !isMetrics([value])),
    ["accuracy"],
  ),
});

/**
 * Throws where an option is wrong, a loss or a preprocessing does not fit the model, or each other's ranges. Gives the losses by output.
 * @param checked what those options are checked by that usualOutputs() has not looked into
 */
export function checkCompile(
  model: { graph: Graph; outputs: readonly Port[]; loaded: Loaded | undefined },
  options: Pick<CompileOptions, "loss" | "lossWeights" | "metrics" | "preprocessing">,
  { call, table }: Checked,
): OutputOptions[] {
  const others = typeof table === "function" ? table() : table;
  checkOptions({ call, table: { ...others, ...outputsTable() } }, options);
  const problem = preprocessingProblem(preprocessingOf(model.loaded, options.preprocessing));
  if (problem) throw new RangeError(`preprocessing: ${problem}`);
  return outputsOf(model, options);
}

/**
 * What is to be lost at each output, from a loss for all, a list in the order of the outputs, or a record by their names; and
 * so for the weights and the metrics, whose names are not looked at. Throws ModelError where one is missing, of no output, or
 * does not fit its output.
 */
function outputsOf(
  { graph, outputs, loaded }: { graph: Graph; outputs: readonly Port[]; loaded: Loaded | undefined },
  options: Pick<CompileOptions, "loss" | "lossWeights" | "metrics">,
): OutputOptions[] {
  const names = outputs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new ModelError(
      'is an output twice, expected each once; give one through a layer more. Write: activation({ activation: "linear" }).apply(y)',
      twice,
    );
  const losses = forEach<LossName | LossData | Loss>(
    "loss",
    lossOf(loaded, options.loss),
    names,
    isLoss,
    (i) => usualLoss(graph, i),
  );
  const given = options.lossWeights ?? loaded?.lossWeights ?? 1;
  const weights = forEach<number>("lossWeights", given, names, Number.isFinite, () => 1);
  for (const [i, loss] of losses.entries()) checkLoss(loss, graph, i);
  const usual = (i: number) => defaultMetrics(lossDefinition(losses[i]!)!);
  const metrics = forEach<readonly (string | Metric)[]>(
    "metrics",
    options.metrics ?? {},
    names,
    isMetrics,
    usual,
  );
  return names.map((name, i) => ({
    name,
    loss: losses[i]!,
    weight: weights[i]!,
    metrics: metrics[i]!,
    allKernels: lossDefinition(losses[i]!)!.allKernels,
  }));
}

const EXPECTED = {
  loss: `one of ${LOSSES.join(", ")}, { name, … } with options of it, or what defineLoss() gave`,
  lossWeights: "a finite number",
  metrics: "a list of metrics' names and of what defineMetric() gave",
};

/** Whether a message can write it out: not a list of objects. */
const isShown = (value: unknown) => !(Array.isArray(value) && value.some(isObject));

/** @param usual what a message shows for an output; but of losses also what goes for those that a record leaves out */
function forEach<T>(
  option: keyof typeof EXPECTED,
  given: unknown,
  names: readonly string[],
  fits: (value: unknown) => boolean,
  usual: (i: number) => T,
): T[] {
  if (fits(given)) return names.map(() => given as T);
  const listed = Array.isArray(given);
  const values: unknown[] = listed ? given : names.map((name) => (given as Record<string, unknown>)[name]);
  const right = names.map((name, i) => [name, fits(values[i]) && isShown(values[i]) ? values[i] : usual(i)]);
  const line = `. Write: ${option}: ${written(Object.fromEntries(right))}`;
  if (listed && given.length !== names.length)
    throw new ModelError(`${option} is a list of ${given.length}, expected one for each output${line}`);
  const unknown = listed ? undefined : Object.keys(given as object).find((key) => !names.includes(key));
  if (unknown !== undefined)
    throw new ModelError(
      `${option}: no output is called ${show(unknown)}, expected ${names.join(", ")}${line}`,
    );
  return values.map((value, i) => {
    if (fits(value)) return value as T;
    if (value === undefined && option !== "loss" && !listed) return usual(i);
    throw new ModelError(
      `${option} of output ${show(names[i])} is ${value === undefined ? "missing" : show(value)}, expected ${EXPECTED[option]}${line}`,
    );
  });
}
