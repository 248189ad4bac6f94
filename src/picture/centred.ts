import type { ImageSet } from "../data/types.ts";
import { meanBorder } from "./background.ts";
import { BOX, INK } from "./centre.ts";

/** What a model file says of the images that its model learned, so that pictures for it are made alike. */
export interface PictureTraits {
  /** Mean brightness of the images' border, 0 to 1. */
  readonly background: number;
  /** Whether the images are ink placed as MNIST's. */
  readonly centred: boolean;
}

export function pictureTraits(set: ImageSet): PictureTraits {
  const background = meanBorder(set);
  return { background, centred: inkIsCentred(set, background) };
}

/** Images looked at: the first ones say enough. */
export const LOOKED_AT = 500;
/** Share of the images that must lie as MNIST's do: all of MNIST's and of the generated digits'. */
const MOST = 0.9;
/** Pixels, at 28, that a centre of mass may be off the middle, and the ink's longer side off its box of 20. */
const OFF = 1.5;

/**
 * Whether grey images are ink placed as MNIST's: in a box of 20/28 of the size, its centre of mass in the middle. A
 * drawing for a model that has learned them must be placed alike. Told by the images themselves, so that it holds for
 * parts of MNIST and for files of any name.
 * @param background mean brightness of the images' border, 0 to 1: see meanBorder()
 */
export function inkIsCentred({ images, shape, count }: ImageSet, background: number): boolean {
  const [height, width, channels] = shape;
  if (channels !== 1 || (background > 0.1 && background < 0.9)) return false;
  const size = height * width;
  const ink = new Float32Array(size);
  let drawn = 0;
  let placed = 0;
  for (let i = 0; i < Math.min(count, LOOKED_AT); i++) {
    let most = 0;
    for (let at = 0; at < size; at++) {
      const value = images[i * size + at]! / 255;
      ink[at] = background > 0.5 ? 1 - value : value;
      most = Math.max(most, ink[at]!);
    }
    if (most === 0) continue;
    drawn++;
    if (liesCentred(ink, width, height, INK * most)) placed++;
  }
  return drawn > 0 && placed >= MOST * drawn;
}

function liesCentred(ink: Float32Array, width: number, height: number, least: number): boolean {
  let [mass, massX, massY] = [0, 0, 0];
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = ink[y * width + x]!;
      mass += value;
      massX += value * x;
      massY += value * y;
      if (value <= least) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  const off = (value: number, expected: number, size: number) =>
    Math.abs(value - expected) <= Math.max(OFF, (OFF * size) / 28);
  const longer = Math.max((right - left) / width, (bottom - top) / height);
  return (
    off(massX / mass, width / 2, width) &&
    off(massY / mass, height / 2, height) &&
    off(longer * Math.max(width, height), BOX * Math.max(width, height), Math.max(width, height))
  );
}
