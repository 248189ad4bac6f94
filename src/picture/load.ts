import { decodePicture } from "./decode.ts";
import { codecFile } from "./files.ts";
import type { Picture } from "./picture.ts";

/**
 * Reads a picture: in Node PNG (of any colour type and depth, interlaced ones of 8 bits a channel or more), JPEG, WebP, and
 * the first picture of a GIF; in a page whatever the browser knows. preparePicture() makes of it what a model takes.
 * Throws PictureError where it is damaged, too large, or of another format, which the message names.
 */
export function loadPicture(bytes: Uint8Array): Promise<Picture> {
  return decodePicture(bytes, codecFile);
}
