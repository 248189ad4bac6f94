import { ModelError } from "../../compiler/errors.ts";
import { formatShape, type GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import type { AugmentAttributes, FillMode, Interpolation, Range } from "../../compiler/ops/augment-kinds.ts";
import { needed, type OptionsOf, oneOf, optional, real, some, whole } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";

/** A number, or from where to where. */
type Factor = number | Range;

const factor = (low: number, high: number) =>
  some<Factor>(
    `a number from ${low} to ${high}, or two: [from, to]`,
    (value) => {
      const all = [value].flat() as unknown[];
      return (
        (typeof value === "number" || all.length === 2) &&
        all.every((one) => typeof one === "number" && one >= low && one <= high) &&
        (all.length === 1 || (all[0] as number) <= (all[1] as number))
      );
    },
    0.1,
  );

/** Keras's rule: one number is a range around 0, no lower than the lowest. */
const rangeOf = (given: Factor, low = -1): Range =>
  typeof given === "number" ? [Math.max(-Math.abs(given), low), Math.abs(given)] : given;

const valueRange = optional(
  some<Range>(
    "two numbers, [lowest, highest]",
    (value) =>
      Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1],
    [0, 1],
  ),
  [0, 1] as Range,
);

const FILLING = {
  /** What stands for what lies outside: "reflect", the image mirrored (the default), "constant", "wrap" or "nearest". */
  fillMode: optional(oneOf<FillMode>(["reflect", "constant", "wrap", "nearest"]), "reflect"),
  /** Default "bilinear". */
  interpolation: optional(oneOf<Interpolation>(["bilinear", "nearest"]), "bilinear"),
  /** With fillMode "constant". Default 0. */
  fillValue: optional(some<number>("a finite number", Number.isFinite, 0), 0),
};

function image(name: string, { shape }: Value): readonly [number, number, number] {
  if (shape.length !== 3)
    throw new ModelError(
      `got an input of shape ${formatShape(shape)}, expected an image (height, width, channels)`,
      name,
    );
  return shape as Shape as readonly [number, number, number];
}

const STILL: Range = [0, 0];
const SAME: Range = [1, 1];
const AFFINE = {
  flips: { horizontal: false, vertical: false },
  angle: STILL,
  zoomHeight: SAME,
  shiftHeight: STILL,
  shiftWidth: STILL,
  fillMode: "reflect",
  interpolation: "bilinear",
  fillValue: 0,
} as const;

function affine(
  graph: GraphBuilder,
  name: string,
  input: Value,
  changes: Partial<AugmentAttributes["randomAffine"]>,
): Value {
  image(name, input);
  return graph.op(
    "randomAffine",
    name,
    [input],
    { ...AFFINE, ...changes, stream: graph.stream() },
    input.shape,
  );
}

const flipOptions = {
  /** "horizontal", "vertical" or "horizontalAndVertical", the default. */
  mode: optional(oneOf(["horizontalAndVertical", "horizontal", "vertical"]), "horizontalAndVertical"),
};
export interface RandomFlipOptions extends LayerOptions, OptionsOf<typeof flipOptions> {}
export const RANDOM_FLIP = defineLayer({
  type: "randomFlip",
  options: flipOptions,
  lower: (graph, name, [input], { mode }) =>
    affine(graph, name, input, {
      flips: { horizontal: mode !== "vertical", vertical: mode !== "horizontal" },
      interpolation: "nearest",
    }),
});
/** Flips every second image or so, in training alone. Shape and values else as they are. */
export function randomFlip(options: RandomFlipOptions = {}): Layer {
  return layer(RANDOM_FLIP, options);
}

const translationOptions = {
  /** Share of the height by which images are moved, up or down: 0.1 from -10 % to 10 %, or [from, to], down where positive. */
  heightFactor: needed(factor(-1, 1)),
  /** Likewise of the width, to the right where positive. */
  widthFactor: needed(factor(-1, 1)),
  ...FILLING,
};
export interface RandomTranslationOptions extends LayerOptions, OptionsOf<typeof translationOptions> {}
export const RANDOM_TRANSLATION = defineLayer({
  type: "randomTranslation",
  options: translationOptions,
  lower: (graph, name, [input], { heightFactor, widthFactor, ...filling }) =>
    affine(graph, name, input, {
      ...filling,
      shiftHeight: rangeOf(heightFactor),
      shiftWidth: rangeOf(widthFactor),
    }),
});
/** Moves images up or down and to the sides, in training alone. */
export function randomTranslation(options: RandomTranslationOptions): Layer {
  return layer(RANDOM_TRANSLATION, options);
}

