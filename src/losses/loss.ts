import type { KernelArgs, KernelName } from "../engine/memory.ts";

/** A batch, as a loss written in JavaScript sees it: views of the engine's memory, the same ones in each step. */
export interface LossBatch {
  /** What the model gave, and what it was to give: `[rows, cols]`. Of labels, 1 where the class is; of one output, the label itself. */
  readonly outputs: Float32Array;
  readonly targets: Float32Array;
  /** Samples, and outputs of each. */
  readonly rows: number;
  readonly cols: number;
  /** To be written: the loss of each sample, `[rows]`. */
  readonly losses: Float32Array;
  /** To be written: the derivative of a sample's loss by each of its outputs, `[rows, cols]`. Absent where nothing is trained. */
  readonly gradient?: Float32Array;
}

/** Kernels with the arguments of a loss. */
type LossKernel = {
  [K in KernelName]: KernelArgs<K> extends KernelArgs<"meanSquaredError"> ? K : never;
}[KernelName];

/** A loss, described once: a built-in one by its kernels, one of a user's by what it computes. */
export interface Loss {
  readonly name: string;
  /** What outputs it takes, by default numbers. classes: probabilities, one a class. probabilities: those of softmax or sigmoid. numbers: any. */
  readonly takes?: "classes" | "probabilities" | "numbers";
  /** Names of metrics that are reported unless others are asked for. Default: the accuracy, for numbers none. */
  readonly metrics?: readonly string[];
  /** Built-in: the kernel that computes it from outputs. */
  readonly kernel?: LossKernel;
  /**
   * Built-in: the op for whose outputs there is a kernel that starts from the op's inputs and computes both, called
   * `<op>Crossentropy`.
   */
  readonly fused?: "softmax" | "sigmoid";
  /** Built-in: whether its kernel is one of assembly/further/. */
  readonly allKernels?: boolean;
  /** A user's: fills `losses` and, where it is there, `gradient`, both of which are 0 before. */
  compute?(batch: LossBatch): void;
}
