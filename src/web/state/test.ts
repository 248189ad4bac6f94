import { signal } from "@preact/signals";
import type { ImageSet } from "../../data/types.ts";
import { type Picks, pickGallery } from "../../report/gallery.ts";
import {
  type ClassReport,
  classReport,
  confusionMatrix,
  type Predictions,
  predictedClasses,
} from "../../report/metrics.ts";
import { announce, dismiss, fault } from "./notices.ts";
import { epochs, type Subject, subject } from "./subject.ts";

/** How the subject does on the test images. */
export interface TestResult {
  readonly loss: number;
  readonly accuracy: number;
  readonly set: ImageSet;
  readonly outputs: Float32Array;
  readonly predictions: Predictions;
  /** Rows truth, columns prediction. */
  readonly confusion: readonly (readonly number[])[];
  readonly classes: ClassReport;
  readonly picks: Picks;
  /** Epochs that were finished then. */
  readonly epochs: number;
}

export const testResult = signal<TestResult | undefined>(undefined);
export const testing = signal(false);

export function forgetTest(): void {
  testResult.value = undefined;
}

let queue: Promise<void> = Promise.resolve();

/** Classifies the test images, also while the model trains; one test after the other. Faults become a notice. */
export function runTest(): Promise<void> {
  queue = queue.then(test);
  return queue;
}

async function test(): Promise<void> {
  const current = subject.value;
  const set = current && testImages(current);
  if (!current || !set) return;
  testing.value = true;
  dismiss("test");
  try {
    const finished = epochs.value.length;
    const { loss } = await current.trainer.evaluate(set);
    const outputs = await current.trainer.predict(set);
    if (subject.value?.trainer !== current.trainer) return;
    testResult.value = await digest(current, set, outputs, loss, finished);
    announce(`Test accuracy ${(100 * testResult.value.accuracy).toFixed(2)} %`);
  } catch (error) {
    if (subject.value?.trainer === current.trainer && current.trainer.state !== "disposed")
      fault("test", error);
  } finally {
    testing.value = false;
  }
}

/** The test images that fit the model; undefined where there are none. */
export function testImages({ data, trainer }: Subject): ImageSet | undefined {
  const set = data?.set.test;
  return set && set.count > 0 && set.shape.join() === trainer.model.inputShape.join() ? set : undefined;
}

/** In parts, so that no part keeps the page from answering. */
async function digest(
  { classNames }: Subject,
  set: ImageSet,
  outputs: Float32Array,
  loss: number,
  finished: number,
): Promise<TestResult> {
  const predictions = predictedClasses(outputs, set.count);
  await nextTask();
  const confusion = confusionMatrix(set.labels, predictions.classes, classNames.length);
  const right = confusion.reduce((sum, row, i) => sum + row[i]!, 0);
  await nextTask();
  const picks = pickGallery(outputs, set.labels);
  await nextTask();
  return {
    loss,
    accuracy: right / set.count,
    set,
    outputs,
    predictions,
    confusion,
    classes: classReport(confusion),
    picks,
    epochs: finished,
  };
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}
