import { borderBrightness, type Plane, resize } from "./plane.ts";

/** MNIST's digits fill a box of 20 of 28 pixels. */
export const BOX = 20 / 28;
/** Share of the strongest ink that counts as ink: above the grain of a scan or photo. */
export const INK = 0.2;
/** Contrast below which there is nothing but grain. */
const LEAST_CONTRAST = 0.05;

/** A light drawing on a dark ground with its background 0 and its strongest ink 1; undefined where there is no ink. */
export function inkOf(picture: Plane): Plane | undefined {
  const background = borderBrightness(picture);
  const most = picture.values.reduce((max, value) => Math.max(max, value), 0);
  if (most - background < LEAST_CONTRAST) return undefined;
  return {
    ...picture,
    values: picture.values.map((value) => Math.max(0, (value - background) / (most - background))),
  };
}

/**
 * Places ink as MNIST does: cropped, scaled into a box of 20/28 of the size with its proportions kept, its centre of mass
 * in the middle.
 * Source of the procedure: http://yann.lecun.com/exdb/mnist/
 */
export function centreInk(ink: Plane, width: number, height: number): Plane {
  const cropped = crop(ink);
  const scale = Math.min((width * BOX) / cropped.width, (height * BOX) / cropped.height);
  const small = resize(
    cropped,
    Math.max(1, Math.round(cropped.width * scale)),
    Math.max(1, Math.round(cropped.height * scale)),
  );
  return centred(small, width, height);
}

function crop({ width, height, values }: Plane): Plane {
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (values[y * width + x]! > INK) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
  const out = new Float32Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++)
    out.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  return { width: right - left, height: bottom - top, values: out };
}

/**
 * Onto a dark ground, its centre of mass on the middle pixel, to the nearest one; but never over the edge.
 * MNIST's centres of mass average 14.00 in pixel numbers from 0, half a pixel off the geometric middle of 28.
 */
function centred(plane: Plane, width: number, height: number): Plane {
  let [mass, massX, massY] = [0, 0, 0];
  for (let y = 0; y < plane.height; y++)
    for (let x = 0; x < plane.width; x++) {
      const value = plane.values[y * plane.width + x]!;
      mass += value;
      massX += value * x;
      massY += value * y;
    }
  const place = (size: number, of: number, centre: number) =>
    // Halves go down: a symmetric drawing of even width then lies in the geometric middle.
    Math.min(Math.max(Math.ceil(size / 2 - centre - 0.5), 0), size - of);
  const left = place(width, plane.width, massX / mass);
  const top = place(height, plane.height, massY / mass);
  const values = new Float32Array(width * height);
  for (let y = 0; y < plane.height; y++)
    values.set(plane.values.subarray(y * plane.width, (y + 1) * plane.width), (top + y) * width + left);
  return { width, height, values };
}
