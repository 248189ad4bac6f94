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
  const { shape } = set;
  const images = new Uint8Array(rows.length * shape[0] * shape[1] * shape[2]);
  const labels = Uint8Array.from(rows, (row) => set.labels[row]!);
  if (isStreamed(set)) {
    try {
      await set.read(rows, images);
    } finally {
      await set.close();
    }
  } else {
    const size = images.length / rows.length;
    for (const [i, row] of rows.entries())
      images.set(set.images.subarray(row * size, (row + 1) * size), i * size);
  }
  return { images, labels, count: rows.length, shape };
}
