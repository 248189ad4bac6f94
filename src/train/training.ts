import { elements } from "../nn/graph.ts";
import type { ModelConfig } from "../nn/model-config.ts";
import type { AskedModel } from "./asked-model.ts";
import { allCallbacks } from "./built-in.ts";
import type { BatchInfo, Callbacks, TrainingHandle } from "./callbacks.ts";
import { measure } from "./evaluate.ts";
import { requireFiniteWeights } from "./finite.ts";
import type { FitOptions } from "./fit-options.ts";
import type { History } from "./history.ts";
import type { Logs } from "./logs.ts";
import type { Meters } from "./meters.ts";
import type { NamedTensor } from "./safetensors.ts";
import type { Samples } from "./samples.ts";
import type { Session } from "./session.ts";
import { permutation } from "./shuffle.ts";
import { setTensors, tensorsOf } from "./tensors.ts";
import { STATE_VERSION, type TrainingState } from "./training-state.ts";
import { countsOf, type Part, splitForValidation, warningsOf, wholePart } from "./validation.ts";

/** What a step of a training tells. */
export interface TrainedBatch extends BatchInfo {
  /** Mean loss over the batch, before the update. */
  readonly loss: number;
  /** Figures of the epoch so far. */
  readonly logs: Logs;
  /** Of an epoch's last batch: the epoch's figures, those of validation included. */
  readonly epochLogs?: Logs;
}

/** What a training is of, beside the session that computes it. In a worker nothing of it is there: the page has it. */
export interface Trained {
  readonly config?: ModelConfig;
  readonly model?: AskedModel;
  /** Throws unless a state fits the training: for those whom nobody has asked before. */
  readonly check?: (state: TrainingState, own: TrainingState) => Promise<void>;
}

/**
 * A training in hand: model.training() begins one, each step() trains on one batch, state() is what it can be restored
 * from. fit() is one that steps to its end. Of a model the training that was begun last may step.
 */
export class Training implements TrainingHandle {
  /** What fit gives: so far. */
  readonly history: History;
  readonly figures: TrainingHandle["figures"];
  readonly #session: Session;
  readonly #trained: Trained;
  readonly #options: FitOptions;
  readonly #callbacks: readonly Callbacks[];
  readonly #meters: Meters;
  readonly #train: Part;
  readonly #validation: Part | undefined;
  readonly #batchSize: number;
  readonly #epochs: number;
  /** The order of an epoch, and which epoch that is. */
  #order: { readonly epoch: number; readonly rows: Uint32Array } | undefined;
  #epoch: number;
  #batch = 0;
  /** Whether callbacks were told that the epoch begins. */
  #begun = false;
  /** Seconds in the training steps of the epoch so far. */
  #seconds = 0;
  #started: Promise<void> | undefined;
  #stopped = false;
  #ended = false;
  #busy = false;

  /** For Model and workers, which have checked each of the options. */
  constructor(session: Session, samples: Samples, options: FitOptions, trained: Trained) {
    const {
      epochs = 1,
      initialEpoch = 0,
      batchSize = 32,
      validationSplit = 0,
      validationFrom = "last",
      validationData,
      restoreBestWeights: figure,
      callbacks = [],
    } = options;
    if (epochs <= initialEpoch)
      throw new RangeError(
        `epochs is ${epochs} with initialEpoch ${initialEpoch}, expected epochs to be the larger`,
      );
    if (validationSplit !== 0 && validationData)
      throw new TypeError("both validationSplit and validationData are given: expected one of them");
    const { train, validation } =
      validationSplit === 0
        ? { train: wholePart(samples), validation: validationData && wholePart(validationData) }
        : splitForValidation(samples, validationSplit, validationFrom, session.options.seed);
    const classes = Math.max(elements(session.graph.outputs[0]!.shape), 2);
    const trainCounts = countsOf(train, classes);
    const validationCounts = validation && countsOf(validation, classes);
    this.history = {
      history: { loss: [] },
      epoch: [],
      stopped: false,
      warnings: warningsOf(trainCounts, validationCounts, validationSplit === 0 ? "data" : validationFrom),
      trainSeconds: 0,
      trainedSamples: 0,
      steps: 0,
      trainSamples: train.count,
      validationSamples: validation?.count ?? 0,
      trainCounts,
      validationCounts,
    };
    requireFiniteWeights(session, "the training");
    this.#meters = session.meters();
    const figures: Record<string, "min" | "max"> = {};
    for (const prefix of validation ? ["", "val_"] : [""])
      for (const name of this.#meters.names) figures[prefix + name] = name.endsWith("loss") ? "min" : "max";
    if (figure !== undefined && !Object.hasOwn(figures, figure))
      throw new RangeError(
        `restoreBestWeights is '${figure}', but fit reports ${Object.keys(figures).join(", ")}: others need validation data, or compile({ metrics })`,
      );
    this.figures = figures;
    this.#session = session;
    this.#trained = trained;
    this.#options = options;
    this.#callbacks = allCallbacks(session, figure, ([] as Callbacks[]).concat(callbacks));
    this.#train = train;
    this.#validation = validation;
    this.#batchSize = batchSize;
    this.#epochs = epochs;
    this.#epoch = initialEpoch;
    session.training = this;
    session.optimizer.setRate = null;
  }

  get model(): AskedModel {
    return this.#trained.model!;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get batch(): number {
    return this.#batch;
  }

  get steps(): number {
    return this.history.steps;
  }

  get #stepsPerEpoch(): number {
    return Math.ceil(this.#train.count / this.#batchSize);
  }

  get #over(): boolean {
    return this.#stopped || this.#epoch >= this.#epochs || !!this.#options.signal?.aborted;
  }

