import { checkOptions } from "../options/check.ts";
import type { Table } from "../options/kinds.ts";
import type { Picture } from "../picture/picture.ts";
import { type FolderSource, listFiles } from "./file-list.ts";
import { type DirectoryImages, type ImageFilesOptions, imageOptions, imagesOf } from "./image-set.ts";

const CHECKED = imageOptions("imageDatasetFromFiles(files, *)");

/** See imageDatasetFromFiles(), with the decoders of the place where it runs. */
export async function imagesOfFiles(
  files: FolderSource,
  options: ImageFilesOptions,
  decode: (bytes: Uint8Array) => Promise<Picture>,
): Promise<DirectoryImages | [DirectoryImages, DirectoryImages]> {
  const { followLinks: _, ...table } = (CHECKED.table as () => Table)();
  checkOptions({ ...CHECKED, table }, options);
  return imagesOf("imageDatasetFromFiles", "the chosen folder", options, decode, () =>
    listFiles(files, options),
  );
}
