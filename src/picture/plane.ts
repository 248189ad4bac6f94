import type { Picture } from "./picture.ts";

/** One number a pixel, 0 (black) to 1 (white). */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Luma of ITU-R BT.601, as Pillow and most other libraries turn RGB into grey. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Red, green and blue on their backdrop. */
export function colourPlanes(picture: Picture): [Plane, Plane, Plane] {
  const { width, height, rgb, alpha } = picture;
  const backdrop = backdropOf(picture);
  const plane = (c: number): Plane => {
    const values = new Float32Array(width * height);
    for (let i = 0; i < values.length; i++) {
      const opacity = alpha ? alpha[i]! : 1;
      values[i] = rgb[i * 3 + c]! * opacity + backdrop * (1 - opacity);
    }
    return { width, height, values };
  };
  return [plane(0), plane(1), plane(2)];
}

export function greyPlane(picture: Picture): Plane {
  const [r, g, b] = colourPlanes(picture);
  const values = r.values.map((red, i) => LUMA[0] * red + LUMA[1] * g.values[i]! + LUMA[2] * b.values[i]!);
  return { width: r.width, height: r.height, values };
}

/**
 * What lies behind transparent pixels: white; but black behind light ink on a mostly transparent ground,
 * which would vanish on white.
 */
function backdropOf({ rgb, alpha }: Picture): 0 | 1 {
  if (!alpha) return 1;
  let opacity = 0;
  let light = 0;
  for (let i = 0; i < alpha.length; i++) {
    opacity += alpha[i]!;
    light += alpha[i]! * (LUMA[0] * rgb[3 * i]! + LUMA[1] * rgb[3 * i + 1]! + LUMA[2] * rgb[3 * i + 2]!);
  }
  return opacity < alpha.length / 2 && light > opacity / 2 ? 0 : 1;
}

export function invert({ width, height, values }: Plane): Plane {
  return { width, height, values: values.map((value) => 1 - value) };
}

/** Median of the outermost pixels: what a drawing lies on. A stroke that runs over the edge does not move it. */
export function borderBrightness({ width, height, values }: Plane): number {
  const border: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (y === 0 || x === 0 || y === height - 1 || x === width - 1) border.push(values[y * width + x]!);
  border.sort((a, b) => a - b);
  return border[border.length >> 1]!;
}

/**
 * Width and height of its own for each axis: mean over the area that a new pixel covers, linear where it enlarges.
 * Beside the result it takes memory for a few rows only, whatever the two shapes.
 */
export function resize({ width, height, values }: Plane, toWidth: number, toHeight: number): Plane {
  const columns = weights(width, toWidth);
  /** Old rows in their new width. A new row starts with at most the last two of the one before it. */
  const narrow = [0, 1].map(() => ({ y: -1, values: new Float32Array(toWidth) }));
  const narrowRow = (y: number): Float32Array => {
    const row = narrow[y % 2]!;
    if (row.y !== y)
      columns.forEach((taps, x) => {
        let sum = 0;
        for (const [at, weight] of taps) sum += values[y * width + at]! * weight;
        row.values[x] = sum;
      });
    row.y = y;
    return row.values;
  };
  const out = new Float32Array(toWidth * toHeight);
  const sums = new Float64Array(toWidth);
  weights(height, toHeight).forEach((taps, y) => {
    sums.fill(0);
    for (const [at, weight] of taps) {
      const row = narrowRow(at);
      for (let x = 0; x < toWidth; x++) sums[x]! += row[x]! * weight;
    }
    out.set(sums, y * toWidth);
  });
  return { width: toWidth, height: toHeight, values: out };
}

/** For each new pixel the old ones that it is made of, and their shares, which sum to 1. */
function weights(from: number, to: number): (readonly [index: number, weight: number])[][] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    if (scale <= 1) {
      const centre = Math.min(Math.max((i + 0.5) * scale - 0.5, 0), from - 1);
      const low = Math.floor(centre);
      const share = centre - low;
      return share === 0 ? [[low, 1] as const] : [[low, 1 - share] as const, [low + 1, share] as const];
    }
    const [start, end] = [i * scale, (i + 1) * scale];
    const taps: [number, number][] = [];
    for (let at = Math.floor(start); at < Math.min(Math.ceil(end), from); at++) {
      const share = (Math.min(end, at + 1) - Math.max(start, at)) / scale;
      if (share > 0) taps.push([at, share]);
    }
    return taps;
  });
}
