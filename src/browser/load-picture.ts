import { isPictureSize, PICTURE_SIZES, type Picture, PictureError } from "../picture/picture.ts";
import { pictureOf } from "../picture/pixels.ts";

/** Pixels of the longer side that are kept of a large photo: models see far fewer. */
const MOST_SIDE = 1024;

/**
 * Reads a picture of any format that the browser knows; in Node, where loadPicture() has the same name, a PNG.
 * preparePicture() makes of it what a model takes.
 * Throws PictureError where it is damaged, too large, or of a format that the browser does not know.
 */
export async function loadPicture(bytes: Uint8Array): Promise<Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  } catch (error) {
    throw new PictureError(
      "cannot be read as a picture: it is damaged, or of a format that this browser does not know. PNG and JPEG are read by all",
      { cause: error },
    );
  }
  try {
    if (!isPictureSize(bitmap.width, bitmap.height))
      throw new PictureError(`is ${bitmap.width}x${bitmap.height} pixels; expected ${PICTURE_SIZES}`);
    const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) =>
      Math.max(1, Math.round(side * scale)),
    ) as [number, number];
    const context = new OffscreenCanvas(width, height).getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    return pictureOf(context.getImageData(0, 0, width, height));
  } finally {
    bitmap.close();
  }
}
