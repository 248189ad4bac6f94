import type { Preprocessing } from "../compiler/preprocessing.ts";
import type { OptimizerConfig } from "../optim/optimizer.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { History } from "./history.ts";
import type { ValidationSource } from "./validation.ts";

/** What a training must have in common with the one whose state it takes: else it would not go on to the same bits. */
export interface TrainingSetting {
  /** The model's ops, as JSON. */
  readonly architecture: string;
  readonly optimizer: { readonly name: string } & OptimizerConfig;
  /** Of each output, with its options and its weight. */
  readonly loss: string;
  /** What figures its epochs report, those of validation left out; of metrics with options these, too. */
  readonly metrics: readonly string[];
  readonly seed: number;
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Samples given, validation included. */
  readonly samples: number;
  readonly validationSplit: number;
  readonly validationFrom: ValidationSource;
  /** Samples of validationData; 0 without. */
  readonly validationSamples: number;
  /** What tells the samples from others that are as many, see mark.ts. Empty where they could not be read, and may have to be mended. */
  readonly data: string;
  /** What tells them without what sources read: held to where `data` is empty. States of earlier versions have none. */
  readonly likeness?: string;
  readonly restoreBestWeights: string | undefined;
  /** As JSON. */
  readonly classWeight?: string | undefined;
}

/** Steps since the optimizer began, its rate where one was set, and its vectors: a list for each, by parameter. */
export interface OptimizerSnapshot {
  readonly step: number;
  readonly learningRate: number | undefined;
  readonly vectors: readonly (readonly NamedTensor[])[];
}

/**
 * A training at a moment between two steps: all that it needs to go on to the same bits as if it had never stopped. Plain
 * data and typed arrays, which structuredClone(), workers and saveCheckpoint() carry.
 */
export interface TrainingState {
  readonly version: 1;
  readonly setting: TrainingSetting;
  /** Weights and moving statistics, as getWeights() gives them. */
  readonly weights: readonly NamedTensor[];
  readonly optimizer: OptimizerSnapshot;
  /** The epoch under way, from 0, and how many of its batches are done: with the seed that is the place in its order. */
  readonly epoch: number;
  readonly batch: number;
  /** Whether onEpochBegin was told of it. */
  readonly begun: boolean;
  /** Whether a callback had called stop(): a training that goes on from there trains on all the same. */
  readonly stopping?: boolean;
  /** Sums of the epoch under way, and its seconds. */
  readonly sums: readonly number[];
  readonly seconds: number;
  readonly history: History;
  /** What each callback that has a state() gave, in their order. */
  readonly callbacks: readonly unknown[];
}
