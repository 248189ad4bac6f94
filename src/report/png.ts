import { encode } from "fast-png";

/** Pixels ready to be encoded: 1, 3 or 4 bytes each. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

/**
 * One image's NHWC bytes as a raster. 1, 3 and 4 channels are gray, RGB and RGBA; of any other number the first is shown.
 * Undefined where there is no image: an empty shape, or too few bytes for it.
 */
export function imageRaster(pixels: Uint8Array, shape: readonly number[]): Raster | undefined {
  const [height = 0, width = 0, channels = 1] = shape;
  if (!(height > 0 && width > 0 && channels > 0) || pixels.length !== height * width * channels)
    return undefined;
  if (channels === 1 || channels === 3 || channels === 4) return { width, height, channels, data: pixels };
  const data = Uint8Array.from({ length: height * width }, (_, i) => pixels[i * channels]!);
  return { width, height, channels: 1, data };
}

/** The raster as a PNG file. */
export function pngBytes({ width, height, channels, data }: Raster): Uint8Array {
  return encode({ width, height, channels, depth: 8, data }, { zlib: { level: 9 } });
}

/** The raster as a PNG in a `data:` URI. */
export function pngDataUri(raster: Raster): string {
  const bytes = pngBytes(raster);
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return `data:image/png;base64,${btoa(binary)}`;
}
