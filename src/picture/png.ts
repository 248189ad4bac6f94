import { convertIndexedToRgb, type DecodedPng, decode, hasPngSignature } from "fast-png";
import { notPng } from "./format.ts";
import { type Picture, PictureError } from "./picture.ts";

/** A header may promise any size in a few bytes: more than this is refused before anything is allocated. */
const MAX_PIXELS = 50_000_000;

/**
 * Decodes a PNG of any colour type and depth, interlaced or not; gamma and colour profiles are not applied.
 * @throws PictureError
 */
export function decodePng(bytes: Uint8Array): Picture {
  if (!hasPngSignature(bytes)) throw notPng(bytes);
  checkHeader(bytes);
  let png: DecodedPng;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (error) {
    throw new PictureError(`is a damaged PNG: ${(error as Error).message}`, { cause: error });
  }
  return toPicture(png);
}

function checkHeader(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) throw new PictureError(`is a damaged PNG: it ends after ${bytes.length} bytes`);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (width === 0 || height === 0 || width * height > MAX_PIXELS)
    throw new PictureError(
      `is ${width}x${height} pixels; expected at least 1 and at most ${MAX_PIXELS} of them`,
    );
  const depth = view.getUint8(24);
  const interlaced = view.getUint8(28) === 1;
  // fast-png reads such files as if each pixel had a byte of its own.
  if (interlaced && depth < 8)
    throw new PictureError(
      `is an interlaced PNG of ${depth} bits a channel, which is not supported; save it without interlacing`,
    );
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
  if (channels === 2 || channels === 4)
    return Float32Array.from({ length: pixels }, (_, i) => samples[(i + 1) * channels - 1]! / most);
  // tRNS of a grey or RGB picture: the one colour that is transparent.
  if (!transparency || transparency.length < channels) return undefined;
  return Float32Array.from({ length: pixels }, (_, i) => {
    for (let c = 0; c < channels; c++) if (samples[i * channels + c] !== transparency[c]) return 1;
    return 0;
  });
}
