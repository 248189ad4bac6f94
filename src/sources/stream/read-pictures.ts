import { DataError } from "../../data/errors.ts";
import { readWholeSync } from "../../data/files.ts";
import { fitPicture } from "../../picture/fit.ts";
import { loadPicture } from "../../picture/load.ts";
import { PictureError } from "../../picture/picture.ts";
import { MAX_PICTURE_BYTES } from "../../picture/png.ts";
import { hasColours } from "../pictures.ts";
import { changed } from "./changed.ts";
import type { Look, LookJob, PicturesJob } from "./job.ts";

/** Pictures that are decoded at once: what unpacks a PNG has threads of its own. */
const AT_ONCE = 4;

/** Reads pictures to `into`. Throws DataError, which names the file. */
export async function readPictures(
  { files, shape, ofRed, fit }: PicturesJob,
  into: Uint8Array,
): Promise<void> {
  const size = shape[0] * shape[1] * shape[2];
  await inTurns(files, async (file, i) => {
    const { path } = file;
    const bytes = readWholeSync(path, MAX_PICTURE_BYTES);
    if (bytes.length !== file.bytes) throw changed(file, `has ${bytes.length} bytes`);
    try {
      const picture = await loadPicture(bytes);
      const to = into.subarray(i * size, (i + 1) * size);
      if (ofRed) {
        const pixels = fitPicture(picture, [shape[0], shape[1], 3], fit);
        for (let p = 0; p < size; p++) to[p] = pixels[3 * p]!;
      } else to.set(fitPicture(picture, shape, fit));
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      throw new DataError("bad-pictures", `${path}: ${error.message}. Mend the file, or put it back.`, {
        cause: error,
      });
    }
  });
}

/** What pictures are. */
export async function look({ paths, sizes, fit, mostOwnSide }: LookJob): Promise<Look[]> {
  const looks: Look[] = [];
  await inTurns(paths, async (path, i) => {
    try {
      const picture = await loadPicture(readWholeSync(path, MAX_PICTURE_BYTES));
      const { height, width } = picture;
      const coloured = ([h, w]: readonly [number, number]) => hasColours(fitPicture(picture, [h, w, 3], fit));
      const own = Math.max(height, width) <= mostOwnSide && coloured([height, width]);
      looks[i] = { height, width, own, coloured: sizes.map(coloured) };
    } catch (error) {
      if (!(error instanceof PictureError || error instanceof DataError)) throw error;
      looks[i] = { bad: error.message };
    }
  });
  return looks;
}

/** Works on some at once, and ends when the last has ended. Throws what one has thrown. */
async function inTurns<T>(paths: readonly T[], work: (path: T, at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const turn = async () => {
    while (next < paths.length) {
      const at = next++;
      await work(paths[at]!, at);
    }
  };
  const turns = await Promise.allSettled(Array.from({ length: AT_ONCE }, turn));
  const failed = turns.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
  if (failed) throw failed.reason;
}