  get learningRate(): number {
    return this.#session.optimizer.learningRate;
  }

  set learningRate(rate: number) {
    if (!Number.isFinite(rate) || rate < 0)
      throw new RangeError(`learningRate is ${rate}, expected a number >= 0`);
    this.#session.optimizer.setRate = rate;
  }

  /** After the step under way: step() then does nothing, and end() ends it. restore() takes it up again. */
  stop(): void {
    this.#stopped = true;
  }

  getWeights(): NamedTensor[] {
    return tensorsOf(this.#session.weights());
  }

  setWeights(tensors: readonly NamedTensor[]): void {
    setTensors(this.#session.weights(), tensors);
  }

  /**
   * Trains on the next batch; with an epoch's last one, evaluates its validation. Gives undefined where training is over or was
   * stopped. Rejects as fit() does, and where another training of the model has begun, or it was compiled again.
   */
  async step(): Promise<TrainedBatch | undefined> {
    return this.#alone(async () => {
      await this.#start();
      // It was restored between an epoch's last batch and its end.
      if (this.#batch === this.#stepsPerEpoch) await this.#endEpoch();
      if (this.#over) return undefined;
      if (!this.#begun) {
        this.#begun = true;
        for (const c of this.#callbacks) await c.onEpochBegin?.(this.#epoch, this);
        if (this.#over) return undefined;
      }
      return this.#step();
    });
  }

  /** Ends it: gives the model its best weights back, if that was asked for, and gives what fit gives. */
  async end(): Promise<History> {
    return this.#alone(async () => {
      await this.#start();
      this.#stopped = true;
      if (this.#ended) return this.history;
      this.#ended = true;
      this.history.stopped = this.#epoch < this.#epochs;
      for (const c of this.#callbacks) await c.onTrainEnd?.(this.history, this);
      this.#session.optimizer.setRate = null;
      return this.history;
    });
  }

  /**
   * All that a training needs to go on from here: between two steps, or in a callback's hook. A copy: later steps do not change
   * it.
   */
  state(): TrainingState {
    const { optimizer, options } = this.#session;
    const { config } = this.#trained;
    const { history, epoch, trainSeconds, trainedSamples, steps } = this.history;
    const { name, config: settings } = optimizer.optimizer;
    return structuredClone({
      version: STATE_VERSION,
      architecture: config!,
      seed: options.seed,
      loss: options.loss,
      data: {
        samples: this.#train.count,
        validationSamples: this.history.validationSamples,
        batchSize: this.#batchSize,
        shuffle: this.#options.shuffle ?? true,
      },
      weights: this.getWeights(),
      optimizer: {
        name,
        config: settings,
        step: optimizer.step,
        learningRate: optimizer.setRate,
        vectors: this.#session.optimizerVectors().map(tensorsOf),
      },
      epoch: this.#epoch,
      batch: this.#batch,
      begun: this.#begun,
      seconds: this.#seconds,
      sums: this.#meters.sums,
      history: { history, epoch, trainSeconds, trainedSamples, steps },
      callbacks: Object.fromEntries(this.#remembering().map(([key, callback]) => [key, callback.state!()])),
    });
  }

  /**
   * Goes on from what state() gave: of this training, or of another one of the same model, optimizer, samples and batch size.
   * Rejects with RangeError that names what differs, and changes nothing then.
   */
  async restore(state: TrainingState): Promise<void> {
    return this.#alone(async () => {
      await this.#check(state);
      await this.#start();
      await this.#take(state);
    });
  }

  /** One thing after another, of the training that the model is in. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#session.training !== this)
      throw new Error(
        "this training is over: another one of the model has begun, or the model was compiled again or disposed of",
      );
    if (this.#busy) throw new Error("a step of the training is under way: wait until it has ended");
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #check(state: TrainingState): Promise<void> {
    await this.#trained.check?.(state, this.state());
  }

  /** Once: what comes before the first step. */
  #start(): Promise<void> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  async #begin(): Promise<void> {
    const { initialState } = this.#options;
    if (initialState) await this.#check(initialState);
    for (const text of this.history.warnings) {
      if (!this.#callbacks.some(({ onWarning }) => onWarning)) console.warn(`wasmgrad: ${text}`);
      for (const c of this.#callbacks) await c.onWarning?.(text);
    }
    const info = {
      epochs: this.#epochs,
      stepsPerEpoch: this.#stepsPerEpoch,
      samples: this.#train.count,
      validationSamples: this.history.validationSamples,
      batchSize: this.#batchSize,
    };
    for (const c of this.#callbacks) await c.onTrainBegin?.(info, this);
    if (initialState) await this.#take(initialState);
  }

  async #take(given: TrainingState): Promise<void> {
    const state = structuredClone(given);
    const { optimizer } = this.#session;
    this.setWeights(state.weights);
    for (const [i, views] of this.#session.optimizerVectors().entries())
      setTensors(views, state.optimizer.vectors[i]!);
    optimizer.step = state.optimizer.step;
    optimizer.setRate = state.optimizer.learningRate;
    this.#epoch = state.epoch;
    this.#batch = state.batch;
    this.#begun = state.begun;
    this.#seconds = state.seconds;
    this.#meters.sums = state.sums;
    Object.assign(this.history, state.history);
    this.#stopped = this.#ended = false;
    for (const [key, callback] of this.#remembering())
      if (Object.hasOwn(state.callbacks, key)) await callback.restore?.(state.callbacks[key], this);
  }

  /** The callbacks that have a state, each by a name of its own. */
  #remembering(): [string, Callbacks][] {
    const counts: Record<string, number> = {};
    return this.#callbacks
      .filter((callback) => callback.state)
      .map((callback) => {
        const { name = "callback" } = callback;
        counts[name] = (counts[name] ?? 0) + 1;
        return [counts[name] === 1 ? name : `${name}_${counts[name]}`, callback];
      });
  }

  async #step(): Promise<TrainedBatch> {
    const { samples, count } = this.#train;
    const epoch = this.#epoch;
    const batch = this.#batch;
    const first = batch * this.#batchSize;
    const seen = Math.min(first + this.#batchSize, count);
    const indices = this.#rows().subarray(first, seen);
    const began = performance.now();
    const result = this.#session.trainStep(samples, indices);
    const elapsed = (performance.now() - began) / 1000;
    this.#seconds += elapsed;
    this.history.trainSeconds += elapsed;
    this.history.trainedSamples += indices.length;
    this.history.steps++;
    this.#meters.add(result, indices.length);
    this.#batch++;
    const { loss } = result;
    const info: BatchInfo = { epoch, batch, seen, imagesPerSecond: seen / this.#seconds };
    const logs = this.#meters.logs();
    for (const c of this.#callbacks) {
      const wait = c.onBatchEnd?.(info, logs, this);
      if (wait) await wait;
    }
    const told = { ...info, loss, logs };
    return this.#batch < this.#stepsPerEpoch ? told : { ...told, epochLogs: await this.#endEpoch() };
  }

  async #endEpoch(): Promise<Logs> {
    const began = performance.now();
    const logs: Logs = {
      ...this.#meters.logs(),
      ...(this.#validation && (await measure(this.#session, this.#validation, {}, "val_"))),
    };
    const { history, epoch: finished } = this.history;
    for (const name in logs) {
      history[name] ??= [];
      history[name].push(logs[name]!);
    }
    const info = {
      epoch: this.#epoch,
      trainSeconds: this.#seconds,
      validationSeconds: (performance.now() - began) / 1000,
      imagesPerSecond: this.#train.count / this.#seconds,
      learningRate: this.learningRate,
    };
    finished.push(this.#epoch);
    // A state that a callback takes goes on with the next epoch.
    this.#epoch++;
    this.#batch = this.#seconds = 0;
    this.#begun = false;
    this.#meters.reset();
    for (const c of this.#callbacks) await c.onEpochEnd?.(info, logs, this);
    return logs;
  }

  /** Numbers of the samples in the order in which this epoch trains on them. */
  #rows(): Uint32Array {
    const epoch = this.#epoch;
    if (this.#order?.epoch !== epoch) {
      const { rows, count } = this.#train;
      const { shuffle = true } = this.#options;
      const order = shuffle ? permutation(count, this.#session.options.seed, epoch) : undefined;
      this.#order = {
        epoch,
        rows: order
          ? rows
            ? order.map((i) => rows[i]!)
            : order
          : (rows ?? Uint32Array.from({ length: count }, (_, i) => i)),
      };
    }
    return this.#order.rows;
  }
}
