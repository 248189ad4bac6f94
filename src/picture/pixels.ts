import type { Picture } from "./picture.ts";

/** RGBA bytes as a picture: what getImageData() of a canvas gives. */
export function pictureOf({
  width,
  height,
  data,
}: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}): Picture {
  const rgb = new Float32Array(3 * width * height);
  const alpha = new Float32Array(width * height);
  let opaque = true;
  for (let i = 0; i < alpha.length; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[4 * i + c]! / 255;
    alpha[i] = data[4 * i + 3]! / 255;
    opaque &&= data[4 * i + 3] === 255;
  }
  return { width, height, rgb, alpha: opaque ? undefined : alpha };
}
