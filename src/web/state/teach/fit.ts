import { fitPicture } from "../../../picture/fit.ts";
import type { Colours } from "./pictures.ts";

/** How pictures are made as large as a model takes them: its file says so, so that others make them alike. */
export const FIT = { interpolation: "area", resize: "crop" } as const;

/** A picture as large as a model takes it, in bytes; in grey where it has one channel. @param shape `[height, width, channels]` */
export function fitted({ width, height, pixels }: Colours, shape: readonly number[]): Uint8Array {
  const rgb = Float32Array.from(pixels, (value) => value / 255);
  return fitPicture({ width, height, rgb, alpha: undefined }, shape as [number, number, number], FIT);
}
