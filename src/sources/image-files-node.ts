import { loadPicture } from "../picture/load.ts";
import { imagesOfFiles } from "./image-files.ts";

/**
 * As imageDatasetFromDirectory(), of a folder that a visitor of a page chose: the files of `<input type="file" webkitdirectory>`, or what
 * showDirectoryPicker() gives. Files are decoded to the same bytes in all browsers and in Node.
 * Throws DataError, the signal's reason; TypeError on what is no folder.
 */
export const imageDatasetFromFiles = imagesOfFiles(loadPicture);
