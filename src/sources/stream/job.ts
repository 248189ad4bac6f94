import type { DataErrorCode } from "../../data/errors.ts";
import type { PictureFit } from "../../data/picture-options.ts";
import type { ImageSet } from "../../data/types.ts";

/** Images to read, as plain data: what a thread that reads is sent. */
export type Job = RowsJob | PicturesJob;

/** Pictures of which it is to be known what they are. Theirs is no `into`. */
export interface LookJob {
  readonly kind: "look";
  readonly paths: readonly string[];
  /** Sizes that they may be made images of, besides their own. */
  readonly sizes: readonly (readonly [height: number, width: number])[];
  readonly fit: PictureFit;
  /** Their own size, where no side is longer, is one of them as well. */
  readonly mostOwnSide: number;
}

/** What a picture is: a reason where it cannot be read. */
export type Look =
  | {
      readonly height: number;
      readonly width: number;
      /** Whether it has colours as an image of its own size, and of each of the others. */
      readonly own: boolean;
      readonly coloured: readonly boolean[];
    }
  | { readonly bad: string };

/** How an image lies in a file: as images are; as CIFAR's three planes; column by column, as EMNIST's. */
export type Layout = "rows" | "planes" | "columns";

/** Images that lie in files as bytes. */
export interface RowsJob {
  readonly kind: "rows";
  readonly files: readonly FileOf[];
  readonly layout: Layout;
  readonly shape: ImageSet["shape"];
  /** Of each image the number of its file, and where it begins there. */
  readonly file: Uint32Array;
  readonly at: Float64Array;
}

export interface FileOf {
  readonly path: string;
  /** Its bytes when the dataset was opened. */
  readonly bytes: number;
}

/** Pictures that are decoded and made images of a size. */
export interface PicturesJob {
  readonly kind: "pictures";
  readonly files: readonly FileOf[];
  readonly shape: ImageSet["shape"];
  /** Grey as the red of pictures without colours. */
  readonly ofRed: boolean;
  readonly fit: PictureFit;
}

/** An error as plain data. */
export interface Failure {
  readonly code: DataErrorCode | undefined;
  readonly message: string;
}
