import type { CompiledPlan, PlanKey } from "./compile-plan.ts";
import type { Samples } from "./samples.ts";

/**
 * Samples that are read as they are trained on, a batch at a time: of more than memory holds. fit(), evaluate(), predict() and
 * training() take one wherever they take Samples, and come to the same bits. Labels, targets and weights lie in memory.
 *
 * Batches are asked for before their turn, while the one before is trained on: what read() leaves to the system or to a thread of its
 * own, as reading a file, costs training no time.
 */
export interface SampleSource {
  readonly count: number;
  /** Shape of one sample; for a model of several inputs as in Samples. */
  readonly shape: Samples["shape"];
  /** As in Samples. */
  readonly labels?: Samples["labels"];
  readonly targets?: Samples["targets"];
  readonly weights?: Samples["weights"];
  /** What read() gives: "bytes" are scaled by the model's preprocessing, "floats" taken as they are. Default "bytes". */
  readonly pixels?: "bytes" | "floats" | undefined;
  /** What tells it from others that are as many, in any text, a hash say: a training's state is gone on from with the same one alone. */
  readonly mark?: string | undefined;
  /** Whether read() is to be given shared memory, which threads of its own can write to. Default false. */
  readonly shared?: boolean | undefined;
  /**
   * Whether read() gives other numbers of a sample each time, as where it varies images itself: what frozen layers make of it is not kept then
   * from one epoch to the next. Default false.
   */
  readonly varies?: boolean | undefined;
  /**
   * Writes the numbers of these samples to `into`, one sample after the other, in the order of `indices`, which may name one twice: a
   * Uint8Array, of floats a Float32Array; for a model of several inputs a list of them. May be called before an earlier call is done.
   * What it throws ends the training with the state before that batch, from which it can go on.
   */
  read(indices: Uint32Array, into: Into): Promise<void> | void;
  /** Told when nothing reads from it any more, the last fit() or evaluate() has ended: lets go of what it holds open. More may be read later. */
  close?(): Promise<void> | void;
}

/** Where a source writes to: it knows which it is. */
export type Into = Uint8Array | Float32Array | readonly (Uint8Array | Float32Array)[];

/** A batch that was read, and the numbers of its samples in it. */
export type ReadBatch = readonly [samples: Samples, indices: Uint32Array];

/** Samples as a training holds them: those of a source have no images, but what gives a batch of them. */
export interface Held extends Samples {
  readonly mark?: string | undefined;
  readonly varies?: boolean | undefined;
  /**
   * The samples of these numbers; good until the next are asked for. What lies behind the numbers in their buffer is what is asked for
   * next, and is read meanwhile.
   */
  batch?(indices: Uint32Array): ReadBatch | Promise<ReadBatch>;
  /** What they go through, where that is a part of the model alone. */
  plan?(key: PlanKey): CompiledPlan;
  /** An error, or where it comes from a number of the batch under way that is not finite, one that names it. */
  explained?(error: unknown): unknown;
  /** Whether a batch could not be read: what is gone on with may be mended. */
  unread?(): boolean;
  /** Ends what is read ahead, and lets go of the memory. */
  release?(): Promise<void>;
}

/** Whether it is a source: by what it can do. */
export function isSource(value: unknown): value is SampleSource {
  return typeof (Object(value) as Partial<SampleSource>).read === "function";
}
