// What training sees of a dataset's pictures: for who looks at them before, so nothing that trains imports it.

import { inMemory, isStreamed } from "../data/streamed.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import type { Model } from "../train/model.ts";
import { type AugmentationPreview, openPreview } from "../train/preview-augmentation.ts";
import { permutation } from "../train/shuffle.ts";
import { orderOf } from "../train/validation.ts";
import type { RunConfig } from "./config.ts";
import { partsOf } from "./run.ts";

/** Some training images as a run's epochs see them. */
export interface SeenImages extends Pick<AugmentationPreview, "layers" | "mixes" | "shape"> {
  /** For each image a picture an epoch: bytes, NHWC. */
  readonly pictures: readonly (readonly Uint8Array[])[];
}

/**
 * What the first epochs of a run see of some training images, to the bit: each is looked for in the shuffled order of each epoch, and
 * varied together with the batch that it is in, by that step's draws. undefined: no layer of the model varies pictures.
 *
 * Throws ModelError on a model of several inputs.
 * @param rows numbers of images that are trained on, not of those for validation
 */
export async function seenInTraining(
  model: Pick<Model, "graph" | "loaded">,
  dataset: Pick<Dataset, "train" | "validation">,
  config: RunConfig,
  rows: readonly number[],
  epochs: number,
): Promise<SeenImages | undefined> {
  const { seed, batchSize, shuffle, preprocessing, backend, threads, maxMemory } = config;
  const { training } = partsOf(dataset, config);
  const stepsPerEpoch = Math.ceil(training.count / batchSize);
  const preview = await openPreview(model, {
    ...{ seed, preprocessing, backend, maxMemory },
    ...(threads !== undefined && { threads }),
  });
  if (!preview) return undefined;
  const pictures: Uint8Array[][] = rows.map(() => []);
  let seen: AugmentationPreview | undefined;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = orderOf(training, shuffle ? permutation(training.count, seed, epoch) : undefined);
      const places = new Map(Array.from(order, (row, i) => [row, i]));
      const batches = new Map<number, number[]>();
      for (const [i, row] of rows.entries()) {
        const batch = Math.floor(places.get(row)! / batchSize);
        batches.set(batch, [...(batches.get(batch) ?? []), i]);
      }
      for (const [batch, wanted] of batches) {
        const indices = order.subarray(batch * batchSize, (batch + 1) * batchSize);
        seen = preview.see(await imagesOf(dataset.train, indices), epoch * stepsPerEpoch + batch);
        const { pixels } = seen;
        const size = pixels.length / indices.length;
        for (const i of wanted) {
          const at = places.get(rows[i]!)! - batch * batchSize;
          pictures[i]!.push(pixels.slice(at * size, (at + 1) * size));
        }
      }
    }
  } finally {
    preview.dispose();
    if (isStreamed(dataset.train)) await dataset.train.close();
  }
  if (!seen) return undefined;
  const { layers, mixes, shape } = seen;
  return { layers, mixes, shape, pictures };
}

/** Their pixels. Of images that are streamed the threads that read go on: the next batch needs them. */
async function imagesOf(set: ImageSet, rows: Uint32Array): Promise<Uint8Array> {
  if (!isStreamed(set)) return (await inMemory(set, rows)).images;
  const [height, width, channels] = set.shape;
  const images = new Uint8Array(rows.length * height * width * channels);
  await set.read(rows, images);
  return images;
}
