import { elements, formatShape, type Shape } from "../nn/graph.ts";
import { checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { SAMPLES } from "./options.ts";
import { isPixels, type Pixels, type Samples, SamplesError } from "./samples.ts";

/** Bytes are scaled and floats are not, so no other kind of array may pass for either. */
function requireArray(
  what: string,
  value: unknown,
  fits: boolean,
  types: string,
  make: string,
  error: (problem: string) => SamplesError,
): void {
  if (fits) return;
  const got = (value as object | undefined)?.constructor?.name ?? String(value);
  const flat = Array.isArray(value) && Array.isArray(value[0]) ? ".flat(Infinity)" : "";
  const line = (value as ArrayLike<number> | undefined)?.length
    ? `. Write: ${what}: ${make}.from(${what}${flat})`
    : "";
  throw error(`${what} is of type ${got}, expected ${types}${line}`);
}

/** Who takes samples, as code: * for the samples. */
const CALLS = {
  fit: "model.fit(*)",
  validationData: "model.fit(train, { validationData: * })",
  evaluate: "model.evaluate(*)",
  predict: "model.predict(*)",
  activations: "model.activations(*)",
};
export type SamplesTaker = keyof typeof CALLS;

/** Throws SamplesError where samples do not fit a model of this input and output; it names `taker`, who was given them. */
export function checkSamples(samples: Samples, input: Shape, outputs: number, taker: SamplesTaker): void {
  const call = CALLS[taker];
  const who = taker === "validationData" ? "fit: validationData" : taker;
  const error = (problem: string) => new SamplesError(`${who}: ${problem}`);
  const given: Partial<Samples> | object = Object(samples);
  if ("train" in given && "test" in given) {
    const set = taker === "fit" ? "dataset.train" : "dataset.test";
    throw error(`got a dataset, expected one of its sets. Write: ${call.replace("*", set)}`);
  }
  if (Array.isArray(samples) && samples.length > 0)
    throw error(
      "got an array, expected samples or a typed array. Write: Float32Array.from(images.flat(Infinity)), or Uint8Array for bytes, which are scaled",
    );
  if (!("images" in given || "shape" in given))
    throw error(
      `got ${samples ? show(samples) : "no samples"}: expected { images, shape, count } with labels or targets`,
    );
  checkOptions({ ...SAMPLES, call, error: (problem) => error(`samples: ${problem}`) }, samples);
  const { images, count, shape, labels, targets } = samples;
  const kinds = "bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not";
  requireArray("images", images, isPixels(images), kinds, "Float32Array", error);
  if (labels) requireArray("labels", labels, labels instanceof Uint8Array, "Uint8Array", "Uint8Array", error);
  if (targets)
    requireArray("targets", targets, targets instanceof Float32Array, "Float32Array", "Float32Array", error);
  if (!Array.isArray(shape))
    throw error(
      `samples: shape is ${show(shape)}, expected that of one image. Write: shape: [${input.join(", ")}]`,
    );
  if (shape.length !== input.length || shape.some((size, i) => size !== input[i]))
    throw error(`got samples of shape ${formatShape(shape)}, but the model expects ${formatShape(input)}`);
  if (!Number.isSafeInteger(count)) {
    const rest = targets ? ", targets" : labels ? ", labels" : "";
    const number = images.length / elements(shape);
    const got = count === undefined ? "missing" : show(count);
    const line = Number.isInteger(number)
      ? `. Write: { images, shape: [${shape.join(", ")}]${rest}, count: ${number} }`
      : `; images holds ${counted(images.length, "number")}, no whole images of ${elements(shape)}`;
    throw error(`samples: count is ${got}, expected a whole number, that of images${line}`);
  }
  if (count < 1) throw error(`got ${count} samples, expected at least 1`);
  const requireLength = ({ length }: Pixels, one: string, size: number): void => {
    if (length !== count * size)
      throw error(`got ${counted(length, one)}, expected ${counted(count, "sample")} of ${size}`);
  };
  requireLength(images, "input number", elements(shape));
  if (taker === "predict" || taker === "activations") return;
  if (targets) {
    requireLength(targets, "target", outputs);
    return;
  }
  if (!labels) throw error("got samples with neither labels nor targets: give one of them");
  if (labels.length !== count)
    throw error(`got ${counted(labels.length, "label")} for ${counted(count, "sample")}`);
  const classes = Math.max(outputs, 2);
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong >= 0)
    throw error(
      `label ${wrong} is ${labels[wrong]}, but the model has ${counted(outputs, "output")}: expected class ids below ${classes}`,
    );
}
