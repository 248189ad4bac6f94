import type { Shape } from "../nn/graph.ts";
import { formatShape } from "../nn/layers/layer.ts";
import { centreInk } from "./centre.ts";
import { isPictureSize, PICTURE_SIZES, type Picture, PictureError } from "./picture.ts";
import { borderBrightness, colourPlanes, greyPlane, invert, type Plane, resize } from "./plane.ts";

export interface PrepareOptions {
  /** true, false, or undefined: where the picture's border is the opposite of `background`. */
  readonly invert?: boolean | undefined;
  /** Place the ink as MNIST does. Otherwise the whole picture is resized. */
  readonly centre: boolean;
  /** How bright the border of the model's training images is, 0 to 1. */
  readonly background: number;
}

export interface Prepared {
  /** Bytes of one image, NHWC. */
  readonly pixels: Uint8Array;
  readonly inverted: boolean;
  readonly centred: boolean;
}

/**
 * Turns a picture into what a model takes: grey for one channel, RGB for three.
 * @throws PictureError where nothing is drawn in it, or the model takes no pictures
 */
export function preparePicture(picture: Picture, shape: Shape, options: PrepareOptions): Prepared {
  const [height, width, channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new PictureError(
      `the model takes inputs of shape ${formatShape(shape)}; pictures fit models of 1 or 3 channels, (height, width, channels)`,
    );
  if (!isPictureSize(width!, height!))
    throw new PictureError(
      `the model takes inputs of shape ${formatShape(shape)}; pictures are made of ${PICTURE_SIZES}`,
    );
  const grey = greyPlane(picture);
  const inverted = options.invert ?? Math.abs(borderBrightness(grey) - options.background) > 0.5;
  const turned = (plane: Plane) => (inverted ? invert(plane) : plane);
  if (channels === 3) {
    const planes = colourPlanes(picture).map((plane) => resize(turned(plane), width!, height!));
    return { pixels: interleave(planes), inverted, centred: false };
  }
  const plane = turned(grey);
  if (!options.centre)
    return { pixels: interleave([resize(plane, width!, height!)]), inverted, centred: false };
  // The ink is what differs from the background, so centring works on a dark one.
  const dark = options.background > 0.5 ? invert(plane) : plane;
  const placed = centreInk(dark, width!, height!);
  if (!placed)
    throw new PictureError("nothing is drawn in it: it has no lighter and darker parts that could be ink");
  return {
    pixels: interleave([options.background > 0.5 ? invert(placed) : placed]),
    inverted,
    centred: true,
  };
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
