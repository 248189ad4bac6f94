import type { Planner } from "../compiler/planner.ts";
import {
  type Filled,
  flag,
  isObject,
  type OptionsOf,
  optional,
  real,
  some,
  type Table,
  whole,
} from "../options/kinds.ts";
import type { LearningRate } from "./schedules/schedule.ts";

/** Options of every optimizer, with its own default rate and decay. Clipping: at most one of the three. */
export function commonOptions(learningRate: number, weightDecay = 0) {
  const rate = real(0);
  return {
    /** Step size, or a schedule such as cosineDecay(), or a function of the step (from 0) that gives it. */
    learningRate: optional(
      some<LearningRate>(
        "a number >= 0, a schedule such as oneCycle() gives, or a function of the step",
        (value) =>
          typeof value === "function" ||
          rate.accepts(value) ||
          (isObject(value) && typeof value.rate === "function"),
      ),
      learningRate,
    ),
    /** Decoupled: w -= learningRate * weightDecay * w before each update. Default 0; adamw 0.004. */
    weightDecay: optional(real(0), weightDecay),
    /**
     * Parameters that do not decay, by the end of their names: ["bias", "gamma", "beta"] leaves out biases and
     * normalizations. Default: all decay.
     */
    excludeFromWeightDecay: some<readonly string[]>(
      "a list of ends of parameters' names",
      (value) =>
        Array.isArray(value) && value.every((name) => typeof name === "string" && name.trim() !== ""),
      ["bias", "gamma", "beta"],
    ),
    /**
     * Keeps a moving average of the weights, which the model gets when a training ends, and after every emaOverwriteFrequency steps.
     * Default false.
     */
    useEma: flag,
    /** Share of the average that stays in each step. Default 0.99. */
    emaMomentum: real(0, 1),
    /** Default: only when a training ends. */
    emaOverwriteFrequency: whole(),
    /** Steps whose gradients' mean makes one update: as a batch so many times as large. Default 1. */
    gradientAccumulationSteps: whole(),
    /** Scales each parameter's gradient to at most this norm. */
    clipNorm: real(0, undefined, true),
    /** Scales all gradients together to at most this norm. */
    globalClipNorm: real(0, undefined, true),
    /** Limits each gradient number to +- this. */
    clipValue: real(0, undefined, true),
  };
}

type CommonTable = ReturnType<typeof commonOptions>;
export interface CommonOptions extends OptionsOf<CommonTable> {}

/** What an update needs to know. Pointers and lengths of the vectors that it works on. */
export interface Vectors {
  readonly w: number;
  readonly g: number;
  readonly n: number;
  /** State vectors, as many as `stateVectors`, zero at the start. */
  readonly slots: readonly number[];
  /** Pointer to the OptimizerState struct. */
  readonly state: number;
  readonly grain: number;
}

/** Emits the step of the weights w from their gradient g. */
export type Update<Options> = (p: Planner, vectors: Vectors, options: Options) => void;

/**
 * An optimizer described once: what it keeps. The table of its options stands beside it, as workers, which have no use for it, load
 * definitions alone; and the calls of its update stand in updates.ts, or extra.ts, as pages have no use for those.
 */
export interface OptimizerDefinition<T extends CommonTable & Table = CommonTable & Table> {
  readonly name: string;
  /** Powers in Adam's bias correction. Default: there is none. */
  betas?(options: Filled<T>): readonly [number, number];
  /** Whether its kernel is one of assembly/further/. */
  readonly allKernels?: boolean;
  /** Vectors as long as the weights that it keeps from step to step. */
  stateVectors(options: Filled<T>): number;
}

/** Settings as plain data: a schedule by its name and options, a function of the step as "schedule". */
export type OptimizerConfig = { readonly [key: string]: Plain };
type Plain = number | boolean | string | readonly Plain[] | OptimizerConfig;

/** An optimizer: its settings, and how its update is emitted. Plain data to the caller. */
export interface Optimizer {
  readonly name: string;
  readonly options: Readonly<CommonOptions> & { readonly learningRate: LearningRate };
  /** All settings, defaults filled in, for a run's record. */
  readonly config: OptimizerConfig;
  /** Powers in Adam's bias correction; 0.5 where there is none. */
  readonly betas: readonly [number, number];
  readonly stateVectors: number;
  readonly allKernels?: boolean | undefined;
  /** A user's own: emits the step of the weights w from their gradient g; with `decays` false without weight decay. */
  update?(planner: Planner, vectors: Vectors, decays: boolean): void;
}

/** The optimizer of options that are known to be right, defaults filled in. */
export function makeOptimizer<T extends CommonTable & Table>(
  definition: OptimizerDefinition<T>,
  options: Filled<T>,
): Optimizer {
  const config = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      typeof value === "function" ? "schedule" : plain(value as Plain),
    ]),
  );
  return {
    name: definition.name,
    options: options as unknown as Optimizer["options"],
    config,
    betas: definition.betas?.(options) ?? [0.5, 0.5],
    stateVectors: definition.stateVectors(options) + ownVectors(options),
    allKernels: definition.allKernels || ownVectors(options) > 0,
  };
}

/** Vectors that averages and accumulation need beside the optimizer's: the last ones of its state, in that order. */
function ownVectors({ useEma, gradientAccumulationSteps = 1 }: CommonOptions): number {
  return Number(!!useEma) + Number(gradientAccumulationSteps > 1);
}

/** A schedule without what is no data. */
function plain(value: Plain): Plain {
  if (!isObject(value)) return value;
  const { name, options } = value as { name: Plain; options: Plain };
  return { name, options };
}
