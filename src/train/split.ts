import { elements } from "../nn/graph.ts";
import { type Samples, SamplesError } from "./samples.ts";

/** The first part of the samples and the last, in their order: Keras's validation_split. No copy is made. */
export function splitSamples(samples: Samples, validationSplit: number): [Samples, Samples] {
  const at = Math.floor(samples.count * (1 - validationSplit));
  if (!(at > 0 && at < samples.count))
    throw new SamplesError(
      `validationSplit ${validationSplit} of ${samples.count} sample${samples.count === 1 ? "" : "s"} leaves one part empty: expected a number between 0 and 1`,
    );
  return [slice(samples, 0, at), slice(samples, at, samples.count)];
}

export function slice(samples: Samples, first: number, last: number): Samples {
  const size = elements(samples.shape);
  const outputs = samples.targets ? samples.targets.length / samples.count : 0;
  return {
    shape: samples.shape,
    count: last - first,
    images: samples.images.subarray(first * size, last * size),
    ...(samples.labels && { labels: samples.labels.subarray(first, last) }),
    ...(samples.targets && { targets: samples.targets.subarray(first * outputs, last * outputs) }),
  };
}
