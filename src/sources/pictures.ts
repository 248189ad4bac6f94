import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import type { Progress } from "../data/load-options.ts";
import type { ColorMode, PictureFit } from "../data/picture-options.ts";
import type { ImageSet } from "../data/types.ts";
import { fitPicture } from "../picture/fit.ts";
import { type Picture, PictureError } from "../picture/picture.ts";

/** A file of a picture, and its class. */
export interface PictureFile {
  /** What messages call it. */
  readonly name: string;
  readonly label: number;
  /** Throws DataError where it cannot be read. */
  read(): Promise<Uint8Array>;
}

/** A file that was left out, and why. */
export interface BadFile {
  readonly file: string;
  readonly reason: string;
}

/** What reading pictures takes of the options that several functions have. */
export interface Reading extends PictureFit {
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  readonly colorMode?: ColorMode | undefined;
  readonly skipBad?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface PictureSet {
  readonly set: ImageSet;
  /** Files that the set is made of, in its order. */
  readonly files: readonly PictureFile[];
  readonly bad: readonly BadFile[];
}

/** Makes a picture of a file's bytes. Rejects with PictureError: what is wrong with the file. */
type Decode<P> = (bytes: Uint8Array, file: PictureFile) => Promise<P>;

/** What else a picture has to give at the size of its image. Returns what is wrong with it; undefined: nothing. */
type OnFitted<P> = (
  file: PictureFile,
  picture: P,
  size: readonly [height: number, width: number],
) => string | undefined;

/** A side up to which pictures of one size keep it, where none is asked for; and the size of those that do not. */
export const MOST_OWN_SIDE = 256;
export const USUAL_SIDE = 64;
/** Bad files that a message names. */
const NAMED = 10;

/**
 * Reads pictures as one set of images, in their order.
 * Throws DataError `bad-pictures` that names the files which cannot be read, unless they are skipped; `too-large`; the
 * signal's reason.
 * @param what these are, for messages
 * @param onFitted is called again for pictures that are read again, at another size
 */
export async function readPictures<P extends Picture>(
  what: string,
  files: readonly PictureFile[],
  decode: Decode<P>,
  options: Reading,
  onFitted?: OnFitted<P>,
): Promise<PictureSet> {
  const read =
    (await readAs(options.imageSize, what, files, decode, options, onFitted)) ??
    (await readAs([USUAL_SIDE, USUAL_SIDE], what, files, decode, options, onFitted))!;
  if (read.bad.length > 0 && !options.skipBad) throw badPictures(what, read.bad, files.length);
  return read;
}

/** Reads pictures as images of a size, or of that which all have; undefined where they have several, or a large one. */
async function readAs<P extends Picture>(
  asked: Reading["imageSize"],
  what: string,
  files: readonly PictureFile[],
  decode: Decode<P>,
  options: Reading,
  onFitted?: OnFitted<P>,
): Promise<PictureSet | undefined> {
  const { colorMode } = options;
  const channels = colorMode === "grayscale" ? 1 : 3;
  let size = asked;
  let images = new Uint8Array();
  const begin = (own: readonly [number, number]) => {
    const shape = [...own, channels];
    const total = files.length * shape[0]! * shape[1]! * channels;
    if (total > MAX_IDX_BYTES)
      throw new DataError(
        "too-large",
        `${what}: ${files.length} images of ${shape.join("x")} take ${total} bytes; the limit is ${MAX_IDX_BYTES}. Make them smaller: imageSize: [64, 64], on the command line --image-size 64x64.`,
      );
    images = new Uint8Array(total);
    size = own;
  };
  if (size) begin(size);
  const kept: PictureFile[] = [];
  const bad: BadFile[] = [];
  let coloured = false;
  for await (const [file, picture] of decoded(files, decode, options)) {
    if (picture instanceof Error) {
      bad.push({ file: file.name, reason: picture.message });
      continue;
    }
    const { height, width } = picture;
    const other = size && (size[0] !== height || size[1] !== width);
    if (!asked && (other || Math.max(height, width) > MOST_OWN_SIDE)) return undefined;
    if (!size) begin([height, width]);
    const wrong = onFitted?.(file, picture, size!);
    if (wrong !== undefined) {
      bad.push({ file: file.name, reason: wrong });
      continue;
    }
    const pixels = fitPicture(picture, [...size!, channels], options);
    coloured ||= channels === 3 && hasColours(pixels);
    images.set(pixels, pixels.length * kept.length);
    kept.push(file);
  }
  const [height, width] = size ?? [USUAL_SIDE, USUAL_SIDE];
  const count = kept.length;
  const length = count * height * width * channels;
  const grey = colorMode === undefined && !coloured;
  const set = {
    images: grey ? everyThird(images, length) : images.subarray(0, length),
    labels: Uint8Array.from(kept, ({ label }) => label),
    count,
    shape: [height, width, grey ? 1 : channels] as const,
  };
  return { set, files: kept, bad };
}

/** Whether RGB bytes have any that is not grey. */
export function hasColours(pixels: Uint8Array): boolean {
  return pixels.some((value, i) => i % 3 > 0 && value !== pixels[i - 1]);
}

function everyThird(bytes: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(length / 3).map((_, i) => bytes[3 * i]!);
}

/** Pictures, or what is wrong with them, one after the other; the next file is read while one is decoded. */
async function* decoded<P>(
  files: readonly PictureFile[],
  decode: Decode<P>,
  { signal, onProgress }: Pick<Reading, "signal" | "onProgress">,
): AsyncGenerator<readonly [PictureFile, P | PictureError | DataError]> {
  const read = (at: number) =>
    files[at]?.read().catch((error: unknown) => {
      if (error instanceof DataError) return error;
      throw error;
    });
  let next = read(0);
  for (const [i, file] of files.entries()) {
    signal?.throwIfAborted();
    const bytes = await next!;
    next = read(i + 1);
    // It is waited for in the next round, if there is one.
    next?.catch(() => {});
    yield [file, bytes instanceof DataError ? bytes : await attempt(() => decode(bytes, file))];
    onProgress?.({ file: "pictures", received: i + 1, total: files.length, unit: "pictures" });
  }
}

async function attempt<P>(decode: () => Promise<P>): Promise<P | PictureError> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof PictureError) return error;
    throw error;
  }
}

export function badPictures(what: string, bad: readonly BadFile[], of: number): DataError {
  return new DataError(
    "bad-pictures",
    `${what}: ${bad.length} of ${of} pictures cannot be read: ${listBad(bad)} Mend or remove them, or leave them out: skipBad: true, on the command line --skip-bad.`,
  );
}

/** Files and what is wrong with them, in sentences. */
export function listBad(bad: readonly BadFile[]): string {
  const named = bad.slice(0, NAMED).map(({ file, reason }) => {
    // A file system's reason names the file already.
    const said = reason.includes(file) ? reason : `${file} ${reason}`;
    return said.endsWith(".") ? said : `${said}.`;
  });
  const more = bad.length - named.length;
  return `${named.join(" ")}${more > 0 ? ` And ${more} more.` : ""}`;
}
