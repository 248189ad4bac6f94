import type { Picture } from "../picture/picture.ts";
import { type PictureSource, pictureIn } from "../picture/source.ts";
import { loadPicture } from "./load-picture.ts";

/**
 * Reads a picture from wherever it is: in a page an address, a File or other Blob, a file's bytes, an ImageData, a canvas.
 * Throws PictureError where it is damaged, too large, or of a format that the browser does not know; TypeError where nothing can
 * be fetched, or on what is no picture.
 */
export async function readPicture(source: PictureSource): Promise<Picture> {
  if (typeof source === "string" || source instanceof URL) {
    const response = await fetch(source);
    if (!response.ok) throw new TypeError(`readPicture: ${source}: HTTP ${response.status}`);
    return loadPicture(new Uint8Array(await response.arrayBuffer()));
  }
  const picture = await pictureIn(source);
  return picture instanceof Uint8Array ? loadPicture(picture) : picture;
}
