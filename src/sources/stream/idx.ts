import { basename, resolve } from "node:path";
import { largestLabel } from "../../data/class-names.ts";
import { numberedClasses } from "../../data/datasets.ts";
import { DataError } from "../../data/errors.ts";
import { findFiles, isComplete, readWhole } from "../../data/files.ts";
import { loadFolder, readClassNames } from "../../data/folder.ts";
import { isGzip } from "../../data/gzip.ts";
import { checkLabels, parseIdxLabels, readHeader, unpackIdx } from "../../data/idx.ts";
import type { Dataset } from "../../data/types.ts";
import type { StreamedImages } from "./images.ts";
import type { Layout } from "./job.ts";
import { readExactly, rowsOf, withFile } from "./rows.ts";

/** Header of four dimensions. */
const MOST_HEADER = 20;

/**
 * Images of an IDX file, which is not gzipped, with labels of another, which may be. Rejects with DataError.
 * @param source what to call them in messages
 */
export async function streamIdx(
  images: string,
  labels: Uint8Array,
  source: string,
  layout: Layout = "rows",
): Promise<StreamedImages> {
  return withFile(images, async (file, bytes) => {
    const head = await readExactly(file, images, new Uint8Array(Math.min(MOST_HEADER, bytes)), 0);
    if (isGzip(head)) throw packed(images);
    const header = readHeader(head, images, Number.POSITIVE_INFINITY);
    if (!header) throw new DataError("truncated", `${images}: ends within the IDX header.`);
    const { dims, headerBytes, totalBytes } = header;
    if (dims.length < 3)
      throw new DataError(
        "bad-magic",
        `${images}: has ${dims.length} dimension(s); images have 3 (count, height, width) or 4 (and channels). Is this a label file?`,
      );
    if (totalBytes !== bytes)
      throw new DataError(
        bytes < totalBytes ? "truncated" : "trailing-bytes",
        `${images}: has ${bytes} bytes; expected ${totalBytes} for dimensions ${dims.join(" x ")}. Get the file again.`,
      );
    const [count, height, width, channels = 1] = dims as [number, number, number, number?];
    if (count !== labels.length)
      throw new DataError(
        "count-mismatch",
        `${source}: ${count} images but ${labels.length} labels; expected as many of one as of the other. Do the files belong together?`,
      );
    const stride = height * width * channels;
    const shape = layout === "columns" ? ([width, height, 1] as const) : ([height, width, channels] as const);
    return rowsOf(source, [{ path: images, bytes, first: headerBytes, stride, count }], {
      layout,
      shape,
      labels,
    });
  });
}

/** Labels of an IDX file. Rejects with DataError. */
export async function idxLabels(path: string): Promise<Uint8Array> {
  return parseIdxLabels(await unpackIdx(await readWhole(path), path), path);
}

export function packed(path: string): DataError {
  return new DataError(
    "unsupported",
    `${path}: is gzipped, and cannot be streamed, as there is no reading it in parts. Unpack it once: gunzip ${path}`,
  );
}

/** As loadFolder(), of files that are not gzipped: images stay where they are. */
export async function streamIdxFolder(folder: string): Promise<Dataset> {
  const found = await findFiles(folder, true);
  // It says what is missing.
  if (!isComplete(found)) return loadFolder(folder);
  const names = await readClassNames(`${folder}/classes.txt`);
  const read = async (part: "train" | "test") => {
    const labels = await idxLabels(found[`${part}Labels`]);
    if (names) checkLabels(labels, names.length, found[`${part}Labels`]);
    return streamIdx(found[`${part}Images`], labels, `${folder} (${part})`);
  };
  const [train, test] = [await read("train"), await read("test")];
  if (train.shape.join() !== test.shape.join())
    throw new DataError(
      "bad-dimensions",
      `${folder}: training images are ${train.shape.join(" x ")}, test images ${test.shape.join(" x ")}; expected one shape.`,
    );
  const classNames = names ?? numberedClasses(largestLabel(train, test) + 1);
  return { name: basename(resolve(folder)), classNames, train, test };
}
