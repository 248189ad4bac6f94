import { loadPicture } from "../picture/load.ts";
import type { FolderSource } from "./file-list.ts";
import { imagesOfFiles } from "./image-files.ts";
import type { DirectoryImages, ImageFilesOptions } from "./image-set.ts";

/**
 * As imageDatasetFromDirectory(), of a folder that a visitor of a page chose: the files of `<input type="file" webkitdirectory>`, or what
 * showDirectoryPicker() gives. Files are decoded to the same bytes in all browsers and in Node.
 * Throws DataError, the signal's reason; TypeError on what is no folder.
 */
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
  return imagesOfFiles(files, options, loadPicture);
}
