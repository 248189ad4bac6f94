// The metrics that are loaded where one is asked for: see browser/host/given.ts. They stand apart from their names, which every
// page has: metric.ts. Formulas and defaults are Keras's; sums are in f64, over all samples of an epoch.
import { ln } from "../options/ln.ts";
import type { Metric, MetricBatch, MetricName } from "./metric.ts";

type Definition = Omit<Metric, "name">;

/** Index of the greatest of a row, the first of equals; -1 where one is NaN. */
function argmax(x: Float32Array, first: number, cols: number): number {
  let best = 0;
  for (let i = 0; i < cols; i++) {
    const v = x[first + i]!;
    if (Number.isNaN(v)) return -1;
    if (v > x[first + best]!) best = i;
  }
  return best;
}

/** 0 where nothing is counted. */
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

const categoricalAccuracy: Definition = {
  update(accumulators, { outputs, targets, rows, cols }) {
    for (let first = 0; first < rows * cols; first += cols) {
      const best = argmax(outputs, first, cols);
      if (best >= 0 && best === argmax(targets, first, cols)) accumulators[0]!++;
    }
    accumulators[1]! += rows;
  },
};

const topKCategoricalAccuracy: Definition = {
  options: { k: 5 },
  update(accumulators, { outputs, targets, rows, cols }, { k }) {
    for (let first = 0; first < rows * cols; first += cols) {
      let right = 0;
      for (let i = 1; i < cols; i++) if (targets[first + i]! > targets[first + right]!) right = i;
      const wanted = outputs[first + right]!;
      let greater = 0;
      for (let i = 0; i < cols; i++) if (outputs[first + i]! > wanted) greater++;
      // NaN is greater than nothing, and right in nothing.
      if (greater < (k as number) && !Number.isNaN(wanted)) accumulators[0]!++;
    }
    accumulators[1]! += rows;
  },
};

/** Tells `each` of every output whether it says yes, whether it should, and its class. */
function eachAnswer(
  { outputs, targets, rows, cols }: MetricBatch,
  { threshold, topK, classId }: Readonly<Record<string, unknown>>,
  each: (yes: boolean, right: boolean, id: number) => void,
): void {
  for (let first = 0; first < rows * cols; first += cols)
    for (let id = 0; id < cols; id++) {
      if (classId !== undefined && id !== classId) continue;
      const v = outputs[first + id]!;
      let yes =
        v > ((threshold as number | undefined) ?? (topK === undefined ? 0.5 : Number.NEGATIVE_INFINITY));
      if (yes && topK !== undefined) {
        // Of equals the first are among them.
        let before = 0;
        for (let i = 0; i < cols; i++) {
          const other = outputs[first + i]!;
          if (other > v || (other === v && i < id)) before++;
        }
        yes = before < (topK as number);
      }
      each(yes, targets[first + id]! > 0.5, id);
    }
}

/** Right ones among those that say yes, or among those that should. */
const shareOfRight = (among: "yes" | "right"): Definition => ({
  update(accumulators, batch, options) {
    eachAnswer(batch, options, (yes, right) => {
      if (yes && right) accumulators[0]!++;
      if (among === "yes" ? yes : right) accumulators[1]!++;
    });
  },
  value: ([both, all]) => share(both!, all!),
});

/** Area under the curve of points x[i], y[i], x falling. */
function area(x: readonly number[], y: readonly number[], method: unknown): number {
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [y[i]!, y[i + 1]!];
    const height =
      method === "minoring" ? Math.min(a, b) : method === "majoring" ? Math.max(a, b) : (a + b) / 2;
    sum += (x[i]! - x[i + 1]!) * height;
  }
  return sum;
}

