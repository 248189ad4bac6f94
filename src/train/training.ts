import { checkRate } from "../optim/check-rate.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Callbacks, History, ModelView, TrainingHandle } from "./callbacks.ts";
import { checkRestore, checkState, checkStep, requireOwn } from "./check-state.ts";
import { checkWeights } from "./check-weights.ts";
import { divide } from "./divide.ts";
import { type Featured, featured } from "./features.ts";
import { requireFiniteWeights } from "./finite.ts";
import type { FitOptions } from "./fit.ts";
import { inTurn } from "./in-turn.ts";
import { keepState, keepsState, putState } from "./keep-state.ts";
import type { Session } from "./session.ts";
import type { Held } from "./source.ts";
import { type Prepared, prepare, steps } from "./steps.ts";
import { settingOf } from "./training-setting.ts";
import type { TrainingSetting, TrainingState } from "./training-state.ts";

/**
 * A training that can be held in the hand: step() by step(), with its state in between. fit() is one that is stepped to its
 * end. Model.training() makes it.
 */
export class Training implements TrainingHandle {
  /** Whose training it is. */
  readonly model: ModelView;
  readonly #prepared: Prepared;
  readonly #settingOf: () => TrainingSetting;
  readonly #epochs: number;
  /** What it trains on, and validates with. */
  readonly #held: readonly (Held | undefined)[];
  readonly #featured: Featured | undefined;
  readonly #steps: ReturnType<typeof steps>;
  #begun = false;
  #busy = false;
  #failed = false;
  #loss = Number.NaN;

  /** @param room see featured() */
  constructor(session: Session, samples: Held, options: FitOptions, model: ModelView, room?: number) {
    const { initialState } = options;
    this.model = model;
    const given = [samples, options.validationData as Held | undefined];
    this.#featured = featured(session, given, room);
    this.#held = this.#featured?.samples ?? given;
    const [train, validationData] = this.#held;
    const division = divide(train!, { ...options, validationData }, session.graph, session.options.seed);
    const prepared = prepare(session, division, options);
    this.#prepared = prepared;
    let setting: TrainingSetting | undefined;
    this.#settingOf = () => {
      setting ??= settingOf(session.layers, session.options, samples, options);
      return setting;
    };
    this.#epochs = options.epochs ?? 1;
    const watch: Callbacks = {
      onBatchEnd: ({ loss }) => {
        this.#loss = loss;
      },
    };
    const callbacks = [watch, ...inTurn(prepared.callbacks)];
    this.#steps = steps({ ...prepared, callbacks }, options, this);
    if (initialState) this.restore(initialState);
    else requireFiniteWeights(session, "the training");
    session.training = this;
  }

  /** Figures that an epoch reports, by name. */
  get figures(): readonly string[] {
    return this.#prepared.figures;
  }

  /** The epoch under way, from 0; when all are done, their number. */
  get epoch(): number {
    return this.#prepared.place.epoch;
  }

  /** Batches of it that are done. */
  get batch(): number {
    return this.#prepared.place.batch;
  }

  /** Training steps done, those before a restored state included. */
  get steps(): number {
    return this.history.steps;
  }

  /** Mean loss of the last batch, before its update; NaN before the first. */
  get batchLoss(): number {
    return this.#loss;
  }

  /** What came of it so far: what fit() returns. */
  get history(): History {
    return this.#prepared.place.history;
  }

  get learningRate(): number {
    return this.#session.optimizer.learningRate;
  }

  set learningRate(rate: number) {
    const { optimizer } = this.#session;
    checkRate(optimizer.optimizer, rate);
    optimizer.rate = rate;
  }

  get #session(): Session {
    return this.#prepared.session;
  }

  stop(): void {
    this.#prepared.place.stopping = true;
  }

  getWeights(): NamedTensor[] {
    return this.#session.getWeights();
  }

  setWeights(tensors: readonly NamedTensor[]): void {
    checkWeights(tensors, this.#session.graph.parameters);
    this.#session.setWeights(tensors);
    this.forget();
  }

  /** Weights were set: what frozen layers gave before may be another by now. */
  forget(): void {
    this.#featured?.forget();
  }

  /**
   * Trains on one batch, and does what is due before and after it: tells callbacks, validates at an epoch's end. Resolves to
   * whether there is more to do. Rejects as fit() does.
   */
  async step(): Promise<boolean> {
    checkStep(this.#busy, this.#failed);
    requireOwn(this.#session.training === this);
    this.#begun = this.#busy = this.#failed = true;
    try {
      const { done } = await this.#steps.next();
      if (done) await this.close();
      this.#failed = false;
      return !done;
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Lets go of what the sources of its samples hold open: a training that is left before its end has to be told so, unless its model
   * trains anew or is disposed of. Further steps open it again. Rejects as the sources do, when all are told.
   */
  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#held.map((samples) => samples?.release?.()));
    const failed = all.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Steps to the end. */
  async run(): Promise<History> {
    while (await this.step());
    return this.history;
  }

  /** All that it needs to go on to the same bits. Callbacks may ask for it: those before them have had their turn. */
  state(): TrainingState {
    requireOwn(this.#session.training === this);
    const { history, callbacks, ...kept } = keepState(this.#prepared);
    const setting = this.#settingOf();
    const unread = this.#held.some((samples) => samples?.unread?.());
    return {
      ...kept,
      ...structuredClone({ history, callbacks }),
      setting: unread ? { ...setting, data: "" } : setting,
    };
  }

  /**
   * Goes on from there: this training must have been made with what the other one was made with, but may have more epochs.
   *
   * Throws TypeError on what is no state; RangeError where it is another model's or another training's; Error once it has begun.
   */
  restore(state: TrainingState): void {
    const { session, callbacks } = this.#prepared;
    const { options, graph } = session;
    const keeping = callbacks.filter(keepsState).length;
    checkState(state, graph.parameters, this.#settingOf(), options.optimizer.stateVectors, keeping);
    checkRestore(!this.#begun, state, this.#epochs);
    putState(this.#prepared, structuredClone(state));
  }
}
