import { INK } from "./centre.ts";
import type { Plane } from "./plane.ts";

/** Height of a drawing beside others, as a share of the tallest: what is lower is a dot, a comma, or dirt. */
const TALL = 0.6;

/**
 * How many drawings lie side by side: stretches of columns with ink, with empty columns between them, each about as tall
 * as the others. Digits are drawn in one, or in strokes that lie over or cross each other.
 * @param ink a light drawing on ground of 0, its strongest ink 1
 */
export function countDrawings({ width, height, values }: Plane): number {
  const heights: number[] = [];
  let [top, bottom] = [height, 0];
  for (let x = 0; x <= width; x++) {
    let empty = true;
    for (let y = 0; x < width && y < height; y++)
      if (values[y * width + x]! > INK) {
        empty = false;
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
    if (!empty || bottom === 0) continue;
    heights.push(bottom - top);
    [top, bottom] = [height, 0];
  }
  const tallest = Math.max(0, ...heights);
  return heights.filter((size) => size >= TALL * tallest).length;
}
