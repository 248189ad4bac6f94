import { median } from "d3-array";
import type { EpochRecord } from "./epoch-record.ts";
import { count, counted, percent, significant } from "./format.ts";

/** Says in a sentence what happened in a training, and one thing to try. Pure: for terminal, report and pages alike. */

export type VerdictKind =
  /** The loss became NaN or infinite, or so large that the answers are worse than guesses. */
  | "diverged"
  /** The answers are as good as guesses. */
  | "learns-nothing"
  /** Validation got worse while training got better. */
  | "overfits"
  /** Some classes have no, or hardly any, images where figures are taken. */
  | "classes";

export interface Verdict {
  readonly kind: VerdictKind;
  /** From 0: the epoch in which it happened, where there is one. Of an overfit: the last one before it. */
  readonly epoch?: number;
  /** What happened: a sentence. */
  readonly text: string;
  /** One thing to do about it: a sentence. */
  readonly tryText: string;
}

export interface VerdictInput {
  /** Finished epochs, in order. */
  readonly history: readonly EpochRecord[];
  /** What was minimized; with `classes` it tells what guessing would cost. */
  readonly loss?: string | undefined;
  /** Number of classes. Leave out for regression: then the loss has no known scale. */
  readonly classes?: number | undefined;
  /** Where the loss became NaN or infinite, as TrainingDivergedError has it: both from 0. */
  readonly diverged?: { readonly epoch: number; readonly batch: number } | undefined;
  /** Loss of the very first batch, before any update: the scale of a regression's loss. */
  readonly firstLoss?: number | undefined;
  /** The optimizer's name, and its learning rate where that is constant. */
  readonly optimizer?: string | undefined;
  readonly learningRate?: number | undefined;
  /** Training steps done. */
  readonly steps?: number | undefined;
  /** Images of each class, see classCounts(). */
  readonly trainCounts?: readonly number[] | undefined;
  readonly validationCounts?: readonly number[] | undefined;
  readonly classNames?: readonly string[] | undefined;
  /** From 0: the epoch whose weights were kept, where it is not simply the last. */
  readonly keptEpoch?: number | undefined;
}

/**
 * A loss this many times that of guessing is no bad luck of a batch: a softmax that knows nothing costs once as much,
 * and healthy first epochs measured here stay below 0.4 times. Adam at 1000 times its usual rate: 5 to 20 times.
 */
const WORSE_THAN_GUESSING = 2;
/** Where a loss has no known scale: a training that ends with ten times the loss that it began with has run away. */
const RUN_AWAY = 10;
/** Below guessing by less than 3 % (0.07 nats of ln 10) is what a model's constant answer gets from the classes' shares. */
const NOTHING_GAINED = 0.97;
/** Right answers beyond those of guessing, as a share of what is left: 10 classes up to 19 %, twice what noise reaches. */
const GUESSED = 0.1;
/**
 * A rise of the validation loss is told of from 4 % of guessing's loss on: 0.09 nats for 10 classes, so that the right
 * class gets a tenth less probability than before. MNIST's reference job rises by 0.02 to 0.04 and stays right; 200 images
 * trained 60 epochs rise by 0.33.
 */
const RISE = 0.04;
/** And by a quarter of itself: where a hard set's loss is large, 4 % of guessing's is noise. */
const RISE_RATIO = 1.25;
/** Epochs whose median is the end of a curve: one bad epoch is not a turn. */
const TAIL = 3;
/** The largest class to the smallest from which accuracy hides the smallest. */
const UNBALANCED = 10;
/** Fewer steps than this may simply be too few. */
const FEW_STEPS = 200;
/** Keras's default learning rates: what suits most models. */
export const USUAL_RATES: Readonly<Record<string, number>> = {
  sgd: 0.01,
  rmsprop: 0.001,
  adam: 0.001,
  adamw: 0.001,
};

/** What to tell about a training; undefined where nothing is wrong with it, or too little is known. */
export function verdict(input: VerdictInput): Verdict | undefined {
  return (
    notFinite(input) ??
    exploded(input) ??
    missingClasses(input) ??
    learnsNothing(input) ??
    overfits(input) ??
    unbalanced(input)
  );
}

/** Images of each class: `counts[id]`. */
export function classCounts(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!] = (counts[labels[i]!] ?? 0) + 1;
  return counts;
}

function notFinite(input: VerdictInput): Verdict | undefined {
  const { history, diverged } = input;
  const epoch = diverged?.epoch ?? history.find(({ loss }) => !Number.isFinite(loss))?.epoch;
  if (epoch !== undefined)
    return {
      kind: "diverged",
      epoch,
      text: `The training diverged: the loss became NaN or infinite in epoch ${epoch + 1}${diverged ? `, batch ${diverged.batch + 1}` : ""}.`,
      tryText: slower(input),
    };
  const blind = history.find(({ val_loss }) => val_loss !== undefined && !Number.isFinite(val_loss));
  if (!blind) return undefined;
  return {
    kind: "diverged",
    epoch: blind.epoch,
    text: `The validation loss became NaN or infinite in epoch ${blind.epoch + 1}, though the training loss is finite.`,
    tryText: "Check that the images and targets for validation are finite and scaled as those for training.",
  };
}

