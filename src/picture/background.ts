import type { ImageSet } from "../data/types.ts";

/** Images looked at: the first ones say enough. */
const SAMPLE = 500;

/** Mean brightness of the images' outermost pixels, all channels, 0 to 1. */
export function meanBorder({ images, shape, count }: ImageSet): number {
  const [height, width, channels] = shape;
  let sum = 0;
  let n = 0;
  for (let i = 0; i < Math.min(count, SAMPLE); i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        if (y > 0 && x > 0 && y < height - 1 && x < width - 1) continue;
        for (let c = 0; c < channels; c++) sum += images[((i * height + y) * width + x) * channels + c]!;
        n += channels;
      }
  return sum / n / 255;
}
