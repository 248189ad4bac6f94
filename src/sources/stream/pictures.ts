import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { DataError, reasonOf } from "../../data/errors.ts";
import { isMissing } from "../../data/files.ts";
import {
  type BadFile,
  badPictures,
  MOST_OWN_SIDE,
  type PictureFile,
  type PictureSet,
  type Reading,
  USUAL_SIDE,
} from "../pictures.ts";
import { hash, StreamedImages } from "./images.ts";
import type { FileOf, Look } from "./job.ts";
import { markOfFiles } from "./rows.ts";
import { ReadingThreads } from "./threads.ts";

/** Pictures that a thread looks at before it tells of them. */
const AT_ONCE = 32;
/** Files whose content is looked at to tell the folder from others, evenly spread. */
const LOOKED_INTO = 256;
const MOST_THREADS = 4;

/** Decoding a picture takes longer than a small model's step on it. */
const threadsOf = () => Math.max(1, Math.min(MOST_THREADS, availableParallelism() >> 1));

/**
 * As readPictures(), of pictures that stay in their files. Where size and colours are told, and no bad files are to be left out, no
 * picture is read before its turn; else all are once, to know what they are.
 * Rejects with DataError, or the signal's reason.
 */
export async function streamPictures(
  folder: string,
  files: readonly PictureFile[],
  options: Reading,
): Promise<PictureSet> {
  const { imageSize, colorMode, skipBad, interpolation, resize } = options;
  const fit = { interpolation, resize };
  const known = imageSize && colorMode && !skipBad;
  const { kept, bad, size, coloured } = known
    ? { kept: files, bad: [], size: imageSize, coloured: true }
    : await lookAt(folder, files, options);
  const grey = colorMode === undefined && !coloured;
  const shape = [size[0], size[1], grey || colorMode === "grayscale" ? 1 : 3] as const;
  const paths = kept.map(({ name }) => name);
  const sized = await sizesOf(paths);
  const set = new StreamedImages({
    name: folder,
    labels: Uint8Array.from(kept, ({ label }) => label),
    shape,
    mark: await markOf(folder, sized, [shape, grey, fit]),
    threads: threadsOf(),
    job: (indices) => ({
      kind: "pictures",
      files: Array.from(indices, (index) => sized[index]!),
      shape,
      ofRed: grey,
      fit,
    }),
  });
  return { set, files: kept, bad };
}

/** Looks at all pictures, and decides as readPictures() does. */
async function lookAt(
  folder: string,
  files: readonly PictureFile[],
  { imageSize, interpolation, resize, skipBad, signal, onProgress }: Reading,
) {
  const usual = imageSize ?? ([USUAL_SIDE, USUAL_SIDE] as const);
  const threads = new ReadingThreads(threadsOf());
  const looks: Look[] = [];
  let done = 0;
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      signal?.throwIfAborted();
      const first = next;
      next += AT_ONCE;
      const some = files.slice(first, next);
      const found = await threads.look({
        kind: "look",
        paths: some.map(({ name }) => name),
        sizes: [usual],
        fit: { interpolation, resize },
        mostOwnSide: imageSize ? 0 : MOST_OWN_SIDE,
      });
      for (const [i, one] of found.entries()) looks[first + i] = one;
      done += some.length;
      onProgress?.({ file: "pictures", received: done, total: files.length, unit: "pictures" });
    }
  };
  try {
    await Promise.all(Array.from({ length: threads.size }, work));
  } finally {
    await threads.close();
  }
  const bad: BadFile[] = [];
  const kept: PictureFile[] = [];
  const good: Exclude<Look, { readonly bad: string }>[] = [];
  for (const [i, one] of looks.entries())
    if ("bad" in one) bad.push({ file: files[i]!.name, reason: one.bad });
    else {
      kept.push(files[i]!);
      good.push(one);
    }
  if (bad.length > 0 && !skipBad) throw badPictures(folder, bad, files.length);
  const [{ height, width } = { height: USUAL_SIDE, width: USUAL_SIDE }] = good;
  const keep =
    !imageSize &&
    Math.max(height, width) <= MOST_OWN_SIDE &&
    good.every((one) => one.height === height && one.width === width);
  return {
    kept,
    bad,
    size: keep ? ([height, width] as const) : usual,
    coloured: good.some(({ own, coloured }) => (keep ? own : coloured[0]!)),
  };
}

/** What tells the pictures, and the images that are made of them: names, sizes, and what is in some. Rejects with DataError. */
async function markOf(folder: string, files: readonly FileOf[], made: unknown): Promise<string> {
  const names = files.map(({ path, bytes }) => [relative(folder, path).replaceAll("\\", "/"), bytes]);
  const step = Math.max(1, files.length / LOOKED_INTO);
  const some = Array.from(
    { length: Math.min(files.length, LOOKED_INTO) },
    (_, i) => files[Math.floor(i * step)]!,
  );
  const all = new TextEncoder().encode(JSON.stringify([names, made]));
  return `${hash(all)} ${await markOfFiles(some)}`;
}

/** Rejects with DataError. */
async function sizesOf(paths: readonly string[]): Promise<FileOf[]> {
  const files: FileOf[] = [];
  for (let first = 0; first < paths.length; first += LOOKED_INTO)
    files.push(...(await Promise.all(paths.slice(first, first + LOOKED_INTO).map(sizeOf))));
  return files;
}

async function sizeOf(path: string): Promise<FileOf> {
  try {
    return { path, bytes: (await stat(path)).size };
  } catch (error) {
    if (isMissing(error))
      throw new DataError("not-found", `${path}: there is no such file. Check the path.`, { cause: error });
    throw new DataError("unreadable", `${path}: ${reasonOf(error)}.`, { cause: error });
  }
}
