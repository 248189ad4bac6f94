import { FURTHER_KINDS, type Graph, USUAL_KINDS } from "../compiler/graph.ts";
import { fillOf } from "../compiler/initializers.ts";
import { type Preprocessing, TO_UNIT } from "../compiler/preprocessing.ts";
import type { Backend } from "../engine/engine.ts";
import type { WasmSource } from "../engine/kernels.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossData, LossName } from "../losses/names.ts";
import type { Metric, MetricName } from "../metrics/metric.ts";
import type { OptimizerName } from "../optim/definitions.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";

/** One for all outputs of a model; or one for each, in a list in their order, or by their names. */
export type ByOutput<T> = T | readonly T[] | { readonly [output: string]: T };

/** What is to be lost at an output, how much it counts, and what is reported of it beside the loss. */
export interface OutputOptions {
  readonly name: string;
  readonly loss: string | LossData | Loss;
  readonly weight: number;
  readonly metrics: readonly (string | Metric)[];
  /** Whether the loss needs the build that has all kernels. */
  readonly allKernels?: boolean | undefined;
}

/** What a model brings along from a file. */
export interface Loaded {
  readonly tensors: readonly NamedTensor[];
  /** Whether they are those of some parameters: the others are drawn. Default false. */
  readonly partial?: boolean | undefined;
  readonly loss?: ByOutput<LossName | LossData> | undefined;
  readonly lossWeights?: ByOutput<number> | undefined;
  readonly preprocessing?: Preprocessing | undefined;
}

/** What one layer gives for one image. */
export interface LayerActivation {
  /** The layer's name and type. */
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** CompileOptions whose optimizer is made; all were checked. */
export interface CompiledOptions {
  readonly optimizer: Optimizer;
  readonly outputs: readonly OutputOptions[];
  readonly backend?: Backend | "auto" | undefined;
  readonly threads?: number | undefined;
  readonly wasm?: WasmSource | undefined;
  readonly maxMemory?: number | undefined;
  readonly seed?: number | undefined;
  readonly preprocessing?: { readonly [K in keyof Preprocessing]?: number | undefined } | undefined;
  readonly weights?: "loaded" | "new" | undefined;
}

/** Whether a training needs the build that has all kernels. @param losses what tells it of them */
export function needsAllKernels(
  { ops, parameters }: Graph,
  optimizer: Optimizer,
  losses: readonly { readonly allKernels?: boolean | undefined }[],
): boolean {
  return (
    [optimizer, ...losses].some(({ allKernels }) => allKernels) ||
    parameters.some(
      ({ regularizer, constraint, initializer, shape }) =>
        regularizer || constraint || fillOf(initializer, shape).kind === "further",
    ) ||
    ops.some(({ kind }) => ![...USUAL_KINDS, ...FURTHER_KINDS].includes(kind as never))
  );
}

/** What a model's file says of images, or else what bytes usually become: 0 to 1. */
export function preprocessingOf(
  loaded: Loaded | undefined,
  given: CompiledOptions["preprocessing"],
): Preprocessing {
  const usual = loaded?.preprocessing ?? TO_UNIT;
  const { scale = usual.scale, offset = usual.offset } = given ?? {};
  return { scale, offset };
}

/** The loss of a model: as it is told, or its file says, or else that of classes. */
export function lossOf(
  loaded: Loaded | undefined,
  given: CompileOptions["loss"],
): NonNullable<CompileOptions["loss"]> {
  return given ?? loaded?.loss ?? "categoricalCrossentropy";
}

export interface CompileOptions {
  /** An optimizer, or the name of one with its defaults. Default adam(). */
  optimizer?: Optimizer | OptimizerName | undefined;
  /**
   * By name; with options as huber({ delta: 0.5 }) gives it, which is the plain data { name: "huber", delta: 0.5 }; or what
   * defineLoss() gave. Of several outputs one for all, a list, or a record by their names: the sum is trained. Default: that of the
   * file for a model from a file, else "categoricalCrossentropy".
   */
  loss?: ByOutput<LossName | LossData | Loss> | undefined;
  /** What the losses of the outputs are multiplied by in the sum; a record may leave some out. Default: that of the file, else 1. */
  lossWeights?: ByOutput<number> | undefined;
  /**
   * Reported by fit and evaluate next to the loss: a list of names, of topKCategoricalAccuracy() and of what defineMetric() gave.
   * Of several outputs one list for all, a list of such lists, or a record by their names, which may leave some out; the figures are
   * called `<output>_<metric>`. Default ["accuracy"] for losses of classes, none for those of numbers.
   */
  metrics?: ByOutput<readonly (MetricName | Metric)[]> | undefined;
  /**
   * Build of the kernels. "auto" (default): the fastest reproducible one, in Node 24 "wide" where the processor has AVX2. "relaxed": faster, not
   * reproducible across machines; "relaxed-wide" in Node 24.
   */
  backend?: Backend | "auto" | undefined;
  /** Threads that compute, this one included: changes speed, never results. Default: all cores. */
  threads?: number | undefined;
  /** Kernels to use in place of the package's own file: a URL, bytes, or a compiled module. `backend` says which build it is (default simd). */
  wasm?: WasmSource | undefined;
  /**
   * Bytes of linear memory that the model may take, weights, activations and all: what needs more is refused before
   * it is allocated. Default 2 GiB (2 * 2 ** 30); at most 4 GiB, which is what WebAssembly reaches.
   */
  maxMemory?: number | undefined;
  /** Fixes initial weights, shuffles and dropout: a whole number from 0 to 2^53 - 1. Default 1. */
  seed?: number | undefined;
  /** How byte images are scaled: pixel * scale + offset. Default: as the model's file says, else scale 1/255, offset 0. */
  preprocessing?: { readonly [K in keyof Preprocessing]?: number | undefined } | undefined;
  /** What the model begins with. "loaded" (default): the weights that it came with from loadModel(), where it did. "new": drawn from the seed. */
  weights?: "loaded" | "new" | undefined;
}