/** Area under the curve of precision over recall, interpolated as Davis and Goadrich 2006 do it. */
function areaBetween(tp: readonly number[], fp: readonly number[], positives: number): number {
  let sum = 0;
  for (let i = 0; i + 1 < tp.length; i++) {
    const [p, next] = [tp[i]! + fp[i]!, tp[i + 1]! + fp[i + 1]!];
    const dtp = tp[i]! - tp[i + 1]!;
    const slope = share(dtp, Math.max(p - next, 0));
    const ratio = p > 0 && next > 0 ? p / next : 1;
    sum += share(slope * (dtp + (tp[i + 1]! - slope * next) * ln(ratio)), positives);
  }
  return sum;
}

/** The area of one label, from what lies in its buckets: ones, then zeros. */
function aucOf(buckets: Float64Array, { curve, summationMethod }: Readonly<Record<string, unknown>>): number {
  const n = buckets.length / 2;
  // Those above each threshold: sums from the last bucket on.
  const above = (first: number) => {
    const sums: number[] = new Array(n);
    let sum = 0;
    for (let i = n - 1; i >= 0; i--) {
      sum += buckets[first + i]!;
      sums[i] = sum;
    }
    return sums;
  };
  const [tp, fp] = [above(0), above(n)];
  const [ones, zeros] = [tp[0]!, fp[0]!];
  const recall = tp.map((count) => share(count, ones));
  if (curve === "PR") {
    if (summationMethod === "interpolation") return areaBetween(tp, fp, ones);
    return area(
      recall,
      tp.map((count, i) => share(count, count + fp[i]!)),
      summationMethod,
    );
  }
  return area(
    fp.map((count) => share(count, zeros)),
    recall,
    summationMethod,
  );
}

const meanError = (term: (d: number) => number, value?: Definition["value"]): Definition => ({
  better: "less",
  update(accumulators, { outputs, targets }) {
    for (let i = 0; i < outputs.length; i++) accumulators[0]! += term(outputs[i]! - targets[i]!);
    accumulators[1]! += outputs.length;
  },
  ...(value && { value }),
});

