import { elements, formatShape, type Shape } from "../nn/graph.ts";

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
 * Bytes are scaled by the model's preprocessing (default: divided by 255); floats are taken as they are.
 */
export interface Samples {
  /** `count * elements(shape)` numbers, NHWC. */
  readonly images: Pixels;
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: Shape;
  /** Class ids, one a sample; turned into one-hot targets. */
  readonly labels?: Uint8Array;
  /** Or the targets themselves, `count * outputs` numbers. */
  readonly targets?: Float32Array;
}

/** Bad data given to fit, evaluate or predict. */
export class SamplesError extends Error {
  override readonly name = "SamplesError";
}

/** Images given to predict() as their numbers alone, as Samples. Throws SamplesError unless they are whole images. */
export function asSamples(images: Samples | Pixels, shape: Shape): Samples {
  if (!isPixels(images)) return images;
  const size = elements(shape);
  const count = images.length / size;
  if (!Number.isInteger(count) || count === 0)
    throw new SamplesError(
      `predict: got ${images.length} number${images.length === 1 ? "" : "s"}, expected those of whole images: ${size} for each of shape ${formatShape(shape)}`,
    );
  return { images, shape, count };
}
