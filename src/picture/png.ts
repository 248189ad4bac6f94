import { convertIndexedToRgb, type DecodedPng, decode, hasPngSignature } from "fast-png";
import { notRead } from "./format.ts";
import { type Picture, PictureError } from "./picture.ts";
import { pixelsOnly } from "./png-chunks.ts";

/** Bytes of a picture file: as many as the largest picture takes where nothing in it can be packed. */
export const MAX_PICTURE_BYTES = 2 ** 28;

/**
 * Decodes a PNG of any colour type and depth, and interlaced ones of 8 bits a channel or more; gamma and colour profiles
 * are not applied.
 * Throws PictureError.
 */
export function decodePng(bytes: Uint8Array): Picture {
  if (!hasPngSignature(bytes)) throw notRead(bytes);
  const pixels = pixelsOnly(bytes);
  let png: DecodedPng;
  try {
    png = decode(pixels, { checkCrc: true });
  } catch (error) {
    throw new PictureError(`is a damaged PNG: ${(error as Error).message}`, { cause: error });
  }
  return toPicture(png);
}

function toPicture(png: DecodedPng): Picture {
  const { width, height } = png;
  const pixels = width * height;
  const { samples, channels, most } = samplesOf(png);
  const rgb = new Float32Array(pixels * 3);
  const colours = channels < 3 ? 1 : 3;
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = samples[i * channels + (colours === 3 ? c : 0)]! / most;
  return { width, height, rgb, alpha: alphaOf(png, samples, channels, most) };
}

/** Numbers from 0 to `most`, one a channel. Palettes are looked up, and several pixels in a byte unpacked. */
function samplesOf(png: DecodedPng): { samples: ArrayLike<number>; channels: number; most: number } {
  const { width, height, depth, channels, data, palette } = png;
  if (palette && channels === 1) {
    try {
      return { samples: convertIndexedToRgb(png), channels: palette[0]?.length ?? 3, most: 255 };
    } catch (error) {
      throw new PictureError(`is a damaged PNG: ${(error as Error).message}`, { cause: error });
    }
  }
  if (depth >= 8) return { samples: data, channels, most: 2 ** depth - 1 };
  // Grey only. Each row starts on a byte.
  const rowBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  const most = 2 ** depth - 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      samples[y * width + x] = (data[y * rowBytes + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
    }
  return { samples, channels: 1, most };
}

function alphaOf(
  { width, height, transparency }: DecodedPng,
  samples: ArrayLike<number>,
  channels: number,
  most: number,
): Float32Array | undefined {
  const pixels = width * height;
  const alpha = new Float32Array(pixels);
  if (channels === 2 || channels === 4) {
    for (let i = 0; i < pixels; i++) alpha[i] = samples[(i + 1) * channels - 1]! / most;
    return alpha;
  }
  // tRNS of a grey or RGB picture: the one colour that is transparent.
  if (!transparency || transparency.length < channels) return undefined;
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < channels; c++) if (samples[i * channels + c] !== transparency[c]) alpha[i] = 1;
  return alpha;
}
