import { elements, formatShape, type Shape } from "../compiler/graph.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { isOptions, some } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import {
  inOrder,
  isPixels,
  type Pixels,
  type Port,
  type Samples,
  SamplesError,
  type SampleWeights,
} from "./samples.ts";

/** Names alone: what is wrong with the values, and what to write, the checks below say at more length. */
const SAMPLES: Pick<Checked, "table"> = {
  table: () => {
    const any = some("", () => true);
    return { images: any, shape: any, count: any, labels: any, targets: any, weights: any } satisfies Record<
      keyof Samples,
      unknown
    >;
  },
};

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
  const key = /\W/.test(what) ? "" : `${what}: `;
  const line = ArrayBuffer.isView((value as unknown[] | undefined)?.[0])
    ? `. Write: ${key}${what}[0]`
    : (value as ArrayLike<number> | undefined)?.length
      ? `. Write: ${key}${make}.from(${what}${flat})`
      : "";
  throw error(`${what} is ${value === undefined ? "missing" : `of type ${got}`}, expected ${types}${line}`);
}

/** A name as a variable's. */
const variable = ({ name }: Port) => name.replaceAll(/\W/g, "_");

/**
 * A list for several inputs or outputs; else what is given for the one; or a record by their names. Throws unless it is a list
 * with one for each of them, or a record of none but them.
 */
