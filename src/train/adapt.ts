import { elements, formatShape, type Shape } from "../compiler/graph.ts";
import { type Preprocessing, preprocessingProblem, TO_UNIT } from "../compiler/preprocessing.ts";
import { finite } from "../model/layers/numbers.ts";
import { checkOptions } from "../options/check.ts";
import { group } from "../options/kinds.ts";
import { isBytes, isPixels, type Samples, SamplesError } from "./samples.ts";

export interface AdaptOptions {
  /** How bytes become numbers, as compile() is told. Default: divided by 255. */
  readonly preprocessing?: { readonly [K in keyof Preprocessing]?: number | undefined } | undefined;
}

const table = () => ({
  preprocessing: group<NonNullable<AdaptOptions["preprocessing"]>>({ scale: finite, offset: finite }),
});

/** What normalization() takes, a number for each channel. */
export interface Statistics {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/**
 * Mean and variance of each channel of samples, as a model sees them: what Keras's Normalization finds by adapt(). Of samples for a
 * model of one input. Throws SamplesError where they are none.
 *
 *     const { train } = await loadDataset("cifar10");
 *     sequential([normalization({ ...adapt(train), inputShape: [32, 32, 3] }), ...]);
 */
export function adapt(
  samples: Pick<Samples, "images" | "shape" | "count">,
  options: AdaptOptions = {},
): Statistics {
  checkOptions({ call: "adapt(samples, *)", table }, options);
  const { scale = TO_UNIT.scale, offset = TO_UNIT.offset } = options.preprocessing ?? {};
  const problem = preprocessingProblem({ scale, offset });
  if (problem) throw new RangeError(`preprocessing: ${problem}`);
  const { images, shape, count } = Object(samples) as typeof samples;
  if (!isPixels(images) || !isShape(shape) || !(count > 0) || images.length !== count * elements(shape))
    throw new SamplesError(
      isPixels(images) && isShape(shape)
        ? `adapt: ${images.length} numbers are no ${count} samples of shape ${formatShape(shape)}`
        : "adapt: got no samples of one input, expected images, shape and count. Write: adapt({ images, shape: [28, 28, 1], count })",
    );
  const C = shape.at(-1)!;
  const rows = images.length / C;
  const mean = new Float64Array(C);
  for (const [i, value] of images.entries()) mean[i % C]! += value;
  for (let c = 0; c < C; c++) mean[c]! /= rows;
  const variance = new Float64Array(C);
  for (const [i, value] of images.entries()) variance[i % C]! += (value - mean[i % C]!) ** 2;
  const [times, plus] = isBytes(images) ? [scale, offset] : [1, 0];
  return {
    mean: Array.from(mean, (value) => value * times + plus),
    variance: Array.from(variance, (sum) => (sum / rows) * times * times),
  };
}

function isShape(value: unknown): value is Shape {
  return (
    Array.isArray(value) && value.length > 0 && value.every((size) => Number.isSafeInteger(size) && size >= 1)
  );
}
