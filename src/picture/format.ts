import { PictureError } from "./picture.ts";

/** Formats that pictures come in, by the bytes they begin with in hex; `..` is any byte. */
const FORMATS: readonly (readonly [name: string, magic: string])[] = [
  ["PNG", "89504e470d0a1a0a"],
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

/** Formats whose pictures are read, and how their files' names end. */
export const READ = ["PNG", "JPEG", "WebP", "GIF"] as const;
export const PICTURE_ENDINGS = /\.(png|jpe?g|webp|gif)$/i;

/** The format of a picture, by its first bytes; undefined where it is none that is known here. */
export function formatOf(bytes: Uint8Array): string | undefined {
  const hex = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return FORMATS.find(([, magic]) => new RegExp(`^${magic}`).test(hex))?.[0];
}

/** The error for a file that cannot be read: what it is, and how to make a PNG of it. */
export function notRead(bytes: Uint8Array): PictureError {
  const expected = `${READ.slice(0, -1).join(", ")} or ${READ.at(-1)}`;
  if (bytes.length === 0) return new PictureError(`is empty; expected a ${expected} file`);
  const format = formatOf(bytes);
  if (format === undefined)
    return new PictureError(`is no ${expected} file, and no other kind of picture that is known here`);
  return new PictureError(
    `is in ${format} format, and only ${expected.replace(" or ", " and ")} can be read. Open it in any viewer and save it as PNG, or with ImageMagick: magick in.${format.toLowerCase()} out.png`,
  );
}
