import { type ByName, type Pixels, type Samples, SamplesError } from "./samples.ts";

/** The first part of the samples and the last, in their order: Keras's validation_split. No copy is made. */
export function splitSamples<S extends Samples>(samples: S, validationSplit: number): [S, S] {
  const at = splitAt(samples, validationSplit);
  return [slice(samples, 0, at), slice(samples, at, samples.count)];
}

/** How many samples the first part has. Throws SamplesError where one would be empty. */
export function splitAt({ count }: Pick<Samples, "count">, validationSplit: number): number {
  const at = Math.floor(count * (1 - validationSplit));
  if (!(at > 0 && at < count))
    throw new SamplesError(
      `validationSplit ${validationSplit} of ${count} sample${count === 1 ? "" : "s"} leaves one part empty: expected a number between 0 and 1`,
    );
  return at;
}

/** Some of the samples, which are inOrder(). */
export function slice<S extends Samples>(samples: S, first: number, last: number): S {
  const { images, labels, targets, weights, shape, count } = samples;
  const part = <T extends Pixels | undefined>(array: T): T => {
    const size = array ? array.length / count : 0;
    return array?.subarray(first * size, last * size) as T;
  };
  const parts = <T extends Pixels | undefined>(arrays: T | readonly T[] | ByName<NonNullable<T>>): T | T[] =>
    Array.isArray(arrays) ? arrays.map(part) : part(arrays as T);
  const sliced: Samples = {
    shape,
    count: last - first,
    images: parts<Pixels>(images),
    ...(labels && { labels: parts<Uint8Array | undefined>(labels) as Uint8Array }),
    ...(targets && { targets: parts<Float32Array | undefined>(targets) as Float32Array }),
    ...(weights && { weights: parts<Float32Array | undefined>(weights) as Float32Array }),
  };
  return sliced as S;
}
