import { yieldToEventLoop } from "#platform";
import type { Callbacks, History, Logs } from "./callbacks.ts";
import { TrainingDivergedError } from "./errors.ts";
import { measure, YIELD_MS } from "./evaluate.ts";
import { requireFiniteWeights } from "./finite.ts";
import type { Samples } from "./samples.ts";
import type { Session } from "./session.ts";
import { permutation } from "./shuffle.ts";
import {
  classesOf,
  countsOf,
  type Part,
  splitForValidation,
  type ValidationSource,
  warningsOf,
  wholePart,
} from "./validation.ts";

export interface FitOptions {
  /** Default 1. */
  epochs?: number;
  /** Default 32. */
  batchSize?: number;
  /** Share of the samples kept from training and evaluated after each epoch. Default none. */
  validationSplit?: number;
  /**
   * Which samples validationSplit takes. "last", as Keras does: right where samples come in no order. "stratified": the
   * same share of each class, drawn by the model's seed. "shuffled": drawn from all. Default "last".
   */
  validationFrom?: ValidationSource;
  /** Or samples of their own to evaluate after each epoch. */
  validationData?: Samples;
  /** A new order each epoch, from the model's seed. Default true. */
  shuffle?: boolean;
  /** Number of the first epoch: continues the shuffles of an earlier fit. Default 0. */
  initialEpoch?: number;
  /**
   * Figure to choose by: at the end the model gets back the weights of the epoch in which it was best (the first of
   * equals), and history.bestEpoch tells which. Default: the last epoch's weights stay.
   */
  restoreBestWeights?: string;
  callbacks?: Callbacks | readonly Callbacks[];
  /** Aborting ends training after the step under way: fit resolves, with `stopped: true`. */
  signal?: AbortSignal;
}

/** Steps between copies of weights that are known to be good: how far back a diverged training may fall. */
const SNAPSHOT_STEPS = 100;

