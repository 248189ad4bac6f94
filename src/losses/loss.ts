import type { KernelArgs, KernelName } from "../engine/memory.ts";

/** A batch, as a loss written in JavaScript sees it: views of the engine's memory, the same ones in each step. */
export interface LossBatch {
  /** What the model gave, and what it was to give: `[rows, cols]`. Of labels, 1 where the class is; of one output, the label itself. */
  readonly outputs: Float32Array;
  readonly targets: Float32Array;
  /** Samples, and outputs of each. Where outputs are images, a row is what one pixel has: rows are pixels, cols their channels. */
  readonly rows: number;
  readonly cols: number;
  /** To be written: the loss of each sample, or pixel, `[rows]`. */
  readonly losses: Float32Array;
  /** To be written: the derivative of a row's loss by each of its outputs, `[rows, cols]`. Absent where nothing is trained. */
  readonly gradient?: Float32Array;
}

/** Kernels with the arguments of that one, and maybe more. */
type KernelLike<L extends KernelName> = {
  [K in KernelName]: KernelArgs<K> extends KernelArgs<L> ? K : never;
}[KernelName];

/** Options of built-in losses: each has some of them. */
export interface LossSettings {
  /** Share of each target that is spread evenly over the classes, 0 to 1; of binary targets drawn towards 1/2. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Whether the model ends without softmax or sigmoid, which the loss has to do then. Default false. */
  readonly fromLogits?: boolean | undefined;
  readonly delta?: number | undefined;
  readonly gamma?: number | undefined;
  readonly alpha?: number | undefined;
  readonly applyClassBalancing?: boolean | undefined;
}

/** A loss, described once: a built-in one by its kernels, one of a user's by what it computes. */
export interface Loss {
  readonly name: string;
  /** What outputs it takes, by default numbers. classes: probabilities, one a class. probabilities: those of softmax or sigmoid. numbers: any. */
  readonly takes?: "classes" | "probabilities" | "numbers";
  /** Names of metrics that are reported unless others are asked for. Default: the accuracy, for numbers none. */
  readonly metrics?: readonly string[];
  /** Built-in: the kernel that computes it from outputs. */
  readonly kernel?: KernelLike<"meanSquaredError">;
  /** Built-in: the op for whose outputs there is a kernel that starts from the op's inputs and computes both. */
  readonly fused?: "softmax" | "sigmoid";
  /** That kernel. A model may lack the op: fromLogits. */
  readonly logitsKernel?: KernelLike<"softmaxCrossentropy">;
  /** Built-in: whether its kernel is one of assembly/further/. */
  readonly allKernels?: boolean;
  /** Built-in: whether 0 of its targets is to be -1. */
  readonly hinges?: boolean;
  /** Built-in: options that its kernels take, as they are by default. */
  readonly defaults?: LossSettings;
  /** Built-in: all options, as they are asked for. */
  readonly options?: LossSettings;
  /** A user's: fills `losses` and, where it is there, `gradient`, both of which are 0 before. */
  compute?(batch: LossBatch): void;
}
