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
  const { inner, left, top } = innerOf(picture, width, height, resize);
  const pixels = new Uint8Array(height * width * channels);
  planes.forEach((plane, c) => {
    const part = resize === "crop" ? partOf(plane, middleOf(plane, width / height)) : plane;
    const { values } = resample(part, inner.width, inner.height, interpolation);
    for (let y = 0; y < inner.height; y++)
      for (let x = 0; x < inner.width; x++)
        pixels[((y + top) * width + x + left) * channels + c] = byte(values[y * inner.width + x]!);
  });
  return pixels;
}

/** Where in an image a picture lies: in all of it but for one that is padded. */
function innerOf(picture: Size, width: number, height: number, resize: PictureFit["resize"]) {
  const within = resize === "pad" ? sizeWithin(picture, width, height) : { width, height };
  return {
    inner: { width: Math.max(1, Math.floor(within.width)), height: Math.max(1, Math.floor(within.height)) },
    left: Math.floor((width - within.width) / 2),
    top: Math.floor((height - within.height) / 2),
  };
}

/** Bytes of an image, one after the other for each pixel. */
export interface Pixels extends Size {
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * What a model made of an image that fitPicture() gave, in the picture's own size, so that it lies over it: the bars of a padded one are
 * cut off; around the middle of a cropped one, which alone the model saw, all is 0.
 * @param seen `[height, width]` of what the model took
 */
export function unfitPicture(
  { width, height, channels, data }: Pixels,
  picture: Size,
  seen: readonly [height: number, width: number],
  resize: PictureFit["resize"],
  interpolation: "nearest" | "bilinear",
): Pixels {
  const [seenHeight, seenWidth] = seen;
  const { inner, left, top } = innerOf(picture, seenWidth, seenHeight, resize);
  const [wide, high] = [width / seenWidth, height / seenHeight];
  const cut = {
    left: Math.min(Math.floor(left * wide), width - 1),
    top: Math.min(Math.floor(top * high), height - 1),
    width: Math.max(1, Math.round(inner.width * wide)),
    height: Math.max(1, Math.round(inner.height * high)),
  };
  const all = { left: 0, top: 0, width: picture.width, height: picture.height };
  const place = resize === "crop" ? middleOf(picture, seenWidth / seenHeight) : all;
  const out = new Uint8Array(picture.width * picture.height * channels);
  for (let c = 0; c < channels; c++) {
    const plane = {
      width,
      height,
      values: Float32Array.from({ length: width * height }, (_, i) => data[i * channels + c]!),
    };
    const { values } = resample(partOf(plane, cut), place.width, place.height, interpolation);
    for (let y = 0; y < place.height; y++)
      for (let x = 0; x < place.width; x++)
        out[((y + place.top) * picture.width + x + place.left) * channels + c] = Math.round(
          values[y * place.width + x]!,
        );
  }
  return { width: picture.width, height: picture.height, channels, data: out };
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

interface Part extends Size {
  readonly left: number;
  readonly top: number;
}

/** The largest part of the middle that has these proportions: Keras's smart_resize. */
function middleOf({ width, height }: Size, wide: number): Part {
  const to = (side: number, own: number) => Math.max(1, Math.min(Math.floor(side), own));
  const [toWidth, toHeight] = [to(height * wide, width), to(width / wide, height)];
  return { left: (width - toWidth) >> 1, top: (height - toHeight) >> 1, width: toWidth, height: toHeight };
}

function partOf({ width, height, values }: Plane, part: Part): Plane {
  const [wide, high] = [Math.min(part.width, width - part.left), Math.min(part.height, height - part.top)];
  const out = new Float32Array(wide * high);
  for (let y = 0; y < high; y++) {
    const from = (y + part.top) * width + part.left;
    out.set(values.subarray(from, from + wide), y * wide);
  }
  return { width: wide, height: high, values: out };
}
