import { yieldToEventLoop } from "#platform";
import { BestWeights } from "./best-weights.ts";
import type { Callbacks, History, Logs, OwnCallbacks, TrainingHandle } from "./callbacks.ts";
import type { Division } from "./divide.ts";
import { measure, YIELD_MS } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import { goodWeights } from "./good-weights.ts";
import type { Meters } from "./meters.ts";
import type { Place } from "./place.ts";
import type { Session } from "./session.ts";
import { permutation } from "./shuffle.ts";
import { batchOf, classesOf, countsOf, orderOf, type Part } from "./validation.ts";
import { trainWords } from "./words.ts";

/** A training before its first step. */
export interface Prepared {
  readonly session: Session;
  readonly train: Part;
  readonly validation: Part | undefined;
  readonly meters: Meters;
  /** What an epoch reports, by name. */
  readonly figures: readonly string[];
  /** The guard, what keeps the last weights, fit's own, and those that were given. */
  readonly callbacks: readonly Callbacks[];
  readonly place: Place;
}

/** Takes what Model has checked, and weights that are finite. Throws where options do not go together. */
export function prepare(
  session: Session,
  { train, validation, warnings }: Division,
  options: FitOptions,
): Prepared {
  const { epochs = 1, initialEpoch = 0 } = options;
  if (epochs <= initialEpoch) throw new RangeError(trainWords.fewEpochs(epochs, initialEpoch));
  const classes = classesOf(train.samples, session.graph);
  const trainCounts = countsOf(train, classes);
  const validationCounts = validation && countsOf(validation, classes);
  const { restoreBestWeights: figure } = options;
  const meters = session.meters();
  const { names } = meters;
  const figures = validation ? names.concat(names.map((name) => `val_${name}`)) : names;
  if (figure !== undefined && !figures.includes(figure))
    throw new RangeError(trainWords.noFigure(figure, figures));
  const best = figure === undefined ? [] : [new BestWeights(session, figure, meters.sign(figure))];
  const history: History = {
    history: { loss: [] },
    epoch: [],
    stopped: false,
    warnings,
    trainSeconds: 0,
    trainedSamples: 0,
    steps: 0,
    trainSamples: train.count,
    validationSamples: validation?.count ?? 0,
    trainCounts,
    validationCounts,
  };
  const place: Place = { epoch: initialEpoch, batch: 0, begun: false, seconds: 0, history, stopping: false };
  const { optimizer } = session;
  const average: Callbacks = { onTrainEnd: () => optimizer.useAverage(session.writableWeights) };
  const averages = optimizer.optimizer.options.useEma ? [average] : [];
  const others: OwnCallbacks[] = [
    ...averages,
    ...best,
    ...([] as Callbacks[]).concat(options.callbacks ?? []),
  ];
  const keeper: Callbacks = {
    onTrainEnd() {
      if (others.some(({ onTrainEnd }) => onTrainEnd)) place.last = session.getWeights();
    },
  };
  const quietly = others.some(({ terminatesOnNaN }) => terminatesOnNaN);
  const callbacks = [goodWeights(session, place, quietly), keeper, ...others];
  return { session, train, validation, meters, figures, callbacks, place };
}

/**
 * The training, a batch at a time: it rests after each with which it is not at its end. `handle`: what callbacks get of it.
 * Throws TrainingDivergedError, and what callbacks throw.
 */
export async function* steps(
  { session, train, validation, meters, figures, callbacks, place }: Prepared,
  { epochs = 1, batchSize = 32, shuffle = true, signal }: FitOptions,
  handle: TrainingHandle,
): AsyncGenerator<undefined, void> {
  const { count } = train;
  const stepsPerEpoch = Math.ceil(count / batchSize);
  const over = () => place.stopping || signal?.aborted;
  let yielded = performance.now();
  const { warnings, validationSamples } = place.history;
  for (const text of warnings) {
    if (!callbacks.some(({ onWarning }) => onWarning)) console.warn(`wasmgrad: ${text}`);
    for (const c of callbacks) await c.onWarning?.(text);
  }
  const signs = figures.map((name) => meters.sign(name));
  const info = { epochs, stepsPerEpoch, samples: count, validationSamples, batchSize, figures, signs };
  for (const c of callbacks) await c.onTrainBegin?.(info, handle);

  while (place.epoch < epochs && !over()) {
    const { epoch, history } = place;
    if (!place.begun) {
      place.begun = true;
      place.batch = place.seconds = 0;
      meters.reset();
      for (const c of callbacks) await c.onEpochBegin?.(epoch, handle);
    }
    const order = orderOf(train, shuffle ? permutation(count, session.options.seed, epoch) : undefined);
    let seen = Math.min(place.batch * batchSize, count);
    while (place.batch < stepsPerEpoch && !over()) {
      const indices = order.subarray(place.batch * batchSize, (place.batch + 1) * batchSize);
      const began = performance.now();
      const given = await batchOf(train, indices);
      // A state that is asked for from here on has this batch.
      const batch = place.batch++;
      const result = session.trainStep(...given);
      const { loss } = result;
      const elapsed = (performance.now() - began) / 1000;
      place.seconds += elapsed;
      history.trainSeconds += elapsed;
      seen += indices.length;
      history.trainedSamples += indices.length;
      history.steps++;
      // Where the guard is about to end the training, its state is one to go on from.
      if (Number.isFinite(loss)) meters.add(result, indices.length);
      const info = { epoch, batch, loss, seen, imagesPerSecond: seen / place.seconds };
      const logs: Logs = meters.logs();
      for (const c of callbacks) {
        const wait = c.onBatchEnd?.(info, logs, handle);
        if (wait) await wait;
      }
      if (performance.now() - yielded > YIELD_MS) {
        await yieldToEventLoop();
        yielded = performance.now();
      }
      if (place.batch < stepsPerEpoch) yield;
    }
    if (seen < count || history.diverged) break;

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
    place.epoch++;
    place.batch = 0;
    place.begun = false;
    const info = {
      epoch,
      trainSeconds: place.seconds,
      validationSeconds: (performance.now() - validationBegan) / 1000,
      imagesPerSecond: seen / place.seconds,
      // Before callbacks set the next epoch's.
      learningRate: session.optimizer.learningRate,
    };
    for (const c of callbacks) await c.onEpochEnd?.(info, logs, handle);
    if (place.epoch < epochs && !over()) yield;
  }
  place.history.stopped = place.epoch < epochs;
  for (const c of callbacks) await c.onTrainEnd?.(place.history, handle);
}
