import type { Engine } from "../engine/engine.ts";
import type { Planner } from "../nn/planner.ts";
import { chunks } from "../nn/tasks.ts";

/** Options of every optimizer. Clipping: at most one of the three. */
export interface CommonOptions {
  /** Step size, or a function of the step (from 0) that gives it. */
  learningRate?: number | ((step: number) => number);
  /** Decoupled: w -= learningRate * weightDecay * w before each update. Default 0; adamw 0.004. */
  weightDecay?: number;
  /** Scales each parameter's gradient to at most this norm. */
  clipNorm?: number;
  /** Scales all gradients together to at most this norm. */
  globalClipNorm?: number;
  /** Limits each gradient number to +- this. */
  clipValue?: number;
}

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

/** Elements of the weight vector in one task: 16 KiB, so that small models spread over threads too. */
const GRAIN = 4096;

/** Throws RangeError unless low <= value < high. */
export function requireRange(
  optimizer: string,
  option: string,
  value: number,
  low: number,
  high: number,
): void {
  if (!(typeof value === "number" && value >= low && value < high))
    throw new RangeError(
      `${optimizer}: ${option} is ${value}, expected a number >= ${low}${high < Number.POSITIVE_INFINITY ? ` and < ${high}` : ""}`,
    );
}

/** Checks the options that all optimizers share, and gives them their defaults. */
export function commonOptions(
  optimizer: string,
  options: CommonOptions,
  learningRate: number,
  weightDecay = 0,
) {
  const resolved = {
    ...options,
    learningRate: options.learningRate ?? learningRate,
    weightDecay: options.weightDecay ?? weightDecay,
  };
  if (typeof resolved.learningRate !== "function")
    requireRange(optimizer, "learningRate", resolved.learningRate, 0, Number.POSITIVE_INFINITY);
  requireRange(optimizer, "weightDecay", resolved.weightDecay, 0, Number.POSITIVE_INFINITY);
  const clips = (["clipNorm", "globalClipNorm", "clipValue"] as const).filter(
    (key) => options[key] !== undefined,
  );
  if (clips.length > 1)
    throw new RangeError(`${optimizer}: ${clips.join(" and ")} are given, expected at most one`);
  for (const key of clips)
    if (!((options[key] as number) > 0))
      throw new RangeError(`${optimizer}: ${key} is ${options[key]}, expected a number > 0`);
  const config: Record<string, number | boolean | string> = {
    learningRate: typeof resolved.learningRate === "number" ? resolved.learningRate : "schedule",
    weightDecay: resolved.weightDecay,
  };
  for (const key of clips) config[key] = options[key] as number;
  return { resolved, config };
}

/** Byte offsets in the kernels' OptimizerState, see assembly/optimizer.ts. */
const STATE = { learningRate: 0, beta1: 8, beta2: 16, step: 24, bytes: 64 };

/** An optimizer at work: its state in linear memory, and the host's hand on the learning rate. */
export class OptimizerState {
  readonly optimizer: Optimizer;
  readonly #engine: Engine;
  readonly #state: number;
  readonly #slots: readonly number[];
  readonly #length: number;

  /** Allocates the state for a weight vector of `length` f32. */
  constructor(engine: Engine, optimizer: Optimizer, length: number) {
    this.optimizer = optimizer;
    this.#engine = engine;
    this.#length = length;
    this.#state = engine.allocate(STATE.bytes);
    this.#slots = Array.from({ length: optimizer.stateVectors }, () => engine.allocate(4 * length));
    const view = engine.view();
    view.setFloat64(this.#state + STATE.beta1, optimizer.betas[0], true);
    view.setFloat64(this.#state + STATE.beta2, optimizer.betas[1], true);
  }

  /** Pointer to the u32 count of steps begun: dropout draws from it. */
  get stepPointer(): number {
    return this.#state + STATE.step;
  }

  /** Steps done so far. */
  get step(): number {
    return this.#engine.view().getUint32(this.stepPointer, true);
  }

  /** The rate of the next step. */
  get learningRate(): number {
    const { learningRate } = this.optimizer.options;
    return typeof learningRate === "number" ? learningRate : learningRate(this.step);
  }

  /** Forgets all momenta and counts steps from 0 again. */
  reset(): void {
    for (const slot of this.#slots) this.#engine.f32(slot, this.#length).fill(0);
    this.#engine.view().setUint32(this.stepPointer, 0, true);
  }

  /** Before each step: puts the learning rate where the kernels read it. Throws RangeError where a schedule gives no number. */
  beginStep(): void {
    const rate = this.learningRate;
    if (!Number.isFinite(rate) || rate < 0)
      throw new RangeError(`the learning rate for step ${this.step} is ${rate}, expected a number >= 0`);
    this.#engine.view().setFloat64(this.#state + STATE.learningRate, rate, true);
  }

  /** Emits clipping and the update of the weight vector w from its gradient g. */
  emit(p: Planner, w: number, g: number, parameters: readonly { offset: number; length: number }[]): void {
    const n = this.#length;
    const { clipNorm, globalClipNorm, clipValue } = this.optimizer.options;
    if (clipValue !== undefined)
      p.call("clipByValue", { g, n, limit: clipValue, grain: GRAIN }, { tasks: chunks(n, GRAIN) });
    if (globalClipNorm !== undefined) clipByNorm(p, g, n, globalClipNorm);
    if (clipNorm !== undefined)
      for (const { offset, length } of parameters) clipByNorm(p, g + 4 * offset, length, clipNorm);
    p.call("advanceStep", { state: this.#state });
    this.optimizer.update(p, { w, g, n, slots: this.#slots, state: this.#state, grain: GRAIN });
  }
}

function clipByNorm(p: Planner, g: number, n: number, maxNorm: number): void {
  const tasks = chunks(n, GRAIN);
  const partials = p.tensor(4 * tasks);
  p.call("sumSquares", { partials, g, n, grain: GRAIN }, { tasks });
  p.call("clipByNorm", { g, partials, count: tasks, n, maxNorm, grain: GRAIN }, { tasks });
}
