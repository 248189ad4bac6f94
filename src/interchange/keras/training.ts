// What a model was trained with: Keras's compile_config, and training_config of .h5 files.

import { ModelError } from "../../compiler/errors.ts";
import type { Graph } from "../../compiler/graph.ts";
import { checkLoss } from "../../losses/check-loss.ts";
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
  if (loss === undefined || !fits(loss, graph)) {
    const usual = graph.outputs.map((_, i) => usualLoss(graph, i));
    return { loss: usual.length === 1 ? usual[0]! : usual };
  }
  const weights = readWeights(told.loss_weights);
  return { loss, ...(weights !== undefined && { lossWeights: weights }) };
}

/** Whether the outputs have such losses: Keras trains some that make no sense. */
function fits(loss: NonNullable<ModelMetadata["loss"]>, graph: Graph): boolean {
  const one = typeof loss === "string" || "name" in loss;
  // By names of outputs.
  if (!one && !Array.isArray(loss)) return true;
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
