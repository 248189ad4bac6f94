import { effect, signal } from "@preact/signals";
import type { LayerActivation } from "../../train/compiled-options.ts";
import { fault } from "./notices.ts";
import { epochs, phase, subject, trained } from "./subject.ts";
import { type TestResult, testImages, testResult } from "./test.ts";

/** A cell of the confusion matrix. */
export interface Cell {
  readonly truth: number;
  readonly prediction: number;
}

/** The cell whose images are shown. */
export const cell = signal<Cell | undefined>(undefined);
/** The test image, by its number, that is followed through the layers. */
export const chosenImage = signal<number | undefined>(undefined);
/** What each layer made of it. */
export const activations = signal<readonly LayerActivation[] | undefined>(undefined);

/** Numbers of the test images in a cell. */
export function imagesIn({ set, predictions }: TestResult, { truth, prediction }: Cell): number[] {
  const found: number[] = [];
  for (let i = 0; i < set.count; i++)
    if (set.labels[i] === truth && predictions.classes[i] === prediction) found.push(i);
  return found;
}

/** Another model: what was looked at is gone. */
effect(() => {
  if (testResult.value) return;
  cell.value = undefined;
});

/** Follows the chosen image through the layers, again after each epoch. */
let asked = 0;
effect(() => {
  const current = subject.value;
  const set = current && testImages(current);
  // Looked at again when weights have changed.
  void [epochs.value.length, phase.value === "testing"];
  if (!current || !set || !trained.value) {
    activations.value = undefined;
    return;
  }
  const index = chosenImage.value ?? 0;
  const size = set.shape.reduce((product, n) => product * n, 1);
  if (index >= set.count) return;
  const own = ++asked;
  current.trainer
    .activations(set.images.slice(index * size, (index + 1) * size))
    .then((layers) => {
      if (own === asked) activations.value = layers;
    })
    .catch((error: unknown) => {
      if (own === asked && subject.value?.trainer.state === "idle") fault("activations", error);
    });
});
