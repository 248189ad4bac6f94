import { checkOptions } from "../options/check.ts";
import { loadPicture } from "../picture/load.ts";
import { listPictures } from "./directory.ts";
import {
  type ImageDirectoryOptions,
  imageOptions,
  imagesOf,
  inMemoryBy,
  type ReadsDirectory,
} from "./image-set.ts";

const OPTIONS = imageOptions("imageDatasetFromDirectory(path, *)");

/**
 * Node: reads a folder of pictures, PNG, JPEG, WebP or GIF, with a folder for each class, into one set of images of a size:
 * bytes, which fit() scales. Pictures come class by class, as fit() shuffles them itself. Unlike Keras, validation
 * gets the same share of each class. With `stream` they stay in their files, and are decoded batch by batch.
 *
 * Throws DataError: `not-found`, `unreadable`, `bad-classes`, `bad-pictures` with the names of files that cannot be read, `too-large`,
 * `bad-argument`; or the signal's reason.
 */
export const imageDatasetFromDirectory = (async (path: string, options: ImageDirectoryOptions = {}) => {
  checkOptions(OPTIONS, options);
  const list = () => listPictures(path, options);
  const who = "imageDatasetFromDirectory";
  if (!options.stream) return imagesOf(who, path, options, inMemoryBy(loadPicture), list);
  const { STREAMED } = await import("./stream/directory.ts");
  return imagesOf(who, path, options, STREAMED, list);
}) as ReadsDirectory;
