import { elements, formatShape, type Shape } from "../nn/graph.ts";
import { checkOptions } from "../options/check.ts";
import { SAMPLES } from "./options.ts";
import { isPixels, type Samples, SamplesError } from "./samples.ts";

/** Bytes are scaled and floats are not, so no other kind of array may pass for either. */
function requireArray(what: string, value: unknown, fits: boolean, types: string, make: string): void {
  if (fits) return;
  const got = (value as object | undefined)?.constructor?.name ?? String(value);
  const flat = Array.isArray(value) && Array.isArray(value[0]) ? ".flat(Infinity)" : "";
  const line = (value as ArrayLike<number> | undefined)?.length
    ? `. Write: ${what}: ${make}.from(${what}${flat})`
    : "";
  throw new SamplesError(`${what} is of type ${got}, expected ${types}${line}`);
}

/** Throws SamplesError where samples do not fit a model of this input and output. */
export function checkSamples(samples: Samples, input: Shape, outputs: number, targetsNeeded: boolean): void {
  if (samples && "train" in samples && "test" in samples)
    throw new SamplesError("got a dataset, expected one of its sets. Write: model.fit(dataset.train)");
  if (Array.isArray(samples) && samples.length > 0)
    throw new SamplesError(
      "got an array, expected samples or a typed array. Write: Float32Array.from(images.flat(Infinity)), or Uint8Array for bytes, which are scaled",
    );
  if (!samples || !Array.isArray(samples.shape))
    throw new SamplesError("got no samples: expected { images, shape, count } with labels or targets");
  checkOptions({ ...SAMPLES, error: (problem) => new SamplesError(`samples: ${problem}`) }, samples);
  const { images, count, shape, labels, targets } = samples;
  const kinds = "bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not";
  requireArray("images", images, isPixels(images), kinds, "Float32Array");
  if (labels) requireArray("labels", labels, labels instanceof Uint8Array, "Uint8Array", "Uint8Array");
  if (targets)
    requireArray("targets", targets, targets instanceof Float32Array, "Float32Array", "Float32Array");
  if (shape.length !== input.length || shape.some((size, i) => size !== input[i]))
    throw new SamplesError(
      `got samples of shape ${formatShape(shape)}, but the model expects ${formatShape(input)}`,
    );
  if (count === undefined) {
    const rest = targets ? ", targets" : labels ? ", labels" : "";
    const number = images.length / elements(shape);
    throw new SamplesError(
      `samples: count is missing, the number of images. Write: { images, shape: [${shape.join(", ")}]${rest}, count: ${number} }`,
    );
  }
  if (!Number.isSafeInteger(count) || count < 1)
    throw new SamplesError(`got ${count} samples, expected at least 1`);
  if (images.length !== count * elements(shape))
    throw new SamplesError(
      `got ${images.length} input numbers, expected ${count} samples of ${elements(shape)}, that is ${count * elements(shape)}`,
    );
  if (!targetsNeeded) return;
  if (targets) {
    if (targets.length !== count * outputs)
      throw new SamplesError(
        `got ${targets.length} targets, expected ${count} samples of ${outputs}, that is ${count * outputs}`,
      );
    return;
  }
  if (!labels) throw new SamplesError("got samples with neither labels nor targets: give one of them");
  if (labels.length !== count) throw new SamplesError(`got ${labels.length} labels for ${count} samples`);
  const classes = Math.max(outputs, 2);
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong >= 0)
    throw new SamplesError(
      `label ${wrong} is ${labels[wrong]}, but the model has ${outputs} outputs: expected class ids below ${classes}`,
    );
}
