import { signal } from "@preact/signals";
import type { ImageSet } from "../../data/types.ts";
import { type Predictions, predictedClasses } from "../../report/metrics.ts";
import type { Samples } from "../../train/samples.ts";
import type { Subject } from "./subject.ts";
import { testImages } from "./test.ts";

/** Test images that are watched while the model learns. */
export const GLANCED = 20;

/** What the model answers for the first test images at the moment. */
export const glance = signal<Predictions | undefined>(undefined);

/** Sent to the worker once for each test set. */
const samples = new WeakMap<ImageSet, Samples>();

export async function lookAtTestImages(current: Subject): Promise<void> {
  const set = testImages(current);
  if (!set) return;
  const count = Math.min(GLANCED, set.count);
  let few = samples.get(set);
  if (!few) {
    few = { shape: set.shape, count, images: set.images.slice(0, (set.images.length / set.count) * count) };
    samples.set(set, few);
  }
  glance.value = predictedClasses(await current.trainer.predict(few), count);
}
