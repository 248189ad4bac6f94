import { PictureError } from "./picture.ts";

/** Formats that pictures come in, by the bytes they begin with in hex; `..` is any byte. */
const FORMATS: readonly (readonly [name: string, magic: string])[] = [
  ["JPEG", "ffd8ff"],
  ["GIF", "47494638"],
  ["WebP", "52494646........57454250"],
  ["BMP", "424d........00000000"],
  ["HEIC", "........6674797068656963"],
  ["HEIC", "........6674797068656978"],
  ["HEIC", "........667479706d696631"],
  ["AVIF", "........6674797061766966"],
  ["TIFF", "49492a00"],
  ["TIFF", "4d4d002a"],
  ["PDF", "25504446"],
  ["SVG", "3c737667"],
];

/** The error for a file that is no PNG: what it is, and how to make one of it. */
export function notPng(bytes: Uint8Array): PictureError {
  if (bytes.length === 0) return new PictureError("is empty; expected a PNG file");
  const hex = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const format = FORMATS.find(([, magic]) => new RegExp(`^${magic}`).test(hex))?.[0];
  if (format === undefined)
    return new PictureError("is no PNG file, and no other kind of picture that is known here");
  return new PictureError(
    `is in ${format} format, and only PNG can be read. Open it in any viewer and save it as PNG, or with ImageMagick: magick in.${format.toLowerCase()} out.png`,
  );
}
