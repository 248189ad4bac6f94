import { decodePicture } from "../picture/decode.ts";
import type { FolderSource } from "../sources/file-list.ts";
import { imagesOfFiles } from "../sources/image-files.ts";
import type { DirectoryImages, ImageFilesOptions } from "../sources/image-set.ts";

/** See Node's: here the decoders' wasm is fetched from beside them. */
export async function imageDatasetFromFiles(
  files: FolderSource,
  options: ImageFilesOptions & { readonly subset: "both" },
): Promise<[training: DirectoryImages, validation: DirectoryImages]>;
export async function imageDatasetFromFiles(
  files: FolderSource,
  options?: ImageFilesOptions & { readonly subset?: "training" | "validation" | undefined },
): Promise<DirectoryImages>;
export async function imageDatasetFromFiles(
  files: FolderSource,
  options: ImageFilesOptions = {},
): Promise<DirectoryImages | [DirectoryImages, DirectoryImages]> {
  return imagesOfFiles(files, options, decodePicture);
}
