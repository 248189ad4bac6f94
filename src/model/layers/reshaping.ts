import { ModelError } from "../../compiler/errors.ts";
import { elements, formatShape, type GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import { needed, type OptionsOf, oneOf, optional, some } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer, pair } from "./layer.ts";

const isList = (value: unknown, fits: (item: number, i: number, all: readonly number[]) => boolean) =>
  Array.isArray(value) && value.length > 0 && value.every(fits);

const reshapeOptions = {
  /** The output's shape; one size may be -1: what is left for it. */
  targetShape: needed(
    some<Shape>(
      "a list of whole numbers >= 1, of which one may be -1",
      (value) =>
        isList(
          value,
          (size, i, all) =>
            Number.isSafeInteger(size) && (size >= 1 || (size === -1 && all.indexOf(-1) === i)),
        ),
      [-1, 8],
    ),
  ),
};

export interface ReshapeOptions extends LayerOptions, OptionsOf<typeof reshapeOptions> {}

export const RESHAPE = defineLayer({
  type: "reshape",
  options: reshapeOptions,
  lower(graph, name, [input], { targetShape }) {
    const n = elements(input.shape);
    const known = Math.abs(elements(targetShape));
    const shape = targetShape.map((size) => (size === -1 ? n / known : size));
    if (elements(shape) !== n || !shape.every(Number.isInteger))
      throw new ModelError(
        `targetShape is ${formatShape(targetShape)}, expected one of the ${n.toLocaleString("en-US")} numbers of ${formatShape(input.shape)}`,
        name,
      );
    return graph.op("reshape", name, [input], {}, shape);
  },
});

/** The same numbers, in their order, under another shape. */
export function reshape(options: ReshapeOptions): Layer {
  return layer(RESHAPE, options);
}

/** Axes of a sample that permute() moves at the most. */
const MOST_MOVED = 5;

const permuteOptions = {
  /** Which axis of the input stands at each place, counted from 1: [2, 1] swaps two. */
  dims: needed(
    some<readonly number[]>(
      "the numbers from 1 to that of the axes, each once, such as [2, 1]",
      (value) =>
        isList(
          value,
          (axis, i, all) =>
            Number.isInteger(axis) && axis >= 1 && axis <= all.length && all.indexOf(axis) === i,
        ),
      [2, 1, 3],
    ),
  ),
};

export interface PermuteOptions extends LayerOptions, OptionsOf<typeof permuteOptions> {}

export const PERMUTE = defineLayer({
  type: "permute",
  options: permuteOptions,
  lower(graph, name, [input], { dims }) {
    const { shape } = input;
    if (dims.length !== shape.length || dims.length > MOST_MOVED)
      throw new ModelError(
        dims.length > MOST_MOVED
          ? `dims moves ${dims.length} axes, expected at most ${MOST_MOVED}`
          : `dims is [${dims.join(", ")}], expected the numbers from 1 to ${shape.length} for an input of shape ${formatShape(shape)}`,
        name,
      );
    const axes = dims.map((axis) => axis - 1);
    return graph.op(
      "permute",
      name,
      [input],
      { axes },
      axes.map((axis) => shape[axis]!),
    );
  },
});

/** Its axes in another order: of an image `[height, width, channels]`, dims [3, 1, 2] gives `[channels, height, width]`. */
export function permute(options: PermuteOptions): Layer {
  return layer(PERMUTE, options);
}

/** One number for all four sides, `[height, width]`, or `[[top, bottom], [left, right]]`. */
export type Borders =
  | number
  | readonly [number, number]
  | readonly [readonly [number, number], readonly [number, number]];

const isBorder = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTwo = (value: unknown, fits: (item: unknown) => boolean) =>
  Array.isArray(value) && value.length === 2 && value.every(fits);

const borders = some<Borders>(
  "a whole number >= 0, two: [height, width], or [[top, bottom], [left, right]]",
  (value) => isBorder(value) || isTwo(value, isBorder) || isTwo(value, (side) => isTwo(side, isBorder)),
  1,
);

