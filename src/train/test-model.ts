import type { ImageSet } from "../data/types.ts";
import { confusionMatrix, predictedClasses } from "../report/metrics.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { Samples } from "./samples.ts";

/** What can be asked: a compiled Model, or a Trainer. */
export interface Asked {
  evaluate(samples: Samples, options?: EvaluateOptions): Promise<Evaluation>;
  predict(samples: Samples, options?: EvaluateOptions): Promise<Float32Array>;
}

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

/** @param classes number of classes; options.batchSize does not change the results */
export async function testModel(
  model: Asked,
  set: ImageSet,
  classes: number,
  options: EvaluateOptions = {},
): Promise<TestResult> {
  const { loss, accuracy } = await model.evaluate(set, options);
  const outputs = await model.predict(set, options);
  const confusion = confusionMatrix(set.labels, predictedClasses(outputs, set.count).classes, classes);
  return { count: set.count, loss, ...(accuracy !== undefined && { accuracy }), confusion, outputs };
}
