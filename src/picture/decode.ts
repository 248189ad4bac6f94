import type { CodecSource } from "./codec.ts";
import { formatOf, notRead } from "./format.ts";
import type { Picture } from "./picture.ts";
import { decodePng } from "./png.ts";

/**
 * Decodes a picture: PNG, JPEG, WebP, or the first picture of a GIF. The decoders are this package's own or wasm without
 * floats, so that the same file gives the same bits wherever it is read. What a camera says of how it was held is heeded, as
 * viewers do. Decoders are loaded when a file needs them.
 * Throws PictureError where the file is damaged, too large, or of another format.
 */
export async function decodePicture(bytes: Uint8Array, wasmOf: CodecSource): Promise<Picture> {
  switch (formatOf(bytes)) {
    case "PNG":
      return decodePng(bytes);
    case "JPEG":
      return (await import("./jpeg.ts")).decodeJpeg(bytes, wasmOf);
    case "WebP":
      return (await import("./webp.ts")).decodeWebp(bytes, wasmOf);
    case "GIF":
      return (await import("./gif.ts")).decodeGif(bytes);
    default:
      throw notRead(bytes);
  }
}
