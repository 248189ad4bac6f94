import { elements, type Shape } from "../nn/graph.ts";
import { formatShape } from "../nn/layers/layer.ts";
import { checkOptions } from "../options/check.ts";
import { SAMPLES } from "./options.ts";
import { type Samples, SamplesError } from "./samples.ts";

/** Bytes are scaled and floats are not, so no other kind of array may pass for either. */
function requireType(
  what: string,
  value: unknown,
  types: readonly (Uint8ArrayConstructor | Float32ArrayConstructor)[],
) {
  if (types.some((type) => value instanceof type)) return;
  const got = (value as object | undefined)?.constructor?.name ?? String(value);
  throw new SamplesError(
    `${what} is of type ${got}, expected ${types.map((type) => type.name).join(" or ")}`,
  );
}

/** Throws SamplesError where samples do not fit a model of this input and output. */
export function checkSamples(samples: Samples, input: Shape, outputs: number, targetsNeeded: boolean): void {
  if (samples && "train" in samples && "test" in samples)
    throw new SamplesError("got a dataset, expected one of its sets. Write: model.fit(dataset.train)");
  if (!samples || !Array.isArray(samples.shape))
    throw new SamplesError("got no samples: expected { images, shape, count } with labels or targets");
  checkOptions({ ...SAMPLES, error: (problem) => new SamplesError(`samples: ${problem}`) }, samples);
  const { images, count, shape, labels, targets } = samples;
  requireType("images", images, [Uint8Array, Float32Array]);
  if (labels) requireType("labels", labels, [Uint8Array]);
  if (targets) requireType("targets", targets, [Float32Array]);
  if (shape.length !== input.length || shape.some((size, i) => size !== input[i]))
    throw new SamplesError(
      `got samples of shape ${formatShape(shape)}, but the model expects ${formatShape(input)}`,
    );
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
