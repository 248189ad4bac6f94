import type { Raster } from "./png.ts";
import type { ReportImages, ReportTestedImage } from "./types.ts";

type Colour = readonly [red: number, green: number, blue: number];

/** Class 0 is mostly what lies around: a slate that is told from the page in light and dark. The others: Okabe and Ito's, and their like. */
const COLOURS: readonly Colour[] = [
  [58, 66, 78],
  [86, 180, 233],
  [230, 159, 0],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
  [70, 116, 222],
  [170, 212, 92],
  [150, 102, 214],
  [240, 150, 150],
  [122, 82, 58],
  [140, 220, 208],
];

/** A colour for each class; beyond those that were chosen, hues a golden angle apart. */
export function classColour(id: number): Colour {
  const own = COLOURS[id];
  if (own) return own;
  const [hue, lightness] = [(id * 137.508) % 360, 0.45 + 0.12 * (id % 3)];
  const spread = 0.55 * Math.min(lightness, 1 - lightness);
  // HSL, of saturation 0.55.
  const part = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** #56b4e9. */
export function cssColour(id: number): string {
  return `#${classColour(id)
    .map((part) => part.toString(16).padStart(2, "0"))
    .join("")}`;
}

/** Wrong pixels, and right ones. */
const WRONG: Colour = [232, 72, 40];
const RIGHT: Colour = [58, 66, 78];

/** A test image's answer, the model's, and how they differ. */
export interface AnswerPictures {
  readonly target: Raster;
  readonly output: Raster;
  readonly error: Raster;
}

/** What is shown of an image; undefined where answers make no picture. */
export function answerPictures(
  { target, output }: ReportTestedImage,
  images: Pick<ReportImages, "kind" | "shape" | "range">,
): AnswerPictures | undefined {
  const [height = 0, width = 0, last = 1] = images.shape;
  const size = { height, width };
  if (images.kind === "masks")
    return {
      target: coloured(size, target, classColour),
      output: coloured(size, output, classColour),
      error: coloured(size, output, (id, at) => (id === target[at] ? RIGHT : WRONG)),
    };
  if (!isPicture(images.shape)) return undefined;
  const range = images.range ?? [0, 1];
  const error = Float64Array.from(output, (y, i) => range[0] + Math.abs(y - target[i]!));
  const picture = (numbers: ArrayLike<number>) => scaled(size, last, numbers, range);
  return { target: picture(target), output: picture(output), error: picture(error) };
}

/** An answer as a picture: a mask in colours, with its ids as greys; numbers between black and white, which are the range. */
export function answerRasters(
  shape: readonly number[],
  mask: Uint8Array | undefined,
  numbers: ArrayLike<number>,
  range: readonly [low: number, high: number],
): { readonly picture: Raster; readonly ids?: Raster } | undefined {
  const [height = 0, width = 0, last = 1] = shape;
  const size = { height, width };
  if (mask) return { picture: coloured(size, mask, classColour), ids: { ...size, channels: 1, data: mask } };
  return isPicture(shape) ? { picture: scaled(size, last, numbers, range) } : undefined;
}

const isPicture = ({ length }: readonly number[]) => length === 2 || length === 3;

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Numbers as greys, or three channels as colours; of other numbers of channels the first is shown. */
function scaled(
  size: Size,
  last: number,
  numbers: ArrayLike<number>,
  [low, high]: readonly [low: number, high: number],
): Raster {
  const channels = last === 3 ? 3 : 1;
  const step = channels === 3 ? 1 : last;
  const data = Uint8Array.from({ length: size.height * size.width * channels }, (_, i) =>
    Math.max(0, Math.min(255, Math.round((255 * (numbers[i * step]! - low)) / (high - low || 1)))),
  );
  return { ...size, channels, data };
}

function coloured(size: Size, ids: ArrayLike<number>, of: (id: number, at: number) => Colour): Raster {
  const data = new Uint8Array(3 * ids.length);
  for (let at = 0; at < ids.length; at++) data.set(of(ids[at]!, at), 3 * at);
  return { ...size, channels: 3, data };
}
