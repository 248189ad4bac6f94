// What a model was trained with: Keras's compile_config, and training_config of .h5 files and of TensorFlow.js.

import { ModelError } from "../../compiler/errors.ts";
import type { Graph } from "../../compiler/graph.ts";
import { checkLoss } from "../../losses/check-loss.ts";
import { usualLoss } from "../../losses/usual-loss.ts";
import type { Metric, MetricName } from "../../metrics/metric.ts";
import { isObject } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import type { PortableModel, PortableTraining, Warn } from "../portable.ts";
import { readLoss, writableLoss, writeLoss } from "./losses.ts";
import { readMetrics, writeMetrics } from "./metrics.ts";
import { type OptimizerVariable, readState, writeState } from "./optimizer-state.ts";
import { readOptimizer, writeOptimizer } from "./optimizers.ts";
import type { FoundModel } from "./read-model.ts";
import { object, ownValue, type Version } from "./values.ts";
import type { FileArray } from "./weights.ts";
import type { WrittenLayer } from "./write-model.ts";

type Config = Readonly<Record<string, unknown>>;

interface ReadTraining {
  readonly metadata: Pick<ModelMetadata, "loss" | "lossWeights">;
  /** Undefined where the file says nothing of a training. */
  readonly training: PortableTraining | undefined;
}

/**
 * What there is of it here; where there is no loss, or another, the one that the model's outputs ask for, so that it compiles.
 * @param variables of the optimizer, where the file has them
 */
export function readTraining(
  config: unknown,
  found: FoundModel,
  warn: Warn,
  variables: () => readonly FileArray[] = () => [],
): ReadTraining {
  const { graph } = found;
  const told = isObject(config) ? config : {};
  const optimizer = readOptimizer(told.optimizer ?? told.optimizer_config, warn);
  const metrics = readMetrics(told.metrics, found.outputs, warn);
  const [weighted] = [told.weighted_metrics].flat(8).filter((one) => one !== null && one !== undefined);
  if (weighted !== undefined)
    warn("the file's weighted_metrics are left out: metrics count all samples alike here");
  const state = optimizer && readState(optimizer, variables(), found, warn);
  const { given, still } = inOrder(told.loss, found);
  const loss = readLoss(given, warn);
  const training = optimizer || metrics || told.loss ? { optimizer, metrics, state } : undefined;
  if (loss === undefined || !fits(loss, graph)) {
    const usual = graph.outputs.map((_, i) => usualLoss(graph, i));
    const instead = usual.length === 1 ? usual[0]! : usual;
    if (told.loss !== undefined && told.loss !== null) {
      const why = isNamed(given)
        ? `and its outputs are ${found.outputs.join(", ").slice(0, 60)}`
        : `which ${loss === undefined ? "there is none of here" : "these outputs cannot have here"}`;
      warn(
        `the file's loss is ${shown(told.loss)}, ${why}: in its place stands ${[instead].flat().join(", ")}`,
      );
    }
    return { metadata: { loss: instead }, training };
  }
  const own = readWeights(told.loss_weights, found.outputs, warn);
  const weights = still.includes(true)
    ? still.map((one, i) => (one ? 0 : ((own as number[] | undefined)?.[i] ?? 1)))
    : own;
  return { metadata: { loss, ...(weights !== undefined && { lossWeights: weights }) }, training };
}

/** Whether losses are told by names of outputs. */
const isNamed = (value: unknown): value is Config => isObject(value) && typeof value.class_name !== "string";

/**
 * A list or a record of losses in the order of the outputs. An output without one is not trained: it has its usual loss, which
 * weighs nothing.
 */
function inOrder(value: unknown, { outputs, graph }: FoundModel) {
  const byName = isNamed(value) ? value : undefined;
  const known = byName && Object.keys(byName).every((name) => outputs.includes(name));
  const list = known ? outputs.map((name) => ownValue(byName, name)) : value;
  const several = Array.isArray(list) && list.length === outputs.length && list.length > 1;
  if (!several) return { given: known ? (list as unknown[])[0] : value, still: [] as boolean[] };
  const still = list.map((one) => one === null || one === undefined);
  if (!still.includes(false)) return { given: undefined, still: [] as boolean[] };
  return { given: list.map((one, i) => (still[i] ? usualLoss(graph, i) : one)), still };
}

