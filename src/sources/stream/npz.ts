import type { FileHandle } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { inflateRawSync } from "node:zlib";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import { MAX_IDX_BYTES } from "../../data/idx.ts";
import type { LoadOptions } from "../../data/load-options.ts";
import type { Dataset } from "../../data/types.ts";
import { MAX_HEADER, parseNpy, parseNpyHeader } from "../npy.ts";
import { CLASS_NAMES, classNamesOf, datasetOf, labelsOf, missing, namesOf, shapeOf } from "../npz.ts";
import { arraysIn } from "../tables.ts";
import type { StreamedImages } from "./images.ts";
import { readExactly, rowsOf, withFile } from "./rows.ts";
import { type ZipEntry, zipEntries } from "./zip.ts";

/** As parseNpz(), of arrays that are not packed and are bytes: images stay where they are. Rejects with DataError. */
export async function streamNpz(path: string, name: string, options: LoadOptions): Promise<Dataset> {
  return withFile(path, async (file, bytes) => {
    const entries = await zipEntries(file, path, bytes);
    const arrays = new Map([...entries].map(([key, entry]) => [key.replace(/\.npy$/, ""), entry]));
    const part = async (of: "train" | "validation" | "test"): Promise<StreamedImages | undefined> => {
      const names = namesOf(of, arrays);
      if (!names) return undefined;
      const [x, y] = names.map((key) => `${path}: ${key}`) as [string, string];
      const labels = labelsOf(parseNpy(await unpacked(file, path, arrays.get(names[1])!, y), y), y);
      return imagesOf(file, { path, bytes }, arrays.get(names[0])!, x, labels, options);
    };
    const train = (await part("train")) ?? missing(path, arrays);
    const sets = { train, validation: await part("validation"), test: await part("test") };
    const names = arrays.get(CLASS_NAMES);
    const texts = names && (await unpacked(file, path, names, `${path}: ${CLASS_NAMES}`));
    const classNames = classNamesOf(texts, path);
    return { ...datasetOf({ ...sets, classNames }, path, options), name };
  });
}

/** As loadArrays(), of arrays of bytes. Rejects with DataError. */
export async function streamArrays(folder: string, options: LoadOptions): Promise<Dataset> {
  const names = await arraysIn(folder);
  const part = async (of: "train" | "validation" | "test"): Promise<StreamedImages | undefined> => {
    const [images, labels] = namesOf(of, names) ?? [];
    if (images === undefined || labels === undefined) return undefined;
    const [x, y] = [join(folder, `${images}.npy`), join(folder, `${labels}.npy`)];
    const ids = labelsOf(parseNpy(await readWhole(y), y), y);
    return withFile(x, (file, bytes) =>
      imagesOf(file, { path: x, bytes }, { packed: false, at: 0, bytes }, x, ids, options),
    );
  };
  const train = (await part("train")) ?? missing(folder, names);
  const sets = { train, validation: await part("validation"), test: await part("test") };
  const texts = names.has(CLASS_NAMES) ? await readWhole(join(folder, `${CLASS_NAMES}.npy`)) : undefined;
  const classNames = classNamesOf(texts, folder);
  return { ...datasetOf({ ...sets, classNames }, folder, options), name: basename(resolve(folder)) };
}

async function imagesOf(
  file: FileHandle,
  whole: { readonly path: string; readonly bytes: number },
  entry: Pick<ZipEntry, "packed" | "at" | "bytes">,
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
