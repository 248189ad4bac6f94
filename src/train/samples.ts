import { elements, type Shape } from "../compiler/graph.ts";
import { isOptions } from "../options/kinds.ts";

/** Numbers of images: bytes, which are scaled, a canvas's clamped ones too; or floats, which are taken as they are. */
export type Pixels = Uint8Array | Uint8ClampedArray | Float32Array;

export function isPixels(value: unknown): value is Pixels {
  return isBytes(value) || value instanceof Float32Array;
}

export function isBytes(value: unknown): value is Uint8Array | Uint8ClampedArray {
  return value instanceof Uint8Array || value instanceof Uint8ClampedArray;
}

/** By the names of a model's inputs, or outputs: those of their layers. */
export type ByName<T> = { readonly [name: string]: T };

/**
 * What a model trains on or is tested with. An ImageSet of `data` is one.
 * Bytes are scaled by the model's preprocessing (default: divided by 255); floats are taken as they are. For a model of several
 * inputs `images` and `shape` are lists, in the order of model({ inputs }), or records by their names; for one of several outputs
 * `labels` and `targets` are, of model({ outputs }).
 */
export interface Samples {
  /** `count * elements(shape)` numbers, NHWC. */
  readonly images: Pixels | readonly Pixels[] | ByName<Pixels>;
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: Shape | readonly Shape[] | ByName<Shape>;
  /**
   * Class ids, one a sample, or where outputs are images one a pixel: a map of classes. Turned into one-hot targets. In a list undefined where an
   * output has targets, in a record left out.
   */
  readonly labels?: Uint8Array | readonly (Uint8Array | undefined)[] | ByName<Uint8Array> | undefined;
  /** Or the targets themselves, `count * elements(output shape)` numbers. In a list undefined where an output has labels, in a record left out. */
  readonly targets?: Float32Array | readonly (Float32Array | undefined)[] | ByName<Float32Array> | undefined;
  /**
   * What each sample's loss is multiplied by, `count` numbers: the mean is still over the count. Where outputs are images also one a
   * pixel. Of several outputs the same for all,
   * a list, or a record, which may leave some out. Default 1 each.
   */
  readonly weights?: SampleWeights | undefined;
}

/** Weights of samples, by output where there are several. */
export type SampleWeights = Float32Array | readonly (Float32Array | undefined)[] | ByName<Float32Array>;

/** Samples for a model of one input and one output: what datasets hold. */
export interface PlainSamples extends Samples {
  readonly images: Pixels;
  readonly shape: Shape;
  readonly labels?: Uint8Array;
  readonly targets?: Float32Array;
}

/** Arrays for the inputs, or for the outputs, of a model: a list, whether there are several or one. Of samples that are inOrder(). */
export function listed<T extends ArrayBufferView | undefined>(
  arrays: T | readonly T[] | ByName<NonNullable<T>>,
): readonly T[] {
  return Array.isArray(arrays) ? arrays : [arrays as T];
}

/** An input or an output of a model, and the layer that it is called by. */
export interface Port {
  readonly name: string;
  readonly shape: Shape;
}

type Ports = readonly Port[];

/**
 * Whether samples fit a model of one input and one output, as most do at first sight. Of others check-samples.ts, which pages load
 * for them alone, knows whether they do, and says why not.
 */
export function fitAtSight(
  samples: Samples,
  { inputs, outputs }: { inputs: Ports; outputs: Ports },
  asked: boolean,
): boolean {
  const { images, shape, count, labels, targets, ...others } = Object(samples) as Partial<Samples>;
  const [input, output] = [inputs[0]!.shape, outputs[0]!.shape];
  const size = count! * elements(output);
  const cols = output.at(-1)!;
  const answers = targets
    ? !labels && targets instanceof Float32Array && targets.length === size
    : labels instanceof Uint8Array &&
      labels.length * cols === size &&
      labels.every((label) => label < Math.max(cols, 2));
  return (
    inputs.length + outputs.length === 2 &&
    Object.keys(others).length === 0 &&
    isPixels(images) &&
    Array.isArray(shape) &&
    shape.length === input.length &&
    input.every((length, i) => length === shape[i]) &&
    Number.isSafeInteger(count) &&
    count! > 0 &&
    images.length === count! * elements(input) &&
    (answers || (asked && !labels && !targets))
  );
}

/** One for each Samples object, so that a worker has each but once; by inputs and outputs, as models differ in their order. */
const ORDERED = new WeakMap<Samples, Record<string, Samples>>();

/** What is given by name as a list in the order of the model's inputs and outputs; what is not, as it is. */
export function inOrder(samples: Samples, { inputs, outputs }: { inputs: Ports; outputs: Ports }): Samples {
  const { images, shape, labels, targets, weights, count } = samples;
  if (![images, shape, labels, targets].some(isOptions) && (!weights || Array.isArray(weights)))
    return samples;
  const ordered = ORDERED.get(samples) ?? {};
  ORDERED.set(samples, ordered);
  const key = JSON.stringify([inputs, outputs]);
  ordered[key] ??= {} as Samples;
  return Object.assign(ordered[key], {
    images: inOrderOf(images, inputs),
    shape: inOrderOf(shape, inputs),
    labels: inOrderOf(labels, outputs),
    targets: inOrderOf(targets, outputs),
    count,
    ...(weights && { weights: weightsByOutput(weights, outputs) }),
  });
}

/** A list, by output. */
function weightsByOutput(given: SampleWeights, outputs: Ports): readonly (Float32Array | undefined)[] {
  if (given instanceof Float32Array) return outputs.map(() => given);
  return listed(inOrderOf(given, outputs) as Float32Array | readonly (Float32Array | undefined)[]);
}

/** @param given for one of them a value, for several a list; or a record by their names */
function inOrderOf(given: unknown, ports: Ports): unknown {
  if (!isOptions(given)) return given;
  return ports.length === 1 ? given[ports[0]!.name] : ports.map(({ name }) => given[name]);
}

/** Bad data given to fit, evaluate or predict. */
export class SamplesError extends Error {
  override readonly name = "SamplesError";
}

/** What predict() takes: samples, or their numbers alone; of a model of several inputs a list of them, or a record by their names. */
export type Asking = Samples | Pixels | readonly Pixels[] | ByName<Pixels>;

/**
 * Images given to predict() as their numbers alone, as Samples for inputs of these shapes; `count` is no whole number above 0 unless they are
 * whole images.
 */
export function asSamples(given: Asking, inputs: readonly Port[]): Samples {
  const shape = inputs[0]!.shape;
  let images = given as Pixels;
  if (inputs.length > 1) {
    const first = inOrderOf(given, inputs) as Pixels[];
    if (!Array.isArray(first) || !isPixels(first[0])) return given as Samples;
    images = first[0];
  } else if (!isPixels(given)) return given as Samples;
  const count = images.length / elements(shape);
  return inputs.length > 1
    ? { images: given as readonly Pixels[], shape: inputs.map((input) => input.shape), count }
    : { images, shape, count };
}