export const EXTRA_METRICS = {
  /** Share of samples whose greatest output is that of the class. The same for labels, which become one-hot targets. */
  categoricalAccuracy,
  sparseCategoricalAccuracy: categoricalAccuracy,

  /** See binaryAccuracy(). */
  binaryAccuracy: {
    options: { threshold: 0.5 },
    update(accumulators, batch, options) {
      eachAnswer(batch, options, (yes, right) => {
        if (yes === right) accumulators[0]!++;
      });
      accumulators[1]! += batch.rows * batch.cols;
    },
  },

  /** See topKCategoricalAccuracy(). */
  topKCategoricalAccuracy,
  sparseTopKCategoricalAccuracy: topKCategoricalAccuracy,

  /** See precision(), recall(). */
  precision: shareOfRight("yes"),
  recall: shareOfRight("right"),

  /** See f1Score(). By class: right ones, those that say yes, those that should. */
  f1Score: {
    options: { average: "macro" },
    sizeOf: (cols) => 3 * cols,
    update(accumulators, batch, { threshold }) {
      const options = { threshold, topK: threshold === undefined && batch.cols > 1 ? 1 : undefined };
      eachAnswer(batch, options, (yes, right, id) => {
        if (yes && right) accumulators[3 * id]!++;
        if (yes) accumulators[3 * id + 1]!++;
        if (right) accumulators[3 * id + 2]!++;
      });
    },
    value(accumulators, { average }) {
      const ids = Array.from({ length: accumulators.length / 3 }, (_, id) => 3 * id);
      const f1 = (both: number, yes: number, right: number) => share(2 * both, yes + right);
      const sum = (of: (at: number) => number) => ids.reduce((total, at) => total + of(at), 0);
      const [right, one] = [
        (at: number) => accumulators[at + 2]!,
        (at: number) => f1(accumulators[at]!, accumulators[at + 1]!, accumulators[at + 2]!),
      ];
      if (average === "micro")
        return f1(
          sum((at) => accumulators[at]!),
          sum((at) => accumulators[at + 1]!),
          sum(right),
        );
      if (average === "weighted")
        return share(
          sum((at) => one(at) * right(at)),
          sum(right),
        );
      return sum(one) / ids.length;
    },
  },

  /** See auc(). By label the ones in each bucket between two thresholds, then the zeros. */
  auc: {
    options: { numThresholds: 200, curve: "ROC", summationMethod: "interpolation", multiLabel: false },
    sizeOf: (cols, { numThresholds, multiLabel }) => 2 * (numThresholds as number) * (multiLabel ? cols : 1),
    update(accumulators, { outputs, targets, cols }, { numThresholds, multiLabel }) {
      const n = numThresholds as number;
      for (let i = 0; i < outputs.length; i++) {
        // NaN is above no threshold but the first, which lies below 0. The product is rounded as f32's.
        const at = Math.ceil(Math.fround(Math.fround(n - 1) * outputs[i]!)) - 1 || 0;
        const bucket = Math.max(0, Math.min(n - 1, at)) + (multiLabel ? 2 * n * (i % cols) : 0);
        accumulators[targets[i]! > 0.5 ? bucket : n + bucket]!++;
      }
    },
    value(accumulators, options) {
      const size = 2 * (options.numThresholds as number);
      const labels = accumulators.length / size;
      let sum = 0;
      for (let i = 0; i < labels; i++) sum += aucOf(accumulators.subarray(i * size, (i + 1) * size), options);
      return sum / labels;
    },
  },

  /**
   * Mean over classes of what is of a class and called so, over what is either: of the confusion matrix. Classes that are neither are
   * left out. Of one output the classes are 0 and, above 0.5, 1.
   */
  meanIoU: {
    sizeOf: (cols) => Math.max(cols, 2) ** 2,
    update(accumulators, { outputs, targets, rows, cols }) {
      const classes = Math.max(cols, 2);
      const idOf = (x: Float32Array, first: number) =>
        cols === 1 ? Number(x[first]! > 0.5) : Math.max(argmax(x, first, cols), 0);
      for (let first = 0; first < rows * cols; first += cols)
        accumulators[idOf(targets, first) * classes + idOf(outputs, first)]!++;
    },
    value(accumulators) {
      const classes = Math.sqrt(accumulators.length);
      let [sum, present] = [0, 0];
      for (let id = 0; id < classes; id++) {
        let either = -accumulators[id * classes + id]!;
        for (let i = 0; i < classes; i++)
          either += accumulators[id * classes + i]! + accumulators[i * classes + id]!;
        if (either === 0) continue;
        present++;
        sum += accumulators[id * classes + id]! / either;
      }
      return share(sum, present);
    },
  },

  /** Mean over outputs and samples of |y - t|, of (y - t)^2, and the root of the latter. */
  meanAbsoluteError: meanError(Math.abs),
  meanSquaredError: meanError((d) => d * d),
  rootMeanSquaredError: meanError(
    (d) => d * d,
    ([sum, count]) => Math.sqrt(sum! / count!),
  ),

  /** Mean over samples of the cosine of the angle between outputs and targets; 0 where one of them is 0. */
  cosineSimilarity: {
    update(accumulators, { outputs, targets, rows, cols }) {
      for (let first = 0; first < rows * cols; first += cols) {
        let [yy, tt, yt] = [0, 0, 0];
        for (let i = first; i < first + cols; i++) {
          yy += outputs[i]! * outputs[i]!;
          tt += targets[i]! * targets[i]!;
          yt += outputs[i]! * targets[i]!;
        }
        // Lengths are held above Keras's epsilon.
        accumulators[0]! += yt / Math.max(Math.sqrt(yy), 1e-7) / Math.max(Math.sqrt(tt), 1e-7);
      }
      accumulators[1]! += rows;
    },
  },
} satisfies Record<Exclude<MetricName, "accuracy">, Definition>;