function sidesOf(given: Borders) {
  const [rows, columns] = typeof given === "number" ? [given, given] : given;
  const two = (side: number | readonly [number, number]) => (typeof side === "number" ? [side, side] : side);
  return [...two(rows), ...two(columns)] as [top: number, bottom: number, left: number, right: number];
}

/** Throws ModelError where a value is no image. */
export function requireImage({ shape }: Value, name: string): void {
  if (shape.length !== 3)
    throw new ModelError(
      `got an input of shape ${formatShape(shape)}, expected an image (height, width, channels)`,
      name,
    );
}

const paddingOptions = {
  /** Default 1. */
  padding: optional(borders, 1),
};

export interface ZeroPadding2dOptions extends LayerOptions, OptionsOf<typeof paddingOptions> {}

/** Adds the op that moves an image's borders outwards, or inwards where numbers are below 0. */
function moveBorders(
  graph: GraphBuilder,
  name: string,
  input: Value,
  [top, bottom, left, right]: readonly [number, number, number, number],
): Value {
  const [H, W, C] = input.shape as [number, number, number];
  const shape = [H + top + bottom, W + left + right, C];
  return graph.op("resample2d", name, [input], { top, left, rep: [1, 1], bilinear: false }, shape);
}

export const ZERO_PADDING_2D = defineLayer({
  type: "zeroPadding2d",
  options: paddingOptions,
  lower(graph, name, [input], { padding }) {
    requireImage(input, name);
    return moveBorders(graph, name, input, sidesOf(padding));
  },
});

/** Zeros around an image: rows above and below, columns at the left and at the right. */
export function zeroPadding2d(options: ZeroPadding2dOptions = {}): Layer {
  return layer(ZERO_PADDING_2D, options);
}

const croppingOptions = {
  /** Rows and columns to take away. Default 0. */
  cropping: optional(borders, 0),
};

export interface Cropping2dOptions extends LayerOptions, OptionsOf<typeof croppingOptions> {}

export const CROPPING_2D = defineLayer({
  type: "cropping2d",
  options: croppingOptions,
  lower(graph, name, [input], { cropping }) {
    requireImage(input, name);
    const [top, bottom, left, right] = sidesOf(cropping);
    const [H, W] = input.shape as [number, number];
    if (top + bottom >= H || left + right >= W)
      throw new ModelError(
        `cropping takes ${top + bottom} rows and ${left + right} columns, but the input is of shape ${formatShape(input.shape)}; leave one of each at least`,
        name,
      );
    return moveBorders(graph, name, input, [-top, -bottom, -left, -right]);
  },
});

/** An image without some rows above and below, and columns at the left and at the right. */
export function cropping2d(options: Cropping2dOptions = {}): Layer {
  return layer(CROPPING_2D, options);
}

const upSamplingOptions = {
  /** How many rows and columns each one becomes: a number for both, or `[height, width]`. Default 2. */
  size: optional(pair, 2),
  /** "nearest": each pixel repeated. "bilinear": between the centres of pixels. Default "nearest". */
  interpolation: optional(oneOf(["nearest", "bilinear"]), "nearest"),
};

export interface UpSampling2dOptions extends LayerOptions, OptionsOf<typeof upSamplingOptions> {}

export const UP_SAMPLING_2D = defineLayer({
  type: "upSampling2d",
  options: upSamplingOptions,
  lower(graph, name, [input], { size, interpolation }) {
    requireImage(input, name);
    const rep = typeof size === "number" ? ([size, size] as const) : size;
    const [H, W, C] = input.shape as [number, number, number];
    const attributes = { top: 0, left: 0, rep, bilinear: interpolation === "bilinear" };
    return graph.op("resample2d", name, [input], attributes, [H * rep[0], W * rep[1], C]);
  },
});

/** A larger image: `[height, width, channels]` to `[size height, size width, channels]`. */
export function upSampling2d(options: UpSampling2dOptions = {}): Layer {
  return layer(UP_SAMPLING_2D, options);
}
