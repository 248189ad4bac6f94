import { elements, formatShape, type Shape } from "../compiler/graph.ts";

/** Numbers of images: bytes, which are scaled, a canvas's clamped ones too; or floats, which are taken as they are. */
export type Pixels = Uint8Array | Uint8ClampedArray | Float32Array;

export function isPixels(value: unknown): value is Pixels {
  return isBytes(value) || value instanceof Float32Array;
}

export function isBytes(value: unknown): value is Uint8Array | Uint8ClampedArray {
  return value instanceof Uint8Array || value instanceof Uint8ClampedArray;
}

/**
 * What a model trains on or is tested with. An ImageSet of `data` is one.
 * Bytes are scaled by the model's preprocessing (default: divided by 255); floats are taken as they are. For a model of several
 * inputs `images` and `shape` are lists, in the order of model({ inputs }); for one of several outputs `labels` and `targets`
 * are, in the order of model({ outputs }).
 */
export interface Samples {
  /** `count * elements(shape)` numbers, NHWC. */
  readonly images: Pixels | readonly Pixels[];
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: Shape | readonly Shape[];
  /** Class ids, one a sample; turned into one-hot targets. In a list undefined where an output has targets. */
  readonly labels?: Uint8Array | readonly (Uint8Array | undefined)[];
  /** Or the targets themselves, `count * outputs` numbers. In a list undefined where an output has labels. */
  readonly targets?: Float32Array | readonly (Float32Array | undefined)[];
}

/** Samples for a model of one input and one output: what datasets hold. */
export interface PlainSamples extends Samples {
  readonly images: Pixels;
  readonly shape: Shape;
  readonly labels?: Uint8Array;
  readonly targets?: Float32Array;
}

/** Arrays for the inputs, or for the outputs, of a model: a list, whether there are several or one. */
export function listed<T extends ArrayBufferView | undefined>(arrays: T | readonly T[]): readonly T[] {
  return Array.isArray(arrays) ? arrays : [arrays as T];
}

/** An input or an output of a model, and the layer that it is called by. */
export interface Port {
  readonly name: string;
  readonly shape: Shape;
}

/** Bad data given to fit, evaluate or predict. */
export class SamplesError extends Error {
  override readonly name = "SamplesError";
}

/** What predict() takes: samples, or their numbers alone; of a model of several inputs a list of them. */
export type Asking = Samples | Pixels | readonly Pixels[];

/**
 * Images given to predict() as their numbers alone, as Samples for inputs of these shapes. Throws SamplesError unless they are
 * whole images.
 */
export function asSamples(given: Asking, inputs: readonly Port[]): Samples {
  const shape = inputs[0]!.shape;
  let images = given as Pixels;
  if (inputs.length > 1) {
    if (!Array.isArray(given) || !isPixels(given[0])) return given as Samples;
    images = given[0];
  } else if (!isPixels(given)) return given as Samples;
  const size = elements(shape);
  const count = images.length / size;
  if (!Number.isInteger(count) || count === 0)
    throw new SamplesError(
      `predict: got ${images.length} number${images.length === 1 ? "" : "s"}, expected those of whole images: ${size} for each of shape ${formatShape(shape)}`,
    );
  return inputs.length > 1
    ? { images: given as readonly Pixels[], shape: inputs.map((input) => input.shape), count }
    : { images, shape, count };
}
