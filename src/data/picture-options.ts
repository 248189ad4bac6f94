// What is told of pictures that become a dataset: names, defaults and meanings are Keras's.
import { flag, oneOf, real, some, type TableOf } from "../options/kinds.ts";

export const COLOR_MODES = ["rgb", "grayscale"] as const;
export type ColorMode = (typeof COLOR_MODES)[number];

export const INTERPOLATIONS = ["bilinear", "nearest", "bicubic", "area"] as const;
/**
 * Where a pixel's new value comes from: bilinear, of the 4 old ones around its middle; nearest, of one; bicubic, of 16; area,
 * of all that it covers, which is best where pictures get much smaller.
 */
export type Interpolation = (typeof INTERPOLATIONS)[number];

export const RESIZES = ["stretch", "crop", "pad"] as const;
/** How a picture of other proportions fits: stretched, cropped at its middle, or with black on two sides. */
export type Resize = (typeof RESIZES)[number];

/** Sides of images, as IDX files have them. */
const MAX_SIDE = 16_384;

/** How pictures become images of one size. */
export interface PictureFit {
  /** Default "bilinear". */
  readonly interpolation?: Interpolation | undefined;
  /** Default "stretch". */
  readonly resize?: Resize | undefined;
}

export interface PictureOptions extends PictureFit {
  /** `[height, width]`. Default: the pictures' own, where all have one of up to 256 a side; else `[64, 64]`. */
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  /** Default: "grayscale" where no picture has colours, else "rgb". */
  readonly colorMode?: ColorMode | undefined;
  /** Leave out files that cannot be read, and say which. Default false: they are an error that names them. */
  readonly skipBad?: boolean | undefined;
  /** Share of the pictures of each class that is kept for the test, where there is no folder of them. Default 0.2. */
  readonly testSplit?: number | undefined;
}

export function isImageSize(value: unknown): value is readonly [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((side) => Number.isSafeInteger(side) && side >= 1 && side <= MAX_SIDE)
  );
}

export const imageSizeKind = () =>
  some<readonly [number, number]>(
    `[height, width] in pixels, 1 to ${MAX_SIDE.toLocaleString("en-US")} each`,
    isImageSize,
    [64, 64],
  );

export const pictureTable = (): TableOf<PictureOptions> => ({
  imageSize: imageSizeKind(),
  colorMode: oneOf(COLOR_MODES),
  interpolation: oneOf(INTERPOLATIONS),
  resize: oneOf(RESIZES),
  skipBad: flag,
  testSplit: real(0, 1, true),
});

export const PICTURE_KEYS = [
  "imageSize",
  "colorMode",
  "interpolation",
  "resize",
  "skipBad",
  "testSplit",
] as const satisfies readonly (keyof PictureOptions)[];

/** Those of the options that are of pictures. */
export function pictureOptionsIn(options: PictureOptions): PictureOptions {
  return Object.fromEntries(PICTURE_KEYS.map((key) => [key, options[key]]));
}
