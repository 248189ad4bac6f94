import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import { fitPicture } from "../../picture/fit.ts";
import { loadPicture } from "../../picture/load.ts";
import { PictureError } from "../../picture/picture.ts";
import { MAX_PICTURE_BYTES } from "../../picture/png.ts";
import { hasColours } from "../pictures.ts";
import type { Look, LookJob, PicturesJob } from "./job.ts";

/** Reads pictures to `into`. Throws DataError, which names the file. */
export async function readPictures(
  { paths, shape, ofRed, fit }: PicturesJob,
  into: Uint8Array,
): Promise<void> {
  const size = shape[0] * shape[1] * shape[2];
  for (const [i, path] of paths.entries()) {
    const bytes = await readWhole(path, MAX_PICTURE_BYTES);
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
  }
}

/** What pictures are. */
export async function look({ paths, sizes, fit, mostOwnSide }: LookJob): Promise<Look[]> {
  const looks: Look[] = [];
  for (const path of paths) {
    try {
      const picture = await loadPicture(await readWhole(path, MAX_PICTURE_BYTES));
      const { height, width } = picture;
      const coloured = ([h, w]: readonly [number, number]) => hasColours(fitPicture(picture, [h, w, 3], fit));
      const own = Math.max(height, width) <= mostOwnSide && coloured([height, width]);
      looks.push({ height, width, own, coloured: sizes.map(coloured) });
    } catch (error) {
      if (!(error instanceof PictureError || error instanceof DataError)) throw error;
      looks.push({ bad: error.message });
    }
  }
  return looks;
}