const MOST_SHOWN = 4;

function shown(loss: unknown): string {
  if (!isNamed(loss)) return shownOne(loss);
  const each = Object.entries(loss).map(([name, one]) => `${name.slice(0, 40)}: ${shownOne(one)}`);
  return `{ ${[...each.slice(0, MOST_SHOWN), ...(each.length > MOST_SHOWN ? ["…"] : [])].join(", ")} }`;
}

function shownOne(loss: unknown): string {
  const own = isObject(loss) ? loss : {};
  return show(typeof own.config === "string" ? own.config : (own.class_name ?? loss));
}

/** Whether the outputs have such losses: Keras trains some that make no sense. */
function fits(loss: NonNullable<ModelMetadata["loss"]>, graph: Graph): boolean {
  const one = typeof loss === "string" || "name" in loss;
  const each: readonly unknown[] = one ? graph.outputs.map(() => loss) : (loss as readonly unknown[]);
  if (each.length !== graph.outputs.length) return false;
  try {
    for (const [i, own] of each.entries()) checkLoss(own, graph, i);
    return true;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}

/** In the order of the outputs; what a record leaves out counts as it is. */
function readWeights(value: unknown, outputs: readonly string[], warn: Warn): ModelMetadata["lossWeights"] {
  if (value === undefined || value === null) return undefined;
  const list = isObject(value) ? outputs.map((name) => ownValue(value, name) ?? 1) : [value].flat();
  const known = !isObject(value) || Object.keys(value).every((name) => outputs.includes(name));
  if (known && list.length === outputs.length && list.every(Number.isFinite)) return list as number[];
  warn(
    `the file's loss_weights are no numbers for its outputs ${outputs.join(", ").slice(0, 60)}: they are left out`,
  );
  return undefined;
}

/** Losses of classes, of which accuracies are told. */
const OF_CLASSES = /crossentropy$/i;

interface WrittenTraining {
  readonly config: Config;
  /** What the optimizer keeps; undefined where it has done no step, or Keras has none of it. */
  readonly variables: readonly OptimizerVariable[] | undefined;
}

/** Keras's config of a training; undefined where the loss is not known. What Keras lacks is told. */
export function writeTraining(
  { metadata, training = {} }: PortableModel,
  layers: readonly WrittenLayer[],
  version: Version,
  warn: Warn,
): WrittenTraining | undefined {
  const loss = metadata.loss ?? training.loss;
  const lossWeights = metadata.loss === undefined ? training.lossWeights : metadata.lossWeights;
  if (loss === undefined) return undefined;
  if (!writableLoss(loss)) {
    warn("the loss is code of one's own, which Keras has none of: how the model is trained is left out");
    return undefined;
  }
  const { optimizer, state, metrics } = training;
  const { step = 0, learningRate } = state ?? {};
  const every = optimizer?.options.gradientAccumulationSteps ?? 1;
  const done = { updates: Math.floor(step / every), rate: learningRate };
  const written = optimizer && writeOptimizer(optimizer, done, version, warn);
  const one = typeof loss === "string" ? loss : "name" in loss ? String(loss.name) : "";
  const usual = OF_CLASSES.test(one) ? ["accuracy"] : null;
  const config = {
    optimizer: written?.object ?? object("keras.optimizers", "Adam", { learning_rate: 0.001 }, version),
    loss: writeLoss(loss, version),
    loss_weights: lossWeights ?? null,
    metrics: metrics === undefined ? usual : metricsOf(metrics, version, warn),
    weighted_metrics: null,
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
  const rate = written?.constant ? (written.config.learning_rate as number) : undefined;
  return {
    config,
    variables: written && state && step > 0 ? writeState(optimizer!, state, layers, rate, warn) : undefined,
  };
}

type Given = NonNullable<PortableTraining["metrics"]>;

/** A list, or of several outputs a list of lists or a record of them. */
function metricsOf(metrics: Given, version: Version, warn: Warn): unknown {
  const write = (list: unknown) => writeMetrics(list as readonly (MetricName | Metric)[], version, warn);
  if (!Array.isArray(metrics))
    return Object.fromEntries(Object.entries(metrics).map(([name, list]) => [name, write(list)]));
  if (metrics.some(Array.isArray)) return metrics.map(write);
  const all = write(metrics);
  return all.length > 0 ? all : null;
}
