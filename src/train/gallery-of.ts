import { inMemory, isStreamed } from "../data/streamed.ts";
import type { ImageSet } from "../data/types.ts";
import type { Picks } from "../report/gallery.ts";
import type { ReportGallery } from "../report/types.ts";

/** Answers of a test on images that are streamed, with their pixels; undefined of images in memory, which have them at hand. */
export async function galleryOf(outputs: Float32Array, set: ImageSet): Promise<ReportGallery | undefined> {
  if (!isStreamed(set)) return undefined;
  const { galleryItems, pickGallery } = await import("../report/gallery.ts");
  const picks = pickGallery(outputs, set.labels);
  const all = [...picks.correct, ...picks.wrong];
  const images = await inMemory(
    set,
    Uint32Array.from(all, ({ index }) => index),
  );
  const within = (part: Picks["wrong"], first: number) =>
    part.map((pick, i) => ({ ...pick, index: first + i }));
  const items = galleryItems(
    { ...picks, correct: within(picks.correct, 0), wrong: within(picks.wrong, picks.correct.length) },
    images,
  );
  const numbered = (part: ReportGallery["wrong"], from: Picks["wrong"]) =>
    part.map((item, i) => ({ ...item, index: from[i]!.index }));
  return {
    ...items,
    correct: numbered(items.correct, picks.correct),
    wrong: numbered(items.wrong, picks.wrong),
  };
}
