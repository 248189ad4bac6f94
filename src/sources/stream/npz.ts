import type { FileHandle } from "node:fs/promises";
import { inflateRawSync } from "node:zlib";
import { largestLabel } from "../../data/class-names.ts";
import { numberedClasses } from "../../data/datasets.ts";
import { DataError } from "../../data/errors.ts";
import { MAX_IDX_BYTES } from "../../data/idx.ts";
import type { LoadOptions } from "../../data/load-options.ts";
import type { Dataset } from "../../data/types.ts";
import { show } from "../../options/show.ts";
import { MAX_HEADER, parseNpy, parseNpyHeader } from "../npy.ts";
import { ARRAY_NAMES, labelsOf, shapeOf } from "../npz.ts";
import { withTest } from "../parts.ts";
import type { StreamedImages } from "./images.ts";
import { readExactly, rowsOf, withFile } from "./rows.ts";
import { type ZipEntry, zipEntries } from "./zip.ts";

/** As parseNpz(), of arrays that are not packed and are bytes: images stay where they are. Rejects with DataError. */
export async function streamNpz(path: string, name: string, options: LoadOptions): Promise<Dataset> {
  return withFile(path, async (file, bytes) => {
    const entries = await zipEntries(file, path, bytes);
    const arrays = new Map([...entries].map(([key, entry]) => [key.replace(/\.npy$/, ""), entry]));
    const part = async (of: keyof typeof ARRAY_NAMES): Promise<StreamedImages | undefined> => {
      const names = ARRAY_NAMES[of].find(([images, labels]) => arrays.has(images) && arrays.has(labels));
      if (!names) return undefined;
      const [x, y] = names.map((key) => `${path}: ${key}`) as [string, string];
      const labels = labelsOf(parseNpy(await unpacked(file, path, arrays.get(names[1])!, y), y), y);
      return imagesOf(file, { path, bytes }, arrays.get(names[0])!, x, labels, options);
    };
    const train = await part("train");
    if (!train)
      throw new DataError(
        "not-found",
        `${path}: holds ${
          [...arrays.keys()]
            .slice(0, 20)
            .map((key) => show(key))
            .join(", ") || "no arrays"
        }; expected x_train and y_train (and x_test, y_test). Write: np.savez("data.npz", x_train=x, y_train=y)`,
      );
    const [validation, test] = [await part("validation"), await part("test")];
    for (const other of [validation, test])
      if (other && other.shape.join() !== train.shape.join())
        throw new DataError(
          "bad-dimensions",
          `${path}: training images are ${train.shape.join(" x ")}, others ${other.shape.join(" x ")}; expected one shape.`,
        );
    const sets = withTest(path, { train, test }, options);
    const largest = largestLabel(train, ...(test ? [test] : []), ...(validation ? [validation] : []));
    return {
      name,
      classNames: numberedClasses(Math.max(largest + 1, 2)),
      ...sets,
      ...(validation && { validation }),
    };
  });
}

async function imagesOf(
  file: FileHandle,
  whole: { readonly path: string; readonly bytes: number },
  entry: ZipEntry,
  what: string,
  labels: Uint8Array,
  options: LoadOptions,
): Promise<StreamedImages> {
  if (entry.packed)
    throw new DataError(
      "unsupported",
      `${what} is packed, and cannot be streamed, as there is no reading it in parts. Write: np.savez(…) in place of np.savez_compressed(…)`,
    );
  const head = new Uint8Array(Math.min(entry.bytes, MAX_HEADER + 12));
  await readExactly(file, whole.path, head, entry.at);
  const header = parseNpyHeader(head, entry.bytes, what, Number.POSITIVE_INFINITY);
  if (header.type !== "uint8")
    throw new DataError(
      "unsupported",
      `${what}: holds ${header.type} numbers; expected bytes, 0 to 255, where images are streamed. Write: (255 * x).round().astype(np.uint8) of numbers from 0 to 1, else x.astype(np.uint8)`,
    );
  const shape = shapeOf(header, what, options);
  const [count] = header.shape as [number];
  if (count !== labels.length)
    throw new DataError(
      "count-mismatch",
      `${what} has ${count} images, and there are ${labels.length} labels; expected as many.`,
    );
  if (count === 0) throw new DataError("bad-dimensions", `${what}: is empty.`);
  const stride = shape[0] * shape[1] * shape[2];
  return rowsOf(what, [{ ...whole, first: entry.at + header.start, stride, count }], { shape, labels });
}

async function unpacked(
  file: FileHandle,
  path: string,
  { packed, at, bytes, unpackedBytes }: ZipEntry,
  what: string,
): Promise<Uint8Array> {
  if (Math.max(bytes, unpackedBytes) > MAX_IDX_BYTES)
    throw new DataError(
      "too-large",
      `${what}: has ${unpackedBytes} bytes; the limit of labels is ${MAX_IDX_BYTES}.`,
    );
  const raw = await readExactly(file, path, new Uint8Array(bytes), at);
  if (!packed) return raw;
  try {
    return new Uint8Array(inflateRawSync(raw, { maxOutputLength: Math.max(1, unpackedBytes) }));
  } catch (error) {
    throw new DataError("bad-gzip", `${what}: is damaged: ${(error as Error).message}.`, { cause: error });
  }
}
