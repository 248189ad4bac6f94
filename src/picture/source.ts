import { show } from "../options/show.ts";
import type { Picture } from "./picture.ts";
import { pictureOf } from "./pixels.ts";

/** RGBA bytes of a picture: an ImageData is one. */
export interface PicturePixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/**
 * Where a picture is: the bytes of a file, a File or other Blob, an ImageData, what is drawn on a canvas; or its place, which is
 * a path or a file: URL in Node, an address in a page.
 */
export type PictureSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | PicturePixels
  | HTMLCanvasElement
  | OffscreenCanvas;

/** The picture, or the bytes of its file, of what is no place. Throws TypeError on what is no picture at all. */
export async function pictureIn(
  source: Exclude<PictureSource, string | URL>,
  who = "readPicture",
): Promise<Picture | Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const pixels = "getContext" in Object(source) ? drawnOn(source as HTMLCanvasElement) : source;
  const { width, height, data } = Object(pixels) as Partial<PicturePixels>;
  if (ArrayBuffer.isView(data) && data.length === 4 * width! * height!)
    return pictureOf(pixels as PicturePixels);
  throw new TypeError(
    `${who}: got ${show(source)}, expected the bytes of a picture's file, a Blob, or ImageData. Write: ${who}(await file.arrayBuffer())`,
  );
}

function drawnOn(canvas: HTMLCanvasElement): PicturePixels {
  const context = canvas.getContext("2d");
  if (!context)
    throw new TypeError(
      "readPicture: the canvas has no 2d context: it is drawn on by WebGL or WebGPU. Draw it on another: context.drawImage(canvas, 0, 0)",
    );
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
