import { DataError } from "../data/errors.ts";
import type { Progress } from "../data/load-options.ts";
import {
  COLOR_MODES,
  type ColorMode,
  INTERPOLATIONS,
  type Interpolation,
  imageSizeKind,
} from "../data/picture-options.ts";
import type { StreamedImageSet } from "../data/streamed.ts";
import type { ImageSet } from "../data/types.ts";
import type { Checked } from "../options/check.ts";
import { callable, flag, oneOf, real, signal, some, type TableOf, whole } from "../options/kinds.ts";
import type { Picture } from "../picture/picture.ts";
import { divide } from "./parts.ts";
import {
  type BadFile,
  listBad,
  type PictureFile,
  type PictureSet,
  type Reading,
  readPictures,
} from "./pictures.ts";

const SUBSETS = ["training", "validation", "both"] as const;

/** Names, defaults and meanings are those of Keras's image_dataset_from_directory. */
export interface ImageDirectoryOptions {
  /** The folders of the classes in the order of their numbers. Default: all, in the order of their names. */
  readonly classNames?: readonly string[] | undefined;
  /** Default "rgb". */
  readonly colorMode?: ColorMode | undefined;
  /** `[height, width]`. Default `[256, 256]`. */
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  /** Default "bilinear". */
  readonly interpolation?: Interpolation | undefined;
  /** Cut off what does not have the proportions of imageSize, in place of stretching. Default false. */
  readonly cropToAspectRatio?: boolean | undefined;
  /** Or put it on black. Default false. */
  readonly padToAspectRatio?: boolean | undefined;
  /** Share of the pictures of each class for validation: `subset` says which part is wanted. */
  readonly validationSplit?: number | undefined;
  /** "both": training and validation, in a list. */
  readonly subset?: (typeof SUBSETS)[number] | undefined;
  /** Draws the pictures for validation. Default 1. */
  readonly seed?: number | undefined;
  /** Go into folders that are links. Default false. */
  readonly followLinks?: boolean | undefined;
  /** Leave out files that cannot be read: `skipped` has them. Default false: they are an error that names them. */
  readonly skipBad?: boolean | undefined;
  /**
   * Leave the pictures in their files, and decode them batch by batch while the one before is trained on: for more of them than memory
   * holds. Default false.
   */
  readonly stream?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each picture. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Images of a folder: what fit() and evaluate() take, and where they came from. */
export class DirectoryImages implements ImageSet {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly count: number;
  readonly shape: ImageSet["shape"];
  // No properties of its own: samples have none but those above.
  readonly #of: { readonly classNames: readonly string[]; readonly read: PictureSet };

  constructor(classNames: readonly string[], read: PictureSet) {
    const { images, labels, count, shape } = read.set;
    this.images = images;
    this.labels = labels;
    this.count = count;
    this.shape = shape;
    this.#of = { classNames, read };
  }

  get classNames(): readonly string[] {
    return this.#of.classNames;
  }

  /** Of each image. */
  get filePaths(): readonly string[] {
    return this.#of.read.files.map(({ name }) => name);
  }

