import { checkOptions } from "../options/check.ts";
import { loadPicture } from "../picture/load.ts";
import { listPictures } from "./directory.ts";
import { type ImageDirectoryOptions, imageOptions, imagesOf, type ReadsImages } from "./image-set.ts";

const OPTIONS = imageOptions("imageDatasetFromDirectory(path, *)");

/**
 * Node: reads a folder of pictures, PNG, JPEG, WebP or GIF, with a folder for each class, into one set of images of a size:
 * bytes, which fit() scales. Pictures come class by class, as fit() shuffles them itself. Unlike Keras, validation
 * gets the same share of each class.
 *
 * Throws DataError: `not-found`, `unreadable`, `bad-classes`, `bad-pictures` with the names of files that cannot be read, `too-large`,
 * `bad-argument`; or the signal's reason.
 */
export const imageDatasetFromDirectory = (async (path: string, options: ImageDirectoryOptions = {}) => {
  checkOptions(OPTIONS, options);
  return imagesOf("imageDatasetFromDirectory", path, options, loadPicture, () => listPictures(path, options));
}) as ReadsImages<string, ImageDirectoryOptions>;
