import { rowsOf } from "./rows.ts";
import type { ImageSet } from "./types.ts";

/**
 * Images that lie in files and are read as they are asked for: a source of samples, with labels that lie in memory. `images` throws.
 * loadDataset() with `stream` gives them.
 */
export interface StreamedImageSet extends ImageSet {
  readonly pixels: "bytes";
  readonly shared: boolean;
  /** What tells it from other images: a hash of names, sizes and blocks spread over the files. */
  readonly mark: string;
  /** Writes these images to `into`, one after the other, NHWC. Rejects with DataError, which names the file. */
  read(indices: Uint32Array, into: Uint8Array): Promise<void>;
  /** Ends its threads. More may be read later. */
  close(): Promise<void>;
  /** Some of the images, in this order. */
  some(rows: Uint32Array): StreamedImageSet;
}

export function isStreamed(set: object): set is StreamedImageSet {
  return "read" in set && "some" in set;
}

/** Some of the images as a set that lies in memory. */
export async function inMemory(set: ImageSet, rows: Uint32Array): Promise<ImageSet> {
  if (!isStreamed(set)) return picked(set, rows);
  const { shape } = set;
  const images = new Uint8Array(rows.length * shape[0] * shape[1] * shape[2]);
  const labels = Uint8Array.from(rows, (row) => set.labels[row]!);
  try {
    await set.read(rows, images);
  } finally {
    await set.close();
  }
  return { images, labels, count: rows.length, shape };
}

/** Some images of a set, copied; of one that is streamed, without reading them. */
export function someOf(set: ImageSet, rows: Uint32Array): ImageSet {
  return isStreamed(set) ? set.some(rows) : picked(set, rows);
}

/** With what belongs to each: of masks that is a label a pixel, of numbers targets in place of labels. */
function picked({ images, labels, targets, count, shape }: ImageSet, rows: Uint32Array): ImageSet {
  const own = <T extends Uint8Array | Float32Array>(all: T): T =>
    rowsOf(all, rows, Math.floor(all.length / count));
  return {
    images: own(images),
    ...((labels && { labels: own(labels) }) as Pick<ImageSet, "labels">),
    ...(targets && { targets: own(targets) }),
    count: rows.length,
    shape,
  };
}
