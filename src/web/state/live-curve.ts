import type { BatchInfo, Logs } from "../../train/callbacks.ts";

/** Loss and accuracy over a stretch of training; x in epochs, so that 1.5 is the middle of the second. */
export interface LivePoint {
  readonly x: number;
  readonly loss: number;
  readonly accuracy: number;
  /** Images that the means are over. */
  readonly images: number;
}

/** Sums of an epoch up to a report. */
export interface Reported {
  readonly epoch: number;
  readonly seen: number;
  readonly lossSum: number;
  readonly correct: number;
}

/** Points above which neighbours are merged: a line of more shows no more. */
const MOST = 600;
/** A stretch of fewer images, such as what is left at an epoch's end, is too short for a point of its own. */
const LEAST_IMAGES = 128;

/**
 * Collects the figures of a running epoch, which fit() reports as means since the epoch began, as means of each
 * stretch between two reports. Long runs are thinned out, so that memory and drawing stay small.
 */
export class LiveCurve {
  #points: LivePoint[] = [];
  /** Stretches that make one point. */
  #merge = 1;
  #open: LivePoint[] = [];
  #last: Reported = { epoch: -1, seen: 0, lossSum: 0, correct: 0 };

  /** The curve of points that were taken from one, or with `last` one that goes on where that was. */
  static of(points: readonly LivePoint[], last?: Reported): LiveCurve {
    const made = new LiveCurve();
    made.#points = [...points];
    if (last) made.#last = last;
    return made;
  }

  /** What it was told last. */
  get last(): Reported {
    return this.#last;
  }

  get points(): readonly LivePoint[] {
    return this.#points;
  }

  /** `samples`: images in an epoch. */
  add({ epoch, seen }: Pick<BatchInfo, "epoch" | "seen">, logs: Logs, samples: number): void {
    const last = this.#last.epoch === epoch ? this.#last : { epoch, seen: 0, lossSum: 0, correct: 0 };
    const images = seen - last.seen;
    if (images <= 0) return;
    const now = { epoch, seen, lossSum: logs.loss * seen, correct: (logs.accuracy ?? Number.NaN) * seen };
    this.#last = now;
    const point = {
      x: epoch + seen / samples,
      loss: (now.lossSum - last.lossSum) / images,
      accuracy: Math.min(1, Math.max(0, (now.correct - last.correct) / images)),
      images,
    };
    const before = this.#open.length > 0 ? this.#open : this.#points;
    if (images < LEAST_IMAGES && last.seen > 0 && before.length > 0) {
      before.push(merged([before.pop()!, point]));
      return;
    }
    this.#open.push(point);
    if (this.#open.length < this.#merge) return;
    this.#points.push(merged(this.#open));
    this.#open = [];
    if (this.#points.length < MOST) return;
    this.#points = Array.from({ length: MOST / 2 }, (_, i) => merged(this.#points.slice(2 * i, 2 * i + 2)));
    this.#merge *= 2;
  }
}

function merged(points: readonly LivePoint[]): LivePoint {
  const images = points.reduce((sum, point) => sum + point.images, 0);
  const mean = (key: "loss" | "accuracy") =>
    points.reduce((sum, point) => sum + point[key] * point.images, 0) / images;
  return { x: points.at(-1)!.x, loss: mean("loss"), accuracy: mean("accuracy"), images };
}
