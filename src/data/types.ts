import type { PictureFit } from "./picture-options.ts";

/** Pixels of one split, kept as bytes: they become scaled f32 only batch by batch, inside linear memory. */
export interface ImageSet {
  /** NHWC bytes, `count * height * width * channels` of them. */
  readonly images: Uint8Array;
  /**
   * Class ids, one per image, each below the dataset's `classNames.length`. Where answers are masks, one per pixel of them; where they are
   * numbers, there are none.
   */
  readonly labels: Uint8Array;
  /** Where answers are numbers: `count * elements(answers.shape)` of them. */
  readonly targets?: Float32Array;
  readonly count: number;
  /** `[height, width, channels]` of one image. */
  readonly shape: readonly [height: number, width: number, channels: number];
}

/** What belongs to each image of a dataset in place of a class. */
export interface Answers {
  /** masks: a class for each pixel. numbers: floats, which may be images. */
  readonly kind: "masks" | "numbers";
  /** Of masks `[height, width]`. */
  readonly shape: readonly number[];
  /** Of numbers from where to where they go, where that is known without looking at each. */
  readonly range?: readonly [least: number, greatest: number];
}

/** A dataset of images of one size, and of their classes unless it says what else belongs to them. */
export interface Dataset {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Where it brings images for validation: then none are split off. */
  readonly validation?: ImageSet | undefined;
  /** What belongs to an image, where that is no class. */
  readonly answers?: Answers | undefined;
  /** How pictures became its images: so those that the model is asked about do, too. */
  readonly pictures?: PictureFit | undefined;
}