/** Finite, but worse than guessing, or gone back to guessing after such an epoch. */
function exploded(input: VerdictInput): Verdict | undefined {
  const { history, firstLoss } = input;
  const last = history.at(-1);
  if (!last) return undefined;
  const guess = guessing(input);
  const now = end(last);
  const began = firstLoss ?? history[0]!.loss;
  // What can be negative has no scale, and a cosine cannot run away.
  const scaled = began > 0 && input.loss !== "cosineSimilarity";
  const limit = guess
    ? WORSE_THAN_GUESSING * guess.loss
    : scaled
      ? RUN_AWAY * began
      : Number.POSITIVE_INFINITY;
  const first = history.find(({ loss }) => loss > limit);
  const away = guess ? now.loss > NOTHING_GAINED * guess.loss : last.loss > limit;
  if (!first || !away || (guess && !isGuess(now.accuracy, guess.share))) return undefined;
  const scale = guess ? `; guessing costs ${significant(guess.loss)}` : "";
  return {
    kind: "diverged",
    epoch: first.epoch,
    text: `The training ran away: the loss reached ${significant(first.loss)} in epoch ${first.epoch + 1}${scale}.`,
    tryText: slower(input),
  };
}

/** Classes that one part has and the other lacks: undefined where there are none, or a part is not known. */
export function missingClasses({
  trainCounts,
  validationCounts,
  ...input
}: Pick<VerdictInput, "trainCounts" | "validationCounts" | "classNames">): Verdict | undefined {
  if (!trainCounts || !validationCounts || sum(validationCounts) === 0) return undefined;
  const lacks = (counts: readonly number[], others: readonly number[]) =>
    others.flatMap((n, id) => (n > 0 && !counts[id] ? [id] : []));
  const unseen = lacks(trainCounts, validationCounts);
  const unchecked = lacks(validationCounts, trainCounts);
  if (unseen.length + unchecked.length === 0) return undefined;
  const [part, ids, effect] =
    unseen.length > 0
      ? ["Training", unseen, "they are never learned"]
      : ["Validation", unchecked, "its figures say nothing of them"];
  const of = trainCounts.filter((n, id) => n > 0 || validationCounts[id]! > 0).length;
  return {
    kind: "classes",
    text: `${part} has no image of ${ids.length} of ${of} classes (${names(ids, input)}): ${effect}.`,
    tryText: "Take validation from all classes: a stratified split, or images that were shuffled before.",
  };
}

function learnsNothing(input: VerdictInput): Verdict | undefined {
  const { history } = input;
  const last = history.at(-1);
  if (!last) return undefined;
  const guess = guessing(input);
  const now = end(last);
  // Shuffled batches change the sum's rounding, and nothing else does where no weight moves.
  const still =
    history.length > 1 &&
    last.loss !== 0 &&
    history.every(({ loss }) => Math.abs(loss - last.loss) <= 1e-5 * last.loss);
  const guesses =
    guess !== undefined && now.loss > NOTHING_GAINED * guess.loss && isGuess(now.accuracy, guess.share);
  if (!guesses && !(still && guess === undefined)) return undefined;
  const accuracy = now.accuracy === undefined ? "" : `, accuracy ${percent(now.accuracy)}`;
  return {
    kind: "learns-nothing",
    epoch: last.epoch,
    text: guesses
      ? `The model has learned nothing: loss ${significant(now.loss)}${accuracy}, no better than guessing (${significant(guess.loss)}, ${percent(guess.share)}).`
      : `The model has learned nothing: the loss stayed at ${significant(last.loss)}.`,
    tryText: otherRate(input),
  };
}

function overfits(input: VerdictInput): Verdict | undefined {
  const known = input.history.filter(({ val_loss }) => val_loss !== undefined);
  if (known.length < 1 + TAIL) return undefined;
  const lowest = known.reduce((least, record) => (record.val_loss! < least.val_loss! ? record : least));
  const tail = known.slice(-TAIL);
  if (tail.includes(lowest)) return undefined;
  const best = lowest.val_loss!;
  const late = median(tail.map(({ val_loss }) => val_loss!))!;
  const last = known.at(-1)!;
  const guess = guessing(input);
  const rose =
    late > RISE_RATIO * best &&
    (guess ? late - best > RISE * guess.loss : late > RISE_RATIO * median(tail.map((r) => r.loss))!);
  if (!rose || last.loss >= lowest.loss) return undefined;
  const { keptEpoch } = input;
  const kept = keptEpoch !== undefined && keptEpoch !== last.epoch;
  // Why an epoch was kept that is one of those said to overfit.
  const accuracy = known.find(({ epoch }) => epoch === keptEpoch && epoch > lowest.epoch)?.val_accuracy;
  const mostAccurate = accuracy !== undefined && !known.some(({ val_accuracy }) => val_accuracy! > accuracy);
  return {
    kind: "overfits",
    epoch: lowest.epoch,
    text:
      `The model overfits from epoch ${lowest.epoch + 2} on: the validation loss rose from ${significant(best)} to ${significant(last.val_loss)} ` +
      `while the training loss fell from ${significant(lowest.loss)} to ${significant(last.loss)}.`,
    tryText: kept
      ? `The weights of epoch ${keptEpoch + 1}${mostAccurate ? ", the best by validation accuracy," : ""} were kept; more images, dropout or a smaller model would do better.`
      : `Stop after epoch ${lowest.epoch + 1} or keep the best epoch's weights; more images, dropout or a smaller model would do better.`,
  };
}

