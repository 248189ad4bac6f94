import { readdir, stat } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { findFiles, readWhole } from "../../data/files.ts";
import { MAX_IDX_BYTES } from "../../data/idx.ts";
import type { LoadOptions } from "../../data/load-options.ts";
import { emnistAt, emnistImages } from "../emnist.ts";

/** What was found at a path, see loadDataset(). */
export type Found = "pictures" | "numbers" | "arrays" | "cifar" | "emnist" | undefined;

/** Of the memory that is free: the model takes some as well. */
const MOST_SHARE = 0.5;
/** Pictures that are looked at to know their size. */
const LOOKED_AT = 8;

/**
 * Why the images of a dataset are better left in their files: in a sentence, where they would take more than half of the memory that is
 * free, or more than one array can hold; undefined where they fit, or cannot be read in parts.
 */
export async function tooLargeFor(
  path: string,
  found: Found,
  options: LoadOptions,
): Promise<string | undefined> {
  const sizes = await sizesOf(path, found, options).catch(() => undefined);
  const bytes = (sizes ?? []).reduce((sum, size) => sum + size, 0);
  // As far as a container lets the process have it; Node 20.13 tells. macOS calls little of its memory free: files fill the rest.
  const free = process.platform === "darwin" ? totalmem() / 2 : (process.availableMemory?.() ?? freemem());
  if (sizes === undefined || (bytes <= MOST_SHARE * free && Math.max(...sizes) <= MAX_IDX_BYTES))
    return undefined;
  const room =
    bytes > MOST_SHARE * free ? `${gigabytes(free)} of memory are free` : "one array holds 2.15 GB at most";
  return `${path}: its images take some ${gigabytes(bytes)}, and ${room}: they are streamed from disk, batch by batch. With stream: false, on the command line --no-stream, they are read into memory.`;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;

/** About what each array of images takes in memory; undefined where they cannot be streamed. */
async function sizesOf(path: string, found: Found, options: LoadOptions): Promise<number[] | undefined> {
  if (found === "pictures") return [await bytesOfPictures(path, options)];
  const files = await filesOf(path, found);
  if (files.length === 0 || files.some((name) => /\.(gz|csv|tsv)$/i.test(name))) return undefined;
  return Promise.all(files.map(async (name) => (await stat(name)).size));
}

/** Files that hold the images. */
async function filesOf(path: string, found: Found): Promise<string[]> {
  const folder = (await stat(path).catch(() => undefined))?.isDirectory();
  if (found === undefined) {
    const { trainImages, testImages } = await findFiles(path, true);
    return [trainImages, testImages].filter((file) => file !== undefined);
  }
  if (found === "numbers" && !folder) return [path];
  if (found === "emnist") {
    const place = await emnistAt(path);
    // Of several one is to be named, which the loader says.
    return place?.splits.length === 1 ? emnistImages(place.folder, place.splits[0]!) : [];
  }
  const within = folder ? path : dirname(path);
  const inner = ["", "cifar-10-batches-bin", "cifar-100-binary"].map((name) => join(within, name));
  const ending = {
    numbers: /\.npz$/i,
    arrays: /\.npy$/,
    cifar: /\.bin$/,
  }[found as "numbers" | "arrays" | "cifar"];
  for (const place of found === "cifar" ? inner : [within]) {
    const names = (await readdir(place).catch(() => [])).filter((name) => ending.test(name));
    if (names.length > 0) return names.map((name) => join(place, name));
  }
  return [];
}

async function bytesOfPictures(path: string, { imageSize, colorMode }: LoadOptions): Promise<number> {
  const { listAll } = await import("../directory.ts");
  const { MOST_OWN_SIDE, USUAL_SIDE } = await import("../pictures.ts");
  const files = await listAll(path);
  let [height, width] = imageSize ?? [USUAL_SIDE, USUAL_SIDE];
  if (!imageSize) {
    const { loadPicture } = await import("../../picture/load.ts");
    const some = files.filter((_, i) => i % Math.ceil(files.length / LOOKED_AT) === 0);
    const sizes: (readonly [number, number])[] = [];
    for (const file of some) {
      const picture = await readWhole(file)
        .then(loadPicture)
        .catch(() => undefined);
      if (picture) sizes.push([picture.height, picture.width]);
    }
    const [first] = sizes;
    const same = first && sizes.every((size) => size.join() === first.join());
    if (same && Math.max(...first) <= MOST_OWN_SIDE) [height, width] = first;
  }
  return files.length * height * width * (colorMode === "grayscale" ? 1 : 3);
}