  /** Files that could not be read, and why: with `skipBad`. */
  get skipped(): readonly BadFile[] {
    return this.#of.read.bad;
  }
}

/** Pictures of a folder that stay in their files: what fit() and evaluate() take, and where they lie. */
export interface StreamedDirectoryImages
  extends StreamedImageSet,
    Pick<DirectoryImages, "classNames" | "filePaths" | "skipped"> {}

export const imageOptions = (call: string): Checked => ({
  call,
  error: (problem, who) => new DataError("bad-argument", `${who}: ${problem}`),
  table: (): TableOf<ImageDirectoryOptions> => ({
    classNames: some(
      "a list of different names",
      (value) =>
        Array.isArray(value) &&
        value.every((name) => typeof name === "string") &&
        new Set(value).size === value.length,
      ["cat", "dog"],
    ),
    colorMode: oneOf(COLOR_MODES),
    imageSize: imageSizeKind(),
    interpolation: oneOf(INTERPOLATIONS),
    cropToAspectRatio: flag,
    padToAspectRatio: flag,
    validationSplit: real(0, 1, true),
    subset: oneOf(SUBSETS),
    seed: whole(0),
    followLinks: flag,
    skipBad: flag,
    stream: flag,
    signal,
    onProgress: callable(),
  }),
});

/** What reads pictures from where they lie as one set, or with subset "both" as two. */
export interface ReadsImages<Source, Options> {
  (
    source: Source,
    options: Options & { readonly subset: "both" },
  ): Promise<[training: DirectoryImages, validation: DirectoryImages]>;
  (
    source: Source,
    options?: Options & { readonly subset?: "training" | "validation" | undefined },
  ): Promise<DirectoryImages>;
}

type Streamed<Subset> = ImageDirectoryOptions & { readonly stream: true; readonly subset: Subset };

/** As ReadsImages; with `stream` a source, or two. */
export interface ReadsDirectory
  extends ReadsImages<string, ImageDirectoryOptions & { readonly stream?: false }> {
  (
    path: string,
    options: Streamed<"both">,
  ): Promise<[training: StreamedDirectoryImages, validation: StreamedDirectoryImages]>;
  (
    path: string,
    options: Omit<Streamed<never>, "subset"> & { readonly subset?: "training" | "validation" | undefined },
  ): Promise<StreamedDirectoryImages>;
}

/** What pictures there are, and of which classes. */
interface Listed {
  readonly classNames: readonly string[];
  readonly files: readonly PictureFile[];
}

/** What is made of pictures. */
interface Making<T> {
  readonly read: (what: string, files: readonly PictureFile[], options: Reading) => Promise<PictureSet>;
  readonly make: (classNames: readonly string[], read: PictureSet) => T;
}

/** Images in memory, of pictures that are read so. */
export function inMemoryBy(decode: (bytes: Uint8Array) => Promise<Picture>): Making<DirectoryImages> {
  return {
    read: (what, files, options) => readPictures(what, files, decode, options),
    make: (classNames, read) => new DirectoryImages(classNames, read),
  };
}

/**
 * Reads pictures as the options say, which are known to be of the right kinds.
 * @param who the function that was called, and `what` it was given, for messages
 */
export async function imagesOf<T>(
  who: string,
  what: string,
  options: ImageDirectoryOptions,
  { read: readFiles, make }: Making<T>,
  list: () => Promise<Listed>,
): Promise<T | [T, T]> {
  const { imageSize = [256, 256], colorMode = "rgb", cropToAspectRatio, padToAspectRatio } = options;
  const { validationSplit, subset, seed = 1 } = options;
  const wrong = (problem: string) => new DataError("bad-argument", `${who}: ${problem}`);
  if (cropToAspectRatio && padToAspectRatio)
    throw wrong("both cropToAspectRatio and padToAspectRatio are true: leave one of them out");
  if (validationSplit === undefined && subset !== undefined)
    throw wrong(
      `subset is "${subset}", of what is missing. Write: { validationSplit: 0.2, subset: "${subset}" }`,
    );
  if (validationSplit !== undefined && subset === undefined)
    throw wrong(
      `validationSplit is ${validationSplit}, but subset does not say which part is wanted. Write: { validationSplit: ${validationSplit}, subset: "both" }, for [training, validation]`,
    );
  options.signal?.throwIfAborted();
  const { classNames, files } = await list();
  const resize = cropToAspectRatio ? "crop" : padToAspectRatio ? "pad" : "stretch";
  const read = async (some: readonly PictureFile[]): Promise<T> => {
    const reading = { ...options, imageSize, colorMode, resize } as const;
    const pictures = await readFiles(what, some, reading);
    if (pictures.set.count === 0)
      throw new DataError(
        "bad-pictures",
        `${what}: none of ${some.length} pictures can be read: ${listBad(pictures.bad)}`,
      );
    return make(classNames, pictures);
  };
  if (validationSplit === undefined) return read(files);
  if (files.length < 2) throw wrong(`${what} has one picture, which cannot be split`);
  const [training, validation] = divide(files, validationSplit, seed);
  if (subset === "both") return [await read(training), await read(validation)];
  return read(subset === "training" ? training : validation);
}

/** Those of imageDatasetFromDirectory() but for links, which files have none of, and for streaming. */
export type ImageFilesOptions = Omit<ImageDirectoryOptions, "followLinks" | "stream">;
