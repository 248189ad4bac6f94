import type { StreamedDirectoryImages } from "../image-set.ts";
import type { BadFile, PictureSet } from "../pictures.ts";
import { StreamedImages } from "./images.ts";
import { streamPictures } from "./pictures.ts";

/** Pictures of a folder that stay in their files: what fit() and evaluate() take, and where they lie. */
export class StreamedDirectory extends StreamedImages implements StreamedDirectoryImages {
  readonly #files: { readonly classNames: readonly string[]; readonly read: PictureSet };

  constructor(classNames: readonly string[], read: PictureSet) {
    super((read.set as StreamedImages).of);
    this.#files = { classNames, read };
  }

  get classNames(): readonly string[] {
    return this.#files.classNames;
  }

  /** Of each image. */
  get filePaths(): readonly string[] {
    return this.#files.read.files.map(({ name }) => name);
  }

  /** Files that could not be read, and why: with `skipBad`. */
  get skipped(): readonly BadFile[] {
    return this.#files.read.bad;
  }
}

export const STREAMED = {
  read: streamPictures,
  make: (classNames: readonly string[], read: PictureSet) => new StreamedDirectory(classNames, read),
};