const rotationOptions = {
  /** Share of a whole turn: 0.1 from -36 to 36 degrees, or [from, to]; counter-clockwise where positive. */
  factor: needed(factor(-1, 1)),
  ...FILLING,
};
export interface RandomRotationOptions extends LayerOptions, OptionsOf<typeof rotationOptions> {}
export const RANDOM_ROTATION = defineLayer({
  type: "randomRotation",
  options: rotationOptions,
  lower(graph, name, [input], { factor: turn, ...filling }) {
    const [low, high] = rangeOf(turn);
    return affine(graph, name, input, { ...filling, angle: [2 * Math.PI * low, 2 * Math.PI * high] });
  },
});
/** Turns images about their middle, in training alone. */
export function randomRotation(options: RandomRotationOptions): Layer {
  return layer(RANDOM_ROTATION, options);
}

const zoomOptions = {
  /** 0.2: from a fifth greater (-0.2) to a fifth smaller, or [from, to]. */
  heightFactor: needed(factor(-1, 1)),
  /** Default: as the height is, which keeps the proportions. */
  widthFactor: factor(-1, 1),
  ...FILLING,
};
export interface RandomZoomOptions extends LayerOptions, OptionsOf<typeof zoomOptions> {}
export const RANDOM_ZOOM = defineLayer({
  type: "randomZoom",
  options: zoomOptions,
  lower(graph, name, [input], { heightFactor, widthFactor, ...filling }) {
    const zoom = (given: Factor): Range => {
      const [low, high] = rangeOf(given);
      return [1 + low, 1 + high];
    };
    return affine(graph, name, input, {
      ...filling,
      zoomHeight: zoom(heightFactor),
      ...(widthFactor !== undefined && { zoomWidth: zoom(widthFactor) }),
    });
  },
});
/** Makes images greater or smaller, in training alone. */
export function randomZoom(options: RandomZoomOptions): Layer {
  return layer(RANDOM_ZOOM, options);
}

const cropOptions = {
  /** Rows and columns of the part. */
  height: needed(whole(), 28),
  width: needed(whole(), 28),
};
export interface RandomCropOptions extends LayerOptions, OptionsOf<typeof cropOptions> {}
export const RANDOM_CROP = defineLayer({
  type: "randomCrop",
  options: cropOptions,
  lower(graph, name, [input], { height, width }) {
    const [rows, columns, channels] = image(name, input);
    if (height > rows || width > columns)
      throw new ModelError(
        `crops ${height}x${width} out of images of ${rows}x${columns}: expected no more than they have. Put zeroPadding2d() before it`,
        name,
      );
    return graph.op("randomCrop", name, [input], { stream: graph.stream() }, [height, width, channels]);
  },
});
/** A part of each image: at a place of its own in training, the middle else. `[height, width, channels]`. */
export function randomCrop(options: RandomCropOptions): Layer {
  return layer(RANDOM_CROP, options);
}

const contrastOptions = {
  /** 0.2: from 0.8 to 1.2 times the distance from the mean; or [less, more], 1 - less to 1 + more. */
  factor: needed(
    some<Factor>(
      "a number from 0 to 1, or two: [less, more]",
      (value) =>
        [value].flat().every((one) => typeof one === "number" && one >= 0 && one <= 1) &&
        (typeof value === "number" || (Array.isArray(value) && value.length === 2)),
      0.2,
    ),
  ),
  /** What values are kept within. Default [0, 1], as bytes become before the first layer. */
  valueRange,
};
export interface RandomContrastOptions extends LayerOptions, OptionsOf<typeof contrastOptions> {}
export const RANDOM_CONTRAST = defineLayer({
  type: "randomContrast",
  options: contrastOptions,
  lower(graph, name, [input], { factor: given, valueRange: limits }) {
    image(name, input);
    const [less, more] = typeof given === "number" ? [given, given] : given;
    const attributes = { contrast: [1 - less, 1 + more], brightness: STILL, valueRange: limits } as const;
    return graph.op("randomColor", name, [input], { ...attributes, stream: graph.stream() }, input.shape);
  },
});
/** Moves each channel's values from its mean or to it, in training alone. */
export function randomContrast(options: RandomContrastOptions): Layer {
  return layer(RANDOM_CONTRAST, options);
}

