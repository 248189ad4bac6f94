import type { Picture } from "./picture.ts";
import { decodePng } from "./png.ts";

/**
 * Reads a picture: in Node a PNG of any colour type and depth, interlaced ones of 8 bits a channel or more; in a page
 * whatever the browser knows. preparePicture() makes of it what a model takes.
 * Throws PictureError where it is damaged, or of another format, which the message names.
 */
export async function loadPicture(bytes: Uint8Array): Promise<Picture> {
  return decodePng(bytes);
}
