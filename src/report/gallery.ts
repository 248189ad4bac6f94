import { type Predictions, predictedClasses } from "./metrics.ts";
import type { GalleryItem, ReportGallery } from "./types.ts";

/** A sample to show: its number, and what the model answered. */
export type Pick = Omit<GalleryItem, "pixels" | "shape">;

export interface Picks {
  /** A spread over the classes: one of each in turn, in the samples' order. */
  readonly correct: readonly Pick[];
  /** The most confidently wrong first: by the probability of the predicted class, then by index. NaN comes last. */
  readonly wrong: readonly Pick[];
  /** All wrong answers. */
  readonly wrongCount: number;
}

export interface GalleryOptions {
  /** At most so many right answers. Default 20. */
  correct?: number | undefined;
  /** At most so many wrong ones. Default 40. */
  wrong?: number | undefined;
}

/**
 * Chooses right and wrong answers to show, by a fixed rule: the same outputs give the same choice.
 * Throws RangeError unless the probabilities `[count, outputs]` are one row for each label.
 */
export function pickGallery(
  probabilities: Float32Array,
  labels: ArrayLike<number>,
  { correct = 20, wrong = 40 }: GalleryOptions = {},
): Picks {
  const predictions = predictedClasses(probabilities, labels.length);
  const picks = Array.from({ length: labels.length }, (_, index) => pickOf(predictions, labels, index));
  const mistakes = picks.filter(({ truth, prediction }) => truth !== prediction);
  const confidence = ({ probability }: Pick) => (Number.isNaN(probability) ? -1 : probability);
  return {
    correct: spread(
      picks.filter(({ truth, prediction }) => truth === prediction),
      correct,
    ),
    wrong: mistakes.sort((a, b) => confidence(b) - confidence(a)).slice(0, wrong),
    wrongCount: mistakes.length,
  };
}

function pickOf({ classes, probabilities }: Predictions, labels: ArrayLike<number>, index: number): Pick {
  return { index, truth: labels[index]!, prediction: classes[index]!, probability: probabilities[index]! };
}

/** One of each class in turn, until `limit`; where the limit is below the number of classes, classes evenly apart. */
function spread(picks: readonly Pick[], limit: number): Pick[] {
  const byClass = new Map<number, Pick[]>();
  for (const pick of picks) {
    const own = byClass.get(pick.truth);
    if (own) own.push(pick);
    else byClass.set(pick.truth, [pick]);
  }
  const queues = [...byClass].sort(([a], [b]) => a - b).map(([, own]) => own);
  const turns =
    limit < queues.length
      ? Array.from({ length: limit }, (_, i) => queues[Math.floor((i * queues.length) / limit)]!)
      : queues;
  const chosen: Pick[] = [];
  for (let round = 0; chosen.length < Math.min(limit, picks.length); round++)
    for (const queue of turns) {
      const pick = queue[round];
      if (pick && chosen.length < limit) chosen.push(pick);
    }
  return chosen;
}

/**
 * The picks with their pixels, copied out of the test set's NHWC bytes, for Report.gallery.
 * Throws RangeError where a pick lies beyond the images.
 */
export function galleryItems(
  picks: Picks,
  images: { readonly images: Uint8Array; readonly shape: readonly number[] },
): ReportGallery {
  const size = images.shape.reduce((product, n) => product * n, 1);
  const withPixels = (pick: Pick): GalleryItem => {
    const first = pick.index * size;
    if (first + size > images.images.length)
      throw new RangeError(
        `galleryItems: image ${pick.index} is not among the ${images.images.length / size} images of shape [${images.shape}]`,
      );
    return { ...pick, pixels: images.images.slice(first, first + size), shape: images.shape };
  };
  return {
    correct: picks.correct.map(withPixels),
    wrong: picks.wrong.map(withPixels),
    wrongCount: picks.wrongCount,
  };
}
