import type { PictureFit } from "./picture-options.ts";

/** Pixels of one split, kept as bytes: they become scaled f32 only batch by batch, inside linear memory. */
export interface ImageSet {
  /** NHWC bytes, `count * height * width * channels` of them. */
  readonly images: Uint8Array;
  /** Class ids, one per image, each below the dataset's `classNames.length`. */
  readonly labels: Uint8Array;
  readonly count: number;
  /** `[height, width, channels]` of one image. */
  readonly shape: readonly [height: number, width: number, channels: number];
}

/** A classification dataset of images of one size. */
export interface Dataset {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Where it brings images for validation: then none are split off. */
  readonly validation?: ImageSet | undefined;
  /** How pictures became its images: so those that the model is asked about do, too. */
  readonly pictures?: PictureFit | undefined;
}
