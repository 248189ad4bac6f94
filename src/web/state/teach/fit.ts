import { fitPicture } from "../../../picture/fit.ts";
import type { Colours } from "./pictures.ts";

/** How pictures are made as large as a model takes them: its file says so, so that others make them alike. */
export const FIT = { interpolation: "area", resize: "crop" } as const;

/** A picture as large as a model takes it, in bytes; in grey where it has one channel. @param shape `[height, width, channels]` */
export function fitted({ width, height, pixels }: Colours, shape: readonly number[]): Uint8Array {
  // Twenty times as fast as Float32Array.from() with a function, and asked for each thing that the camera sees.
  const rgb = new Float32Array(pixels.length);
  for (let i = 0; i < rgb.length; i++) rgb[i] = pixels[i]! / 255;
  return fitPicture({ width, height, rgb, alpha: undefined }, shape as [number, number, number], FIT);
}
