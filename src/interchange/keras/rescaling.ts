import type { Options } from "./layer-config.ts";

type Config = Readonly<Record<string, unknown>>;

/**
 * Keras's Rescaling with a scale or an offset for each channel, as the options of a normalization: scale x + offset is
 * (x - mean) / sqrt(variance) of mean -offset / scale and variance 1 / scale^2. Undefined where it has one for all, or a
 * scale that is not above 0.
 */
export function perChannelScaling(
  { scale, offset = 0 }: Config,
  channels: number | undefined,
): Options | undefined {
  if (typeof scale === "number" && typeof offset === "number") return undefined;
  const size = Array.isArray(scale) ? scale.length : Array.isArray(offset) ? offset.length : 0;
  const each = (value: unknown) =>
    Array.isArray(value) ? (value as number[]) : Array<number>(size).fill(value as number);
  const [scales, offsets] = [each(scale), each(offset)];
  const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
  if (
    (channels !== undefined && size !== channels) ||
    scales.length !== offsets.length ||
    !scales.every((value) => isNumber(value) && value > 0) ||
    !offsets.every(isNumber)
  )
    return undefined;
  return {
    mean: scales.map((value, i) => -offsets[i]! / value),
    variance: scales.map((value) => 1 / value ** 2),
  };
}
