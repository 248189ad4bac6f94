/** What a model answered for each of `count` samples. */
export interface Predictions {
  /** Class ids; -1 where an output is NaN: such a sample counts as wrong. */
  readonly classes: Int32Array;
  /** Probability of that class; NaN where there is none. */
  readonly probabilities: Float32Array;
}

/**
 * The answer in each row of outputs `[count, outputs]`: the greatest, the first of equals.
 * A single output is the probability of class 1, which is the answer above 0.5. Agrees with the engine's accuracy.
 * Throws RangeError unless the outputs are `count` whole rows.
 */
export function predictedClasses(outputs: Float32Array, count: number): Predictions {
  const width = outputs.length / count;
  if (!Number.isSafeInteger(width) || width < 1)
    throw new RangeError(
      `predictedClasses: got ${outputs.length} outputs for ${count} samples, expected whole rows`,
    );
  const classes = new Int32Array(count);
  const probabilities = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const row = outputs.subarray(i * width, (i + 1) * width);
    const best = row.some(Number.isNaN) ? -1 : answer(row, 0, width);
    classes[i] = best;
    probabilities[i] = best < 0 ? Number.NaN : width > 1 ? row[best]! : best === 1 ? row[0]! : 1 - row[0]!;
  }
  return { classes, probabilities };
}

/** The place of the greatest of `width` numbers, the first of equals; of one number 1 above 0.5. */
function answer(outputs: Float32Array, first: number, width: number): number {
  if (width === 1) return Number(outputs[first]! > 0.5);
  let best = 0;
  for (let i = 1; i < width; i++) if (outputs[first + i]! > outputs[first + best]!) best = i;
  return best;
}

/** The class of each pixel: that of the greatest; of one number 1 above 0.5. */
export function predictedMask(output: Float32Array, pixels: number): Uint8Array {
  const cols = output.length / pixels;
  return Uint8Array.from({ length: pixels }, (_, at) => answer(output, at * cols, cols));
}

/**
 * Counts `[classes][classes]`: rows truth, columns prediction. Samples predicted as -1 (see Predictions) are in no column.
 * Throws RangeError where lengths differ, or an id is outside the classes.
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): number[][] {
  if (labels.length !== predictions.length)
    throw new RangeError(
      `confusionMatrix: got ${labels.length} labels and ${predictions.length} predictions`,
    );
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const truth = labels[i]!;
    const prediction = predictions[i]!;
    const row = matrix[truth];
    if (!row)
      throw new RangeError(`confusionMatrix: label ${i} is ${truth}, expected a class id below ${classes}`);
    if (prediction === -1) continue;
    if (row[prediction] === undefined)
      throw new RangeError(
        `confusionMatrix: prediction ${i} is ${prediction}, expected a class id below ${classes}, or -1`,
      );
    row[prediction]++;
  }
  return matrix;
}

/** Figures of one class. Null is 0/0: there is nothing to take a share of. */
export interface ClassFigures {
  /** Share of the samples predicted as this class that are; null if none is predicted as it. */
  readonly precision: number | null;
  /** Share of this class's samples that are predicted as it; null if it has no samples. */
  readonly recall: number | null;
  /** Harmonic mean of both, 2 TP / (2 TP + FP + FN); null if the class is neither there nor predicted. */
  readonly f1: number | null;
  /** Samples of this class. */
  readonly support: number;
}

export interface ClassReport {
  readonly classes: readonly ClassFigures[];
  /**
   * Unweighted means, and all samples. A class that is neither there nor predicted is left out; else 0/0 counts as 0,
   * so that a class which is never predicted cannot flatter the mean: scikit-learn's default too.
   * Null where no class is left.
   */
  readonly macro: ClassFigures;
}

/** Precision, recall and F1 of each class from a confusion matrix (rows truth, columns prediction). */
export function classReport(matrix: readonly (readonly number[])[]): ClassReport {
  const classes = matrix.map((row, c): ClassFigures => {
    const right = row[c]!;
    const support = row.reduce((sum, n) => sum + n, 0);
    const predicted = matrix.reduce((sum, other) => sum + other[c]!, 0);
    return {
      precision: ratio(right, predicted),
      recall: ratio(right, support),
      f1: ratio(2 * right, support + predicted),
      support,
    };
  });
  const present = classes.filter(({ f1 }) => f1 !== null);
  const mean = (figure: "precision" | "recall" | "f1") =>
    ratio(
      present.reduce((sum, c) => sum + (c[figure] ?? 0), 0),
      present.length,
    );
  return {
    classes,
    macro: {
      precision: mean("precision"),
      recall: mean("recall"),
      f1: mean("f1"),
      support: classes.reduce((sum, c) => sum + c.support, 0),
    },
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/**
 * Of each class what is of it and predicted as it, over what is either: its intersection over union. Null where it is neither there nor
 * predicted.
 */
export function intersectionsOverUnions(matrix: readonly (readonly number[])[]): (number | null)[] {
  return matrix.map((row, c) => {
    const predicted = matrix.reduce((sum, other) => sum + other[c]!, 0);
    return ratio(row[c]!, row.reduce((sum, n) => sum + n, 0) + predicted - row[c]!);
  });
}

/** A kind of mistake: samples of class `truth` predicted as another. */
export interface Mistake {
  readonly truth: number;
  readonly prediction: number;
  readonly count: number;
  /** Of the samples of class `truth`. */
  readonly share: number;
}

/** The most frequent kinds of mistakes, at most `limit`; of equals the lower truth first, then the lower prediction. */
export function topMistakes(matrix: readonly (readonly number[])[], limit: number): Mistake[] {
  return matrix
    .flatMap((row, truth) => {
      const support = row.reduce((sum, n) => sum + n, 0);
      return row.map((count, prediction): Mistake => ({ truth, prediction, count, share: count / support }));
    })
    .filter(({ truth, prediction, count }) => truth !== prediction && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, limit);
}