const brightnessOptions = {
  /** Share of the value range that is added: 0.2 from -0.2 to 0.2, or [from, to]. */
  factor: needed(factor(-1, 1)),
  /** What values are kept within. Default [0, 1], as bytes become before the first layer. */
  valueRange,
};
export interface RandomBrightnessOptions extends LayerOptions, OptionsOf<typeof brightnessOptions> {}
export const RANDOM_BRIGHTNESS = defineLayer({
  type: "randomBrightness",
  options: brightnessOptions,
  lower(graph, name, [input], { factor: given, valueRange: limits }) {
    image(name, input);
    const [low, high] = rangeOf(given);
    const span = limits[1] - limits[0];
    const attributes = { contrast: SAME, brightness: [low * span, high * span], valueRange: limits } as const;
    return graph.op("randomColor", name, [input], { ...attributes, stream: graph.stream() }, input.shape);
  },
});
/** Makes images brighter or darker, in training alone. */
export function randomBrightness(options: RandomBrightnessOptions): Layer {
  return layer(RANDOM_BRIGHTNESS, options);
}

const erasingOptions = {
  /** How likely an image loses a rectangle; 1 stands for from 0 to 1, as in Keras. Default 1. */
  factor: optional(factor(0, 1), 1),
  /** Share of the image that it takes, from and to. Default [0.02, 0.33]. */
  scale: optional(factor(0, 1), [0.02, 0.33] as Range),
  /** What it is filled with. Default: noise. */
  fillValue: some<number>("a finite number", Number.isFinite, 0),
  /** What values are kept within. Default [0, 1], as bytes become before the first layer. */
  valueRange,
};
export interface RandomErasingOptions extends LayerOptions, OptionsOf<typeof erasingOptions> {}
export const RANDOM_ERASING = defineLayer({
  type: "randomErasing",
  options: erasingOptions,
  lower(graph, name, [input], { factor: given, scale, ...rest }) {
    image(name, input);
    const attributes = { factor: rangeOf(given, 0), scale: rangeOf(scale, 0), ...rest };
    return graph.op("randomErasing", name, [input], { ...attributes, stream: graph.stream() }, input.shape);
  },
});
/** Fills a rectangle of images (Zhong et al. 2017), in training alone. */
export function randomErasing(options: RandomErasingOptions = {}): Layer {
  return layer(RANDOM_ERASING, options);
}

const mixUpOptions = {
  /** Weights are drawn from beta(alpha, alpha): the greater, the more evenly two images are mixed. Default 0.2. */
  alpha: optional(real(0, undefined, true), 0.2),
};
export interface MixUpOptions extends LayerOptions, OptionsOf<typeof mixUpOptions> {}
export const MIX_UP = defineLayer({
  type: "mixUp",
  options: mixUpOptions,
  lower(graph, name, [input], { alpha }) {
    image(name, input);
    const attributes = { alpha: [alpha, alpha], cut: false, stream: graph.stream() } as const;
    return graph.op("mixImages", name, [input], attributes, input.shape);
  },
});
/** Mixes each image, and its target, with another of the batch (Zhang et al. 2017), in training alone. */
export function mixUp(options: MixUpOptions = {}): Layer {
  return layer(MIX_UP, options);
}

const cutMixOptions = {
  /** Weights are drawn from beta(a, a), a from 0 to this, or [from, to]. Default 1. */
  factor: optional(factor(0, 1), 1),
};
export interface CutMixOptions extends LayerOptions, OptionsOf<typeof cutMixOptions> {}
export const CUT_MIX = defineLayer({
  type: "cutMix",
  options: cutMixOptions,
  lower(graph, name, [input], { factor: given }) {
    image(name, input);
    const attributes = { alpha: rangeOf(given, 0), cut: true, stream: graph.stream() };
    return graph.op("mixImages", name, [input], attributes, input.shape);
  },
});
/** Gives each image a rectangle of another of the batch, and its target as large a share (Yun et al. 2019), in training alone. */
export function cutMix(options: CutMixOptions = {}): Layer {
  return layer(CUT_MIX, options);
}
