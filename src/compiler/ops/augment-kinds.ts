// What random changes of images are told.

/** From where to where a number is drawn. */
export type Range = readonly [low: number, high: number];
/** What stands for cells outside of an image. */
export type FillMode = "constant" | "reflect" | "wrap" | "nearest";
export type Interpolation = "nearest" | "bilinear";

export interface AugmentAttributes {
  /** Images moved: flipped, turned, zoomed, shifted. */
  randomAffine: {
    readonly stream: number;
    readonly flips: { readonly horizontal: boolean; readonly vertical: boolean };
    /** Radians. */
    readonly angle: Range;
    /** 1: as it is; greater: smaller. */
    readonly zoomHeight: Range;
    /** Default: as the height is. */
    readonly zoomWidth?: Range | undefined;
    /** Shares of the height, down, and of the width, to the right. */
    readonly shiftHeight: Range;
    readonly shiftWidth: Range;
    readonly fillMode: FillMode;
    readonly interpolation: Interpolation;
    readonly fillValue: number;
  };
  /** A part of each image, of the output's size. */
  randomCrop: { readonly stream: number };
  /** (x - mean) * contrast + mean + brightness, kept within the range. */
  randomColor: {
    readonly stream: number;
    readonly contrast: Range;
    readonly brightness: Range;
    readonly valueRange: Range;
  };
  /** A rectangle of one value, or of noise. */
  randomErasing: {
    readonly stream: number;
    readonly factor: Range;
    readonly scale: Range;
    readonly fillValue?: number | undefined;
    readonly valueRange: Range;
  };
  /** Each image mixed with another of the batch, or with a rectangle of it; targets are mixed likewise. */
  mixImages: { readonly stream: number; readonly alpha: Range; readonly cut: boolean };
}

export type AugmentKind = keyof AugmentAttributes;
