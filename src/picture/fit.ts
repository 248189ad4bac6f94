import type { PictureFit } from "../data/picture-options.ts";
import type { Picture } from "./picture.ts";
import { colourPlanes, greyPlane, type Plane } from "./plane.ts";
import { resample } from "./resample.ts";

/**
 * Bytes of an image of a training set, made of a picture: grey for one channel (ITU-R BT.601), RGB for three; what is
 * transparent lies on white, or on black where it is light ink.
 * @param shape `[height, width, channels]`
 */
export function fitPicture(
  picture: Picture,
  shape: readonly [height: number, width: number, channels: number],
  { interpolation = "bilinear", resize = "stretch" }: PictureFit = {},
): Uint8Array {
  const [height, width, channels] = shape;
  const planes = channels === 1 ? [greyPlane(picture)] : colourPlanes(picture);
  const within = resize === "pad" ? sizeWithin(picture, width, height) : { width, height };
  const inner = {
    width: Math.max(1, Math.floor(within.width)),
    height: Math.max(1, Math.floor(within.height)),
  };
  const [left, top] = [Math.floor((width - within.width) / 2), Math.floor((height - within.height) / 2)];
  const pixels = new Uint8Array(height * width * channels);
  planes.forEach((plane, c) => {
    const part = resize === "crop" ? middleOf(plane, width / height) : plane;
    const { values } = resample(part, inner.width, inner.height, interpolation);
    for (let y = 0; y < inner.height; y++)
      for (let x = 0; x < inner.width; x++)
        pixels[((y + top) * width + x + left) * channels + c] = byte(values[y * inner.width + x]!);
  });
  return pixels;
}

function byte(value: number): number {
  return Math.round(255 * Math.min(Math.max(value, 0), 1));
}

/** The largest size of these proportions within another, not yet whole: tf.image.resize_with_pad. */
function sizeWithin(own: Size, width: number, height: number): Size {
  return own.width * height >= own.height * width
    ? { width, height: (own.height * width) / own.width }
    : { width: (own.width * height) / own.height, height };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The largest part of the middle that has these proportions: Keras's smart_resize. */
function middleOf({ width, height, values }: Plane, wide: number): Plane {
  const to = (side: number, own: number) => Math.max(1, Math.min(Math.floor(side), own));
  const [toWidth, toHeight] = [to(height * wide, width), to(width / wide, height)];
  const [left, top] = [(width - toWidth) >> 1, (height - toHeight) >> 1];
  const out = new Float32Array(toWidth * toHeight);
  for (let y = 0; y < toHeight; y++)
    out.set(values.subarray((y + top) * width + left, (y + top) * width + left + toWidth), y * toWidth);
  return { width: toWidth, height: toHeight, values: out };
}
