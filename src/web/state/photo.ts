import { signal } from "@preact/signals";
import type { Picture } from "../../picture/picture.ts";
import { pictureOf as pictureOfPixels } from "../../picture/pixels.ts";
import type { ReadFile } from "./files.ts";

/** A picture that the visitor brought, in place of a drawing. */
export interface Photo {
  readonly name: string;
  readonly picture: Picture;
  /** The same, to be shown. */
  readonly canvas: HTMLCanvasElement;
}

export const photo = signal<Photo | undefined>(undefined);

/** Pixels of the longer side that are looked at: models see far fewer, and the page must not freeze over a large photo. */
const MOST = 512;

/** Makes a picture file the one that the model is asked about. Rejects where the browser cannot read it. */
export async function openPicture({ name, bytes }: ReadFile): Promise<void> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]));
  } catch (error) {
    throw new Error(
      `${name} cannot be read as a picture: it is damaged, or of a kind that this browser does not know. PNG and JPEG are read by all.`,
      { cause: error },
    );
  }
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  photo.value = { name, canvas, picture: pictureOf(context) };
}

/** What a canvas shows, as light. */
export function pictureOf(context: CanvasRenderingContext2D): Picture {
  const { width, height } = context.canvas;
  return pictureOfPixels(context.getImageData(0, 0, width, height));
}