function forEach(
  what: string,
  given: unknown,
  ports: readonly Port[],
  of: "input" | "output",
  code: (port: Port) => string,
  error: (problem: string) => SamplesError,
): readonly unknown[] {
  if (isOptions(given)) {
    const names = ports.map(({ name }) => name);
    const unknown = Object.keys(given).find((key) => !names.includes(key));
    if (unknown !== undefined)
      throw error(`${what}: no ${of} is called ${show(unknown)}. Write: ${what}: { ${names.join(", ")} }`);
    return names.map((name) => given[name]);
  }
  if (ports.length === 1) return [given];
  if (Array.isArray(given) && given.length === ports.length) return given;
  const got = Array.isArray(given)
    ? `a list of ${given.length}`
    : given === undefined
      ? "missing"
      : show(given);
  throw error(
    `${what} is ${got}, expected a list of ${ports.length}, one for each ${of}. Write: ${what}: [${ports.map(code).join(", ")}]`,
  );
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

/**
 * Throws SamplesError where samples do not fit a model of these inputs and outputs; it names `taker`, who was given them.
 * @param streamed images are read later
 */
export function checkSamples(
  samples: Samples,
  { inputs, outputs }: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
  taker: SamplesTaker,
  streamed = false,
): void {
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
      inputs.length > 1
        ? `got an array, expected samples. Write: ${call.replace("*", `{ images: ${listCode(inputs)}, shape: ${shapes(inputs)}, count }`)}`
        : "got an array, expected samples or a typed array. Write: Float32Array.from(images.flat(Infinity)), or Uint8Array for bytes, which are scaled",
    );
  if (isPixels(samples) && inputs.length > 1)
    throw error(
      `got a ${(samples as object).constructor.name}, expected one for each input. Write: model.predict(${listCode(inputs)})`,
    );
  if (!("images" in given || "shape" in given))
    throw error(
      `got ${samples ? show(samples) : "no samples"}: expected { images, shape, count } with labels or targets`,
    );
  if ("read" in given)
    throw error(
      "got a source of samples, which a trainer's worker cannot read from. Give it samples that lie in memory, or train by model.compile() and model.fit()",
    );
  checkOptions({ ...SAMPLES, call, error: (problem) => error(`samples: ${problem}`) }, samples);
  const { count } = samples;
  /** Errors of one of several name it. */
  const errorOf = (of: string, ports: readonly Port[], i: number) =>
    ports.length === 1 ? error : (problem: string) => error(`${of} ${show(ports[i]!.name)}: ${problem}`);
  const indexed = (what: "images" | "labels" | "targets", ports: readonly Port[], i: number) => {
    if (isOptions(samples[what])) return `${what}.${variable(ports[i]!)}`;
    return ports.length === 1 ? what : `${what}[${i}]`;
  };
  const images = forEach("images", samples.images, inputs, "input", variable, error) as Pixels[];
  const kinds = "bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not";
  for (const [i, numbers] of images.entries())
    requireArray(
      indexed("images", inputs, i),
      numbers,
      isPixels(numbers),
      kinds,
      "Float32Array",
      errorOf("input", inputs, i),
    );
  const lists = { labels: [] as (Uint8Array | undefined)[], targets: [] as (Float32Array | undefined)[] };
  for (const [what, type] of [
    ["labels", Uint8Array],
    ["targets", Float32Array],
  ] as const) {
    if (!samples[what]) continue;
    const arrays = forEach(
      what,
      samples[what],
      outputs,
      "output",
      variable,
      error,
    ) as (typeof lists)[typeof what];
    for (const [i, array] of arrays.entries())
      if (array)
        requireArray(
          indexed(what, outputs, i),
          array,
          array instanceof type,
          type.name,
          type.name,
          errorOf("output", outputs, i),
        );
    lists[what] = arrays as never;
  }
  const { labels, targets } = lists;
  const givenShapes = forEach(
    "shape",
    samples.shape,
    inputs,
    "input",
    ({ shape }) => shapeCode(shape),
    error,
  );
  for (const [i, shape] of givenShapes.entries()) {
    const input = inputs[i]!.shape;
    const wrong = errorOf("input", inputs, i);
    if (!Array.isArray(shape))
      throw wrong(
        `samples: shape is ${show(shape)}, expected that of one image. Write: shape: ${shapes(inputs)}`,
      );
    if (shape.length !== input.length || shape.some((size, k) => size !== input[k]))
      throw wrong(`got samples of shape ${formatShape(shape)}, but the model expects ${formatShape(input)}`);
  }
  const size = elements(inputs[0]!.shape);
  const number = images[0]!.length / size;
  // As asSamples() counts numbers alone.
  if (taker === "predict" && count === number && !(Number.isInteger(count) && count > 0))
    throw error(
      `got ${counted(images[0]!.length, "number")}, expected those of whole images: ${size} for each of shape ${formatShape(inputs[0]!.shape)}`,
    );
  if (!Number.isSafeInteger(count)) {
    const rest = samples.targets ? ", targets" : samples.labels ? ", labels" : "";
    const got = count === undefined ? "missing" : show(count);
    const line = Number.isInteger(number)
      ? `. Write: { images, shape: ${shapes(inputs)}${rest}, count: ${number} }`
      : `; ${indexed("images", inputs, 0)} holds ${counted(images[0]!.length, "number")}, no whole images of ${size}`;
    throw error(`samples: count is ${got}, expected a whole number, that of images${line}`);
  }
  if (count < 1) throw error(`got ${count} samples, expected at least 1`);
  const requireLength = ({ length }: Pixels, one: string, size: number, wrong: typeof error): void => {
    if (length !== count * size)
      throw wrong(`got ${counted(length, one)}, expected ${counted(count, "sample")} of ${size}`);
  };
  for (const [i, { shape }] of streamed ? [] : inputs.entries())
    requireLength(images[i]!, "input number", elements(shape), errorOf("input", inputs, i));
  if (taker === "predict" || taker === "activations") return;
  checkSampleWeights(samples, outputs, error);
  for (const [i, port] of outputs.entries()) {
    const size = elements(port.shape);
    const wrong = errorOf("output", outputs, i);
    const own = labels[i];
    if (targets[i] && own)
      throw wrong(
        `got both labels and targets: give one of them. Write: labels: ${outputs.length === 1 ? "undefined" : listCode(outputs, (k) => k !== i && labels[k])}`,
      );
    if (targets[i]) requireLength(targets[i], "target", size, wrong);
    else if (!own)
      throw wrong(
        outputs.length === 1
          ? "got samples with neither labels nor targets: give one of them"
          : `got neither labels nor targets: give one of them. Write: labels: ${listCode(outputs, (k) => k === i || labels[k])}, or targets: ${listCode(outputs, (k) => k === i || targets[k])}`,
      );
    else {
      const cols = port.shape.at(-1)!;
      const each = size / cols;
      if (own.length !== count * each)
        throw wrong(
          `got ${counted(own.length, "label")} for ${counted(count, "sample")}${each > 1 ? ` of ${port.shape.slice(0, -1).join("x")}, expected ${count * each}: a class for each pixel` : ""}`,
        );
      const classes = Math.max(cols, 2);
      const at = own.findIndex((label) => label >= classes);
      if (at >= 0)
        throw wrong(
          `label ${at} is ${own[at]}, but the ${each > 1 ? `output has ${counted(cols, "number")} a pixel` : outputs.length === 1 ? `model has ${counted(size, "output")}` : `output has ${counted(size, "number")}`}: expected class ids below ${classes}`,
        );
    }
  }
}

