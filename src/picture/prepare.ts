import { formatShape, type Shape } from "../compiler/graph.ts";
import type { PictureFit } from "../data/picture-options.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { flag, some, type TableOf } from "../options/kinds.ts";
import { centreInk, inkOf } from "./centre.ts";
import { countDrawings } from "./drawings.ts";
import { fitPicture } from "./fit.ts";
import { CENTRED_DATASETS, isPictureSize, PICTURE_SIZES, type Picture, PictureError } from "./picture.ts";
import { borderBrightness, colourPlanes, greyPlane, invert, type Plane, resize } from "./plane.ts";

/** What is known of the images that a model was trained on: the metadata of its file has it. */
export interface PictureHints {
  /** How bright their border is, 0 to 1. Default 0. */
  readonly background?: number | undefined;
  /** Whether they are ink placed as MNIST's. Default: for models of mnist and digits. */
  readonly centred?: boolean | undefined;
  /** The dataset's name. */
  readonly dataset?: string | undefined;
  /** Where they were pictures, how they became images: others do alike, with light and dark as they are. */
  readonly pictures?: PictureFit | undefined;
}

export interface PrepareOptions {
  /** What loadModel() gave beside the model. */
  readonly metadata?: PictureHints | undefined;
  /** Swap light and dark. Default: where the picture's border is the opposite of the training images'. */
  readonly invert?: boolean | undefined;
  /**
   * Place the ink as MNIST does; otherwise the whole picture is resized. Default: where the training images are so, unless
   * the picture has the model's size already.
   */
  readonly center?: boolean | undefined;
}

export interface Prepared {
  /** Bytes of one image, NHWC: what predict() takes. */
  readonly pixels: Uint8Array;
  readonly inverted: boolean;
  readonly centred: boolean;
  /** Drawings that lie side by side, where ink was placed: a model of single digits can but guess at several. Else 1. */
  readonly drawings: number;
}

export const prepareTable = (): TableOf<PrepareOptions> => ({
  metadata: some(
    "the metadata that loadModel() gave",
    (value) => typeof value === "object" && value !== null,
  ),
  invert: flag,
  center: flag,
});

const PREPARE: Checked = { call: "preparePicture(picture, model.inputShape, *)", table: prepareTable };

/**
 * Turns a picture into what a model takes: grey for one channel, RGB for three.
 * Throws PictureError where nothing is drawn in it, or the model takes no pictures; RangeError on an option that is none.
 * @param shape the model's inputShape
 */
export function preparePicture(picture: Picture, shape: Shape, options: PrepareOptions = {}): Prepared {
  checkOptions(PREPARE, options);
  const [height, width, channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new PictureError(
      `the model takes inputs of shape ${formatShape(shape)}; pictures fit models of 1 or 3 channels, (height, width, channels)`,
    );
  if (!isPictureSize(width!, height!))
    throw new PictureError(
      `the model takes inputs of shape ${formatShape(shape)}; pictures are made of ${PICTURE_SIZES}`,
    );
  const {
    background = 0,
    dataset = "",
    centred = CENTRED_DATASETS.includes(dataset),
    pictures,
  } = options.metadata ?? {};
  if (pictures && !options.center) {
    const turned = options.invert ? negative(picture) : picture;
    const pixels = fitPicture(turned, [height!, width!, channels], pictures);
    return { pixels, inverted: options.invert === true, centred: false, drawings: 1 };
  }
  const grey = greyPlane(picture);
  const inverted = options.invert ?? Math.abs(borderBrightness(grey) - background) > 0.5;
  const turned = (plane: Plane) => (inverted ? invert(plane) : plane);
  const whole = (planes: readonly Plane[]): Prepared => ({
    pixels: interleave(planes.map((plane) => resize(turned(plane), width!, height!))),
    inverted,
    centred: false,
    drawings: 1,
  });
  if (channels === 3) return whole(colourPlanes(picture));
  const sameSize = picture.width === width && picture.height === height;
  if (!(options.center ?? (centred && !sameSize))) return whole([grey]);
  // The ink is what differs from the background, so centring works on a dark one.
  const dark = background > 0.5 ? invert(turned(grey)) : turned(grey);
  const ink = inkOf(dark);
  if (!ink)
    throw new PictureError("nothing is drawn in it: it has no lighter and darker parts that could be ink");
  const placed = centreInk(ink, width!, height!);
  return {
    pixels: interleave([background > 0.5 ? invert(placed) : placed]),
    inverted,
    centred: true,
    drawings: countDrawings(ink),
  };
}

function negative({ rgb, ...picture }: Picture): Picture {
  return { ...picture, rgb: rgb.map((value) => 1 - value) };
}

function interleave(planes: readonly Plane[]): Uint8Array {
  const pixels = new Uint8Array(planes[0]!.values.length * planes.length);
  planes.forEach(({ values }, c) => {
    values.forEach((value, i) => {
      pixels[i * planes.length + c] = Math.round(255 * Math.min(Math.max(value, 0), 1));
    });
  });
  return pixels;
}
