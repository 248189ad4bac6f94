import { isStreamed } from "../data/streamed.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import type { LossData, LossName } from "../losses/names.ts";
import { confusionMatrix, predictedClasses } from "../report/metrics.ts";
import type { Asked } from "./asked.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import type { ImageTest } from "./test-images.ts";

/** How a model does on labelled images. */
export interface TestResult {
  readonly count: number;
  readonly loss: number;
  /** Absent where the model's metrics leave it out. */
  readonly accuracy?: number;
  /** Rows truth, columns prediction. */
  readonly confusion: number[][];
  /** The model's outputs, `[count, outputs]`; of images there are too many. */
  readonly outputs: Float32Array;
  /** Further figures by name: the mean IoU of masks, errors of numbers. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Of outputs that are images. */
  readonly images?: ImageTest;
}

/** How a model does on a dataset's images, whatever belongs to each of them. */
export async function testOn(
  model: Asked,
  set: ImageSet,
  { answers, classNames }: Pick<Dataset, "answers" | "classNames">,
  loss: LossName | LossData,
  options: EvaluateOptions = {},
): Promise<TestResult> {
  if (!answers) return testModel(model, set, classNames.length, options);
  const { loss: mean, accuracy, ...figures } = await model.evaluate(set, options);
  const { testImages } = await import("./test-images.ts");
  const images = await testImages(model, set, answers, classNames.length, loss, options);
  return {
    count: set.count,
    loss: mean,
    ...(accuracy !== undefined && { accuracy }),
    figures,
    confusion: images.pixels ?? [],
    outputs: new Float32Array(),
    images,
  };
}

/** @param classes number of classes; options.batchSize does not change the results */
export async function testModel(
  model: Asked,
  set: ImageSet,
  classes: number,
  options: EvaluateOptions = {},
): Promise<TestResult> {
  const evaluate = (own: ImageSet) => model.evaluate(own, options);
  const predict = (own: ImageSet) => model.predict(own, options);
  const [{ loss, accuracy }, outputs] = isStreamed(set)
    ? await (await import("./read-once.ts")).readOnce(set, evaluate, predict)
    : [await evaluate(set), await predict(set)];
  const confusion = confusionMatrix(set.labels, predictedClasses(outputs, set.count).classes, classes);
  return { count: set.count, loss, ...(accuracy !== undefined && { accuracy }), confusion, outputs };
}