function unbalanced({ trainCounts, ...input }: VerdictInput): Verdict | undefined {
  const present = trainCounts?.flatMap((n, id) => (n > 0 ? [{ n, id }] : [])) ?? [];
  if (present.length < 2) return undefined;
  const most = present.reduce((a, b) => (b.n > a.n ? b : a));
  const least = present.reduce((a, b) => (b.n < a.n ? b : a));
  if (most.n < UNBALANCED * least.n) return undefined;
  return {
    kind: "classes",
    text: `The classes are unbalanced: ${counted(most.n, "image")} of ${names([most.id], input)}, ${count(least.n)} of ${names([least.id], input)}; accuracy hides the rare ones.`,
    tryText: "Look at recall by class; more images of the rare classes help, copies of them too.",
  };
}

/** What answering every image alike, with the classes' shares, gets; undefined where that cannot be known. */
function guessing({ classes, loss, trainCounts }: VerdictInput): { loss: number; share: number } | undefined {
  if (classes === undefined || classes < 2) return undefined;
  const total = sum(trainCounts ?? []);
  const shares = Array.from({ length: classes }, (_, id) =>
    total > 0 ? trainCounts![id]! / total : 1 / classes,
  );
  const share = Math.max(...shares);
  // One class alone is learned at once, and guessed right: nothing to compare with.
  if (share === 1) return undefined;
  const xlogx = (p: number) => (p === 0 ? 0 : -p * Math.log(p));
  const mean = (f: (p: number) => number) => sum(shares.map(f)) / classes;
  switch (loss) {
    case "categoricalCrossentropy":
    case "sparseCategoricalCrossentropy":
      return { share, loss: sum(shares.map(xlogx)) };
    // Means over the outputs. With one output for two classes both terms are equal, so the mean is right as well.
    case "binaryCrossentropy":
      return { share, loss: mean((p) => xlogx(p) + xlogx(1 - p)) };
    case "meanSquaredError":
      return { share, loss: mean((p) => p * (1 - p)) };
    default:
      return undefined;
  }
}

/** The better of an epoch's training and validation figures: training's are means over an epoch in which it learned. */
function end({ loss, accuracy, val_loss, val_accuracy }: EpochRecord): { loss: number; accuracy?: number } {
  const known = [accuracy, val_accuracy].filter((a) => a !== undefined && !Number.isNaN(a)) as number[];
  return {
    loss: Math.min(loss, val_loss ?? loss),
    ...(known.length > 0 && { accuracy: Math.max(...known) }),
  };
}

function isGuess(accuracy: number | undefined, share: number): boolean {
  return accuracy === undefined || accuracy <= share + GUESSED * (1 - share);
}

function slower({ optimizer = "", learningRate: rate }: VerdictInput): string {
  const usual = USUAL_RATES[optimizer];
  if (rate === undefined) return "Try a tenth of the learning rate.";
  const was = `it was ${rateText(rate)}`;
  if (usual !== undefined && rate > 10 * usual)
    return `Try a learning rate of ${usual}, which suits most models; ${was}.`;
  if (usual !== undefined && rate < usual)
    return `Check that inputs are scaled to about 0 to 1 and targets are finite, and clip gradients to a global norm of 1; the learning rate, ${rateText(rate)}, is low already.`;
  return `Try a learning rate of ${rateText(rate / 10)}, a tenth; ${was}.`;
}

function otherRate(input: VerdictInput): string {
  const { optimizer = "", learningRate: rate, steps } = input;
  const usual = USUAL_RATES[optimizer];
  if (rate !== undefined && usual !== undefined && (rate >= 10 * usual || rate < usual / 10))
    return `Try a learning rate of ${usual}, which suits most models; it was ${rateText(rate)}.`;
  if (steps !== undefined && steps < FEW_STEPS)
    return `Train longer: ${counted(steps, "step")} ${steps === 1 ? "is" : "are"} few.`;
  return "Try another learning rate, ten times less, then ten times more; and check that each label belongs to its image.";
}

/** 1e+30 rather than 1.00e+30. */
function rateText(rate: number): string {
  return String(Number(rate.toPrecision(3)));
}

function names(ids: readonly number[], { classNames }: Pick<VerdictInput, "classNames">): string {
  const shown = ids.slice(0, 5).map((id) => classNames?.[id] ?? `class ${id}`);
  return ids.length > shown.length ? `${shown.join(", ")} ...` : shown.join(", ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
