import { signal } from "@preact/signals";
import { take, takeOfEach } from "../../data/split.ts";
import type { ImageSet } from "../../data/types.ts";
import { type Predictions, predictedClasses } from "../../report/metrics.ts";
import type { Loaded } from "./dataset.ts";
import { OWN_FILES } from "./settings.ts";
import type { Subject } from "./subject.ts";
import { testImages } from "./test.ts";

/** Test images that are watched while the model learns. */
export const GLANCED = 20;

/** What the model answers for the first test images at the moment. */
export const glance = signal<Predictions | undefined>(undefined);

/** Sent to the worker once for each test set. */
const samples = new WeakMap<ImageSet, ImageSet>();

/** The test images that are watched: the first, or of files of the visitor's own, which may be sorted, some of each class. */
export function glanced({ set: { test }, name }: Loaded): ImageSet {
  let few = samples.get(test);
  if (!few) {
    few = (name === OWN_FILES ? takeOfEach : take)(test, Math.min(GLANCED, test.count));
    samples.set(test, few);
  }
  return few;
}

export async function lookAtTestImages(current: Subject): Promise<void> {
  if (!testImages(current)) return;
  const few = glanced(current.data!);
  glance.value = predictedClasses(await current.trainer.predict(few), few.count);
}