/** See Model.fit, which checks each of the options. */
export async function fit(session: Session, samples: Samples, options: FitOptions): Promise<History> {
  const {
    epochs = 1,
    batchSize = 32,
    validationSplit = 0,
    validationFrom = "last",
    shuffle = true,
  } = options;
  const { initialEpoch = 0, signal } = options;
  if (epochs <= initialEpoch)
    throw new RangeError(
      `epochs is ${epochs} with initialEpoch ${initialEpoch}, expected epochs to be the larger`,
    );
  if (validationSplit !== 0 && options.validationData)
    throw new TypeError("both validationSplit and validationData are given: expected one of them");
  const { train, validation } =
    validationSplit === 0
      ? { train: wholePart(samples), validation: options.validationData && wholePart(options.validationData) }
      : splitForValidation(samples, validationSplit, validationFrom, session.options.seed);
  const callbacks = ([] as Callbacks[]).concat(options.callbacks ?? []);
  const stepsPerEpoch = Math.ceil(train.count / batchSize);

  const classes = classesOf(samples, session.graph);
  const trainCounts = countsOf(train, classes);
  const validationCounts = validation && countsOf(validation, classes);
  const history: History = {
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
  const good = new GoodWeights(session);
  const { restoreBestWeights: figure } = options;
  const meters = session.meters();
  const { names } = meters;
  const reported = validation ? names.concat(names.map((name) => `val_${name}`)) : names;
  if (figure !== undefined && !reported.includes(figure))
    throw new RangeError(
      `restoreBestWeights is '${figure}', but fit reports ${reported.join(", ")}: others need validation data, or compile({ metrics })`,
    );
  const best = figure && new BestWeights(session, figure, meters.sign(figure));
  let yielded = performance.now();
  for (const text of history.warnings) {
    if (!callbacks.some(({ onWarning }) => onWarning)) console.warn(`wasmgrad: ${text}`);
    for (const c of callbacks) await c.onWarning?.(text);
  }
  for (const c of callbacks)
    await c.onTrainBegin?.({
      epochs,
      stepsPerEpoch,
      samples: history.trainSamples,
      validationSamples: history.validationSamples,
      batchSize,
    });

  for (let epoch = initialEpoch; epoch < epochs && !signal?.aborted; epoch++) {
    for (const c of callbacks) await c.onEpochBegin?.(epoch);
    const order = orderOf(train, shuffle ? permutation(train.count, session.options.seed, epoch) : undefined);
    let seconds = 0;
    meters.reset();
    let seen = 0;
    for (let batch = 0; batch < stepsPerEpoch && !signal?.aborted; batch++) {
      const indices = order.subarray(batch * batchSize, Math.min((batch + 1) * batchSize, train.count));
      const began = performance.now();
      const result = session.trainStep(train.samples, indices);
      if (!Number.isFinite(result.loss)) throw good.diverged(result.loss, epoch, batch);
      good.confirm();
      const elapsed = (performance.now() - began) / 1000;
      seconds += elapsed;
      history.trainSeconds += elapsed;
      seen += indices.length;
      history.trainedSamples += indices.length;
      history.steps++;
      meters.add(result, indices.length);
      if (callbacks.length > 0) {
        const logs: Logs = meters.logs();
        for (const c of callbacks) {
          const wait = c.onBatchEnd?.({ epoch, batch, seen, imagesPerSecond: seen / seconds }, logs);
          if (wait) await wait;
        }
      }
      if (performance.now() - yielded > YIELD_MS) {
        await yieldToEventLoop();
        yielded = performance.now();
      }
    }
    // The last update's effect shows in no training loss: look at what it left, where the signal ended the epoch, too.
    if (!session.weightVector.every(Number.isFinite))
      throw good.diverged(Number.NaN, epoch, Math.ceil(seen / batchSize) - 1);
    if (seen < train.count) break;

    const validationBegan = performance.now();
    const logs: Logs = {
      ...meters.logs(),
      ...(validation && (await measure(session, validation, {}, "val_"))),
    };
    for (const name in logs) {
      history.history[name] ??= [];
      history.history[name].push(logs[name]!);
    }
    history.epoch.push(epoch);
    if (best) best.offer(epoch, logs);
    for (const c of callbacks)
      await c.onEpochEnd?.(
        {
          epoch,
          trainSeconds: seconds,
          validationSeconds: (performance.now() - validationBegan) / 1000,
          imagesPerSecond: seen / seconds,
          learningRate: session.optimizer.learningRate,
        },
        logs,
      );
  }
  history.stopped = history.epoch.length < epochs - initialEpoch;
  if (best) {
    const bestEpoch = best.restore();
    if (bestEpoch !== undefined) history.bestEpoch = bestEpoch;
  }
  for (const c of callbacks) await c.onTrainEnd?.(history);
  return history;
}

/** Numbers of a part's samples in the order in which they are trained on. */
function orderOf({ rows, count }: Part, shuffled: Uint32Array | undefined): Uint32Array {
  if (!rows) return shuffled ?? Uint32Array.from({ length: count }, (_, i) => i);
  return shuffled?.map((i) => rows[i]!) ?? rows;
}

/**
 * Keeps a copy of weights that are known to be good. Weights are good when they and the loss that they give
 * are finite, which the next step tells: a copy is a candidate until then.
 */
class GoodWeights {
  readonly #session: Session;
  #good: Float32Array;
  #candidate: Float32Array;
  #steps = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#good = new Float32Array(session.weightVector);
    this.#candidate = new Float32Array(this.#good);
  }

  /** After a step with a finite loss: the weights before it were good. */
  confirm(): void {
    const phase = this.#steps++ % SNAPSHOT_STEPS;
    if (phase === 0) this.#candidate.set(this.#session.weightVector);
    // A weight can be infinite where relu hides it from the loss.
    else if (phase === 1 && this.#candidate.every(Number.isFinite))
      [this.#good, this.#candidate] = [this.#candidate, this.#good];
  }

  /** Gives the model its good weights back, and the error to throw. */
  diverged(loss: number, epoch: number, batch: number): TrainingDivergedError {
    this.#session.weightVector.set(this.#good);
    // The momenta come from the steps that went wrong.
    this.#session.optimizer.reset();
    return new TrainingDivergedError(loss, epoch, batch);
  }
}

/** Keeps a copy of the weights of the best epoch so far. */
class BestWeights {
  readonly #session: Session;
  readonly #figure: string;
  readonly #sign: 1 | -1;
  #best: { epoch: number; value: number; weights: Float32Array } | undefined;

  constructor(session: Session, figure: string, sign: 1 | -1) {
    this.#session = session;
    this.#sign = sign;
    this.#figure = figure;
  }

  offer(epoch: number, logs: Logs): void {
    const value = logs[this.#figure];
    // A validation loss can be NaN: no epoch to go back to.
    if (value === undefined || Number.isNaN(value)) return;
    if (this.#best && this.#sign * value <= this.#sign * this.#best.value) return;
    this.#best = { epoch, value, weights: new Float32Array(this.#session.weightVector) };
  }

  /** Number of the best epoch; undefined where none was finished: then the weights stay as they are. */
  restore(): number | undefined {
    if (this.#best) this.#session.weightVector.set(this.#best.weights);
    return this.#best?.epoch;
  }
}
