// What a model was trained with: Keras's compile_config, and training_config of .h5 files.

import type { Graph } from "../../compiler/graph.ts";
import { usualLoss } from "../../losses/usual-loss.ts";
import { isObject } from "../../options/kinds.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import { readLoss, writeLoss } from "./losses.ts";
import { object, type Version } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;

/** What there is of it here; where there is no loss, or another, the one that the model's outputs ask for, so that it compiles. */
export function readTraining(config: unknown, graph: Graph): Pick<ModelMetadata, "loss" | "lossWeights"> {
  const told = isObject(config) ? config : {};
  const loss = readLoss(told.loss);
  if (loss === undefined || (Array.isArray(loss) && loss.length !== graph.outputs.length)) {
    const usual = graph.outputs.map((_, i) => usualLoss(graph, i));
    return { loss: usual.length === 1 ? usual[0]! : usual };
  }
  const weights = readWeights(told.loss_weights);
  return { loss, ...(weights !== undefined && { lossWeights: weights }) };
}

function readWeights(value: unknown): ModelMetadata["lossWeights"] {
  const numbers = (list: readonly unknown[]) => list.length > 0 && list.every((one) => Number.isFinite(one));
  if (Array.isArray(value) && numbers(value)) return value as number[];
  return isObject(value) && numbers(Object.values(value)) ? (value as Record<string, number>) : undefined;
}

/** Losses of classes, of which accuracies are told. */
const OF_CLASSES = /crossentropy$/i;

/** Keras's config of a training with the model's loss; undefined where that is not known. */
export function writeTraining({ loss, lossWeights }: ModelMetadata, version: Version): Config | undefined {
  if (loss === undefined) return undefined;
  const one = typeof loss === "string" ? loss : "name" in loss ? String(loss.name) : "";
  return {
    optimizer: object("keras.optimizers", "Adam", { learning_rate: 0.001 }, version),
    loss: writeLoss(loss, version),
    loss_weights: lossWeights ?? null,
    metrics: OF_CLASSES.test(one) ? ["accuracy"] : null,
    weighted_metrics: null,
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
}
