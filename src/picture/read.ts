import { readFile, stat } from "node:fs/promises";
import { loadPicture } from "./load.ts";
import { type Picture, PictureError } from "./picture.ts";
import { MAX_PICTURE_BYTES } from "./png.ts";
import { type PictureSource, pictureIn } from "./source.ts";

/**
 * Reads a picture from wherever it is: in Node a path, a file's bytes, a Blob, or pixels. See loadPicture() for the formats.
 * Throws PictureError where it is damaged, too large, or of another format; the file system's error; TypeError on what is no picture.
 */
export async function readPicture(source: PictureSource): Promise<Picture> {
  if (typeof source === "string" || source instanceof URL) {
    const { size } = await stat(source);
    if (size > MAX_PICTURE_BYTES)
      throw new PictureError(`has ${size} bytes; expected at most ${MAX_PICTURE_BYTES}`);
    return loadPicture(new Uint8Array(await readFile(source)));
  }
  const picture = await pictureIn(source);
  return picture instanceof Uint8Array ? loadPicture(picture) : picture;
}
