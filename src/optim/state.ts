import type { Planner } from "../compiler/planner.ts";
import { chunks } from "../compiler/tasks.ts";
import { OPTIMIZER_STATE } from "../engine/abi.ts";
import type { Engine } from "../engine/engine.ts";
import { emitAccumulation, emitAverage } from "./extra.ts";
import type { Optimizer } from "./optimizer.ts";
import { rateOf } from "./schedules/index.ts";
import { emitUpdate } from "./updates.ts";

/** Elements of the weight vector in one task: 16 KiB, so that small models spread over threads too. */
const GRAIN = 4096;

/** An optimizer at work: its state in linear memory, and the host's hand on the learning rate. */
export class OptimizerState {
  readonly optimizer: Optimizer;
  readonly #engine: Engine;
  readonly #own: (step: number) => number;
  readonly #state: number;
  readonly #slots: readonly number[];
  readonly #length: number;
  readonly #decaying: number;
  /** Where gradients are accumulated: an OptimizerState that counts updates, not steps. */
  readonly #updates: number;
  /** Steps that make an update. */
  readonly #every: number;
  /** Takes the place of the optimizer's own rate. */
  rate: number | undefined;

  /** Allocates the state for a weight vector of `length` f32, of which the first `decaying` take weight decay. */
  constructor(engine: Engine, optimizer: Optimizer, length: number, decaying = length) {
    this.optimizer = optimizer;
    this.#engine = engine;
    this.#own = rateOf(optimizer.options.learningRate);
    this.#length = length;
    this.#decaying = decaying;
    this.#state = engine.allocate(OPTIMIZER_STATE.bytes);
    this.#slots = Array.from({ length: optimizer.stateVectors }, () => engine.allocate(4 * length));
    this.#every = optimizer.options.gradientAccumulationSteps ?? 1;
    this.#updates = this.#every > 1 ? engine.allocate(OPTIMIZER_STATE.bytes) : this.#state;
    const view = engine.view();
    view.setFloat64(this.#updates + OPTIMIZER_STATE.beta1, optimizer.betas[0], true);
    view.setFloat64(this.#updates + OPTIMIZER_STATE.beta2, optimizer.betas[1], true);
  }

  /** Pointer to the u32 count of steps begun: dropout draws from it. */
  get stepPointer(): number {
    return this.#state + OPTIMIZER_STATE.step;
  }

  /** Steps done so far. */
  get step(): number {
    return this.#engine.view().getUint32(this.stepPointer, true);
  }

  set step(step: number) {
    this.#engine.view().setUint32(this.stepPointer, step, true);
  }

  /** Updates done so far: as many as steps, but where gradients are accumulated. */
  get updates(): number {
    return Math.floor(this.step / this.#every);
  }

  /** Whether the next step ends with an update. */
  get isDue(): boolean {
    return (this.step + 1) % this.#every === 0;
  }

  /** The rate of the next step. */
  get learningRate(): number {
    return this.rate ?? this.#own(this.updates);
  }

  /** Views of the state vectors, each as long as the weights that are trained. */
  get vectors(): Float32Array<SharedArrayBuffer>[] {
    return this.#slots.map((slot) => this.#engine.f32(slot, this.#length));
  }

  /** Forgets all momenta and counts steps from 0 again. */
  reset(): void {
    for (const vector of this.vectors) vector.fill(0);
    this.step = 0;
  }

  /** Before each step: puts the learning rate where the kernels read it. Throws RangeError where a schedule gives no number. */
  beginStep(): void {
    const rate = this.learningRate;
    if (!Number.isFinite(rate) || rate < 0)
      throw new RangeError(`the learning rate for step ${this.step} is ${rate}, expected a number >= 0`);
    const view = this.#engine.view();
    view.setFloat64(this.#updates + OPTIMIZER_STATE.learningRate, rate, true);
    if (this.#every > 1) view.setUint32(this.#updates + OPTIMIZER_STATE.step, this.updates, true);
  }

  /** Gives the weights their moving average, where there is one: at the end of a training. */
  useAverage(w: Float32Array): void {
    const { average } = this;
    if (average) w.set(average);
  }

  /** The moving average of the weights, where there is one. */
  get average(): Float32Array | undefined {
    return this.optimizer.options.useEma ? this.vectors.at(this.#every > 1 ? -2 : -1) : undefined;
  }

  /** After each step: gives the weights their moving average where that is due. */
  endStep(w: () => Float32Array): void {
    const { emaOverwriteFrequency: frequency } = this.optimizer.options;
    // As Keras counts: in the steps between two updates as in the one that ends with the second.
    if (frequency && Math.ceil(this.step / this.#every) % frequency === 0) this.useAverage(w());
  }

  /** Emits clipping and the update of the weight vector w from its gradient g; with `due` false only what goes before an update. */
  emit(
    p: Planner,
    w: number,
    g: number,
    parameters: readonly { offset: number; length: number }[],
    due: boolean,
  ): void {
    const n = this.#length;
    const { clipNorm, globalClipNorm, clipValue, useEma, emaMomentum = 0.99 } = this.optimizer.options;
    const slots = [...this.#slots];
    const accumulates = this.#every > 1;
    if (accumulates) emitAccumulation(p, { sum: slots.pop()!, g, n, grain: GRAIN }, this.#every, due);
    const average = useEma ? slots.pop() : undefined;
    if (due) {
      if (clipValue !== undefined)
        p.call("clipByValue", { g, n, limit: clipValue, grain: GRAIN }, { tasks: chunks(n, GRAIN) });
      if (globalClipNorm !== undefined) clipByNorm(p, g, n, globalClipNorm);
      if (clipNorm !== undefined)
        for (const { offset, length } of parameters) clipByNorm(p, g + 4 * offset, length, clipNorm);
    }
    p.call("advanceStep", { state: this.#state });
    if (due) {
      if (accumulates) p.call("advanceStep", { state: this.#updates });
      const part = (first: number, length: number, decays: boolean) => {
        if (length === 0) return;
        const at = (vector: number) => vector + 4 * first;
        const vectors = { w: at(w), g: at(g), n: length, slots: slots.map(at) };
        emitUpdate(this.optimizer, p, { ...vectors, state: this.#updates, grain: GRAIN }, decays);
      };
      part(0, this.#decaying, true);
      part(this.#decaying, n - this.#decaying, false);
    }
    if (average) emitAverage(p, { average, w, n, state: this.#updates, grain: GRAIN }, emaMomentum, due);
  }
}

function clipByNorm(p: Planner, g: number, n: number, maxNorm: number): void {
  const tasks = chunks(n, GRAIN);
  const partials = p.tensor(4 * tasks);
  p.call("sumSquares", { partials, g, n, grain: GRAIN }, { tasks });
  p.call("clipByNorm", { g, partials, count: tasks, n, maxNorm, grain: GRAIN }, { tasks });
}
