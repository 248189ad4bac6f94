import { scaleLinear } from "d3-scale";
import type { Raster } from "./png.ts";
import type { ReportFilters } from "./types.ts";

export interface FilterPicture {
  readonly raster: Raster;
  /** Least and greatest weight. */
  readonly low: number;
  readonly high: number;
}

/** Blue below zero, near white at zero, red above: ColorBrewer's RdBu, told apart by the colour-blind too. */
const DIVERGING = scaleLinear<number[]>()
  .domain([-1, -0.5, 0, 0.5, 1])
  .range([
    [5, 48, 97],
    [67, 147, 195],
    [247, 247, 247],
    [214, 96, 77],
    [103, 0, 31],
  ])
  .clamp(true);

/**
 * Each filter of an HWIO kernel as a picture, scaled by its own greatest |weight|: with 3 input channels as RGB around
 * mid-gray, else in diverging colours, of the mean over the input channels. Weights that are NaN count as 0.
 * At most `limit` filters. Throws RangeError where the shape does not fit the values.
 */
export function filterPictures({ values, shape }: ReportFilters, limit: number): FilterPicture[] {
  const [height = 0, width = 0, inputs = 0, filters = 0] = shape;
  const size = height * width * inputs * filters;
  if (shape.length !== 4 || size === 0 || size !== values.length)
    throw new RangeError(
      `filters: got ${values.length} values of shape [${shape}], expected HWIO of that many`,
    );
  return Array.from({ length: Math.min(filters, limit) }, (_, f) => {
    const channels = inputs === 3 ? 3 : 1;
    const weights = Float64Array.from({ length: height * width * channels }, (_, i) => {
      if (channels === 3) return values[i * filters + f]! || 0;
      let sum = 0;
      for (let c = 0; c < inputs; c++) sum += values[(i * inputs + c) * filters + f]! || 0;
      return sum / inputs;
    });
    const greatest = weights.reduce((max, w) => Math.max(max, Math.abs(w)), 0) || 1;
    const data = new Uint8Array(height * width * 3);
    if (channels === 3)
      for (let i = 0; i < data.length; i++) data[i] = Math.round(127.5 * (1 + weights[i]! / greatest));
    else for (let i = 0; i < weights.length; i++) data.set(DIVERGING(weights[i]! / greatest), 3 * i);
    return {
      raster: { width, height, channels: 3, data },
      low: weights.reduce((a, b) => Math.min(a, b)),
      high: weights.reduce((a, b) => Math.max(a, b)),
    };
  });
}