/** Rows that an output has for each sample: of an image one a pixel. */
const pixelsOf = ({ shape }: Port) => elements(shape) / shape.at(-1)!;

function checkSampleWeights(
  { weights, count }: Samples,
  outputs: readonly Port[],
  error: (problem: string) => SamplesError,
): void {
  if (weights === undefined) return;
  const own = weights instanceof Float32Array;
  const given = own ? [weights] : forEach("weights", weights, outputs, "output", variable, error);
  for (const [i, array] of given.entries()) {
    const wrong = (problem: string) =>
      error(outputs.length === 1 || own ? problem : `output ${show(outputs[i]!.name)}: ${problem}`);
    if (array === undefined && outputs.length > 1) continue;
    requireArray("weights", array, array instanceof Float32Array, "Float32Array", "Float32Array", wrong);
    const numbers = array as Float32Array;
    // The same for several outputs: one a sample, unless they all have as many pixels.
    const pixels = [...new Set((own ? outputs : [outputs[i]!]).map(pixelsOf))];
    const each = pixels.length === 1 ? pixels[0]! : 1;
    if (numbers.length !== count && numbers.length !== count * each)
      throw wrong(
        `got ${counted(numbers.length, "weight")} for ${counted(count, "sample")}${each > 1 ? `: expected one each, or ${count * each}, one a pixel` : ""}`,
      );
    const at = numbers.findIndex((weight) => !Number.isFinite(weight));
    if (at >= 0) throw wrong(`weight ${at} is ${numbers[at]}, expected a finite number`);
  }
}

/**
 * Samples that fit the model, as lists, with the weights that an option gives them. Throws SamplesError, which names `taker`, where
 * they do not fit.
 */
export function checked(
  given: Samples,
  model: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
  taker: SamplesTaker,
  sampleWeight?: SampleWeights | readonly number[] | undefined,
  streamed = false,
): Samples {
  let samples = given;
  if (sampleWeight !== undefined && isOptions(given)) {
    const plain = Array.isArray(sampleWeight) && typeof sampleWeight[0] === "number";
    const weights = (plain ? Float32Array.from(sampleWeight as number[]) : sampleWeight) as SampleWeights;
    if (given.weights)
      throw new TypeError("both sampleWeight and weights in samples are given: expected one of them");
    samples = { ...given, weights };
  }
  checkSamples(samples, model, taker, streamed);
  return inOrder(samples, model);
}

const shapeCode = (shape: Shape) => `[${shape.join(", ")}]`;

/** The shape of samples as code. */
function shapes(inputs: readonly Port[]): string {
  const all = inputs.map(({ shape }) => shapeCode(shape)).join(", ");
  return inputs.length === 1 ? all : `[${all}]`;
}

/** A list for inputs or outputs as code: with those that it is to have. */
function listCode(ports: readonly Port[], has: (i: number) => unknown = () => true): string {
  return `[${ports.map((port, i) => (has(i) ? variable(port) : "undefined")).join(", ")}]`;
}
