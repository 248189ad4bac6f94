import type { ImageSet } from "../../data/types.ts";
import { confusionMatrix, predictedClasses } from "../../report/metrics.ts";
import type { Sequential } from "../../train/sequential.ts";

/** How a model does on labelled images. */
export interface TestResult {
  readonly count: number;
  readonly loss: number;
  /** Absent where the model's metrics leave it out. */
  readonly accuracy?: number;
  /** Rows truth, columns prediction. */
  readonly confusion: number[][];
  /** The model's outputs, `[count, outputs]`. */
  readonly outputs: Float32Array;
}

/** @param batchSize images computed at once; it does not change the results */
export async function testModel(
  model: Sequential,
  set: ImageSet,
  classes: number,
  options: { readonly signal?: AbortSignal; readonly batchSize?: number } = {},
): Promise<TestResult> {
  const { loss, accuracy } = await model.evaluate(set, options);
  const outputs = await model.predict(set, options);
  const confusion = confusionMatrix(set.labels, predictedClasses(outputs, set.count).classes, classes);
  return { count: set.count, loss, ...(accuracy !== undefined && { accuracy }), confusion, outputs };
}
