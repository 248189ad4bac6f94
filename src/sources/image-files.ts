import { checkOptions } from "../options/check.ts";
import type { Table } from "../options/kinds.ts";
import type { Picture } from "../picture/picture.ts";
import { type FolderSource, listFiles } from "./file-list.ts";
import { type ImageFilesOptions, imageOptions, imagesOf, inMemoryBy, type ReadsImages } from "./image-set.ts";

const CHECKED = imageOptions("imageDatasetFromFiles(files, *)");

/** imageDatasetFromFiles() with the decoders of the place where it runs. */
export function imagesOfFiles(
  decode: (bytes: Uint8Array) => Promise<Picture>,
): ReadsImages<FolderSource, ImageFilesOptions> {
  const read = async (files: FolderSource, options: ImageFilesOptions = {}) => {
    const { followLinks: _, stream: __, ...table } = (CHECKED.table as () => Table)();
    checkOptions({ ...CHECKED, table }, options);
    return imagesOf("imageDatasetFromFiles", "the chosen folder", options, inMemoryBy(decode), () =>
      listFiles(files, options),
    );
  };
  return read as ReadsImages<FolderSource, ImageFilesOptions>;
}
