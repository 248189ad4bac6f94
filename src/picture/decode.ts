import type { CodecSource } from "./codec.ts";
import { formatOf, notRead } from "./format.ts";
import { decodeGif } from "./gif.ts";
import { decodeJpeg } from "./jpeg.ts";
import type { Picture } from "./picture.ts";
import { decodePng } from "./png.ts";
import { decodeWebp } from "./webp.ts";

/**
 * Decodes a picture: PNG, JPEG, WebP, or the first picture of a GIF. The decoders are this package's own or wasm without
 * floats, so that the same file gives the same bits wherever it is read. What a camera says of how it was held is heeded, as
 * viewers do. Wasm is loaded when a file needs it.
 * @param wasmOf gives their wasm. Default, for pages: they fetch it from beside the modules that bring them, as bundlers know
 * Throws PictureError where the file is damaged, too large, or of another format.
 */
export async function decodePicture(bytes: Uint8Array, wasmOf?: CodecSource): Promise<Picture> {
  switch (formatOf(bytes)) {
    case "PNG":
      return decodePng(bytes);
    case "JPEG":
      return decodeJpeg(bytes, wasmOf);
    case "WebP":
      return decodeWebp(bytes, wasmOf);
    case "GIF":
      return decodeGif(bytes);
    default:
      throw notRead(bytes);
  }
}
