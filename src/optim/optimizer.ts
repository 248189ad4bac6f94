import type { Planner } from "../nn/planner.ts";
import { checkOptions } from "../options/check.ts";
import { type Filled, type OptionsOf, optional, real, some, type Table } from "../options/kinds.ts";
import type { Schedule } from "./schedules.ts";

const rate = real(0);

/** Options of every optimizer, with its own default rate and decay. Clipping: at most one of the three. */
export function commonOptions(learningRate: number, weightDecay = 0) {
  return {
    /** Step size, or a function of the step (from 0) that gives it. */
    learningRate: optional(
      some<number | Schedule>(
        "a number >= 0, or a function of the step",
        (value) => typeof value === "function" || rate.accepts(value),
      ),
      learningRate,
    ),
    /** Decoupled: w -= learningRate * weightDecay * w before each update. Default 0; adamw 0.004. */
    weightDecay: optional(real(0), weightDecay),
    /** Scales each parameter's gradient to at most this norm. */
    clipNorm: real(0, undefined, true),
    /** Scales all gradients together to at most this norm. */
    globalClipNorm: real(0, undefined, true),
    /** Limits each gradient number to +- this. */
    clipValue: real(0, undefined, true),
  };
}

export interface CommonOptions extends OptionsOf<ReturnType<typeof commonOptions>> {}

/** What an update needs to know. Pointers and lengths of the vectors that it works on. */
interface Vectors {
  readonly w: number;
  readonly g: number;
  readonly n: number;
  /** State vectors, as many as `stateVectors`, zero at the start. */
  readonly slots: readonly number[];
  /** Pointer to the OptimizerState struct. */
  readonly state: number;
  readonly grain: number;
}

/** An optimizer: its settings, and how its update is emitted. Plain data to the caller. */
export interface Optimizer {
  readonly name: OptimizerName;
  readonly options: Readonly<CommonOptions> & { readonly learningRate: number | ((step: number) => number) };
  /** All settings, defaults filled in, for a run's record. */
  readonly config: Readonly<Record<string, number | boolean | string>>;
  /** Powers in Adam's bias correction; 0.5 where there is none. */
  readonly betas: readonly [number, number];
  readonly stateVectors: number;
  update(planner: Planner, vectors: Vectors): void;
}

export const OPTIMIZERS = ["sgd", "rmsprop", "adam", "adamw"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

const CLIPS = ["clipNorm", "globalClipNorm", "clipValue"] as const;

/**
 * The options with their defaults, and as a run's record has them. Throws RangeError on an option that the table lacks
 * or that is out of range, and where more than one way of clipping is given.
 */
export function settings<T extends ReturnType<typeof commonOptions> & Table>(
  name: OptimizerName,
  table: T,
  given: OptionsOf<T>,
): { options: Filled<T>; config: Record<string, number | boolean | string> } {
  checkOptions({ call: `${name}(*)`, table }, given);
  const options: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table)) {
    const value = (given as Record<string, unknown>)[key] ?? ("default" in kind ? kind.default : undefined);
    if (value !== undefined) options[key] = value;
  }
  const clips = CLIPS.filter((key) => key in options);
  if (clips.length > 1)
    throw new RangeError(`${name}: ${clips.join(" and ")} are given, expected at most one`);
  const config = { ...options } as Record<string, number | boolean | string>;
  if (typeof options.learningRate === "function") config.learningRate = "schedule";
  return { options: options as Filled<T>, config };
}
