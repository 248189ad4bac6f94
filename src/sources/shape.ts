import { DataError } from "../data/errors.ts";
import type { ImageSet } from "../data/types.ts";
import type { OneSet } from "./parts.ts";

/** Shape of images of which only the number of pixels is known: `imageSize`, or a square, grey or RGB. Throws DataError. */
export function flatShape(pixels: number, what: string, { imageSize }: OneSet): ImageSet["shape"] {
  const square = (area: number) => {
    const side = Math.round(Math.sqrt(area));
    return side * side === area && area > 0 ? ([side, side] as const) : undefined;
  };
  for (const channels of [1, 3]) {
    const size = imageSize ?? square(pixels / channels);
    if (size && size[0] * size[1] * channels === pixels) return [...size, channels];
  }
  throw new DataError(
    "bad-dimensions",
    imageSize
      ? `${what}: has ${pixels} numbers for each image; imageSize [${imageSize.join(", ")}] takes ${imageSize[0] * imageSize[1]}, or thrice as many with colours.`
      : `${what}: has ${pixels} numbers for each image, which make no square. Say their size: imageSize: [height, width], on the command line --image-size 28x20.`,
  );
}
