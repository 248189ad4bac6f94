import { decodePicture } from "../picture/decode.ts";
import { imagesOfFiles } from "../sources/image-files.ts";

/** See Node's: here the decoders' wasm is fetched from beside them. */
export const imageDatasetFromFiles = imagesOfFiles(decodePicture);
