import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseClassNames } from "../../data/class-names.ts";
import { numberedClasses } from "../../data/datasets.ts";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import { checkLabels } from "../../data/idx.ts";
import type { Dataset } from "../../data/types.ts";
import { filesOfCifar } from "../cifar.ts";
import type { StreamedImages } from "./images.ts";
import { type RowsFile, readExactly, rowsOf, withFile } from "./rows.ts";

const SHAPE = [32, 32, 3] as const;
const IMAGE = 32 * 32 * 3;
/** Records that are looked at for their labels at once. */
const RECORDS = 1000;

/** As loadCifarFolder(): images stay where they are. Rejects with DataError. */
export async function streamCifarFolder(folder: string): Promise<Dataset> {
  const { labelBytes, classes, train, test, names } = filesOfCifar(await readdir(folder));
  const named = (await readdir(folder)).includes(names)
    ? parseClassNames(await readWhole(join(folder, names)), folder)
    : undefined;
  const classNames = named ?? numberedClasses(classes);
  const read = async (parts: readonly string[]): Promise<StreamedImages> => {
    const files: RowsFile[] = [];
    const labels: Uint8Array[] = [];
    for (const part of parts) {
      const path = join(folder, part);
      const own = await withFile(path, async (file, bytes) => {
        const stride = labelBytes + IMAGE;
        const count = bytes / stride;
        if (!Number.isInteger(count) || count === 0)
          throw new DataError(
            "truncated",
            `${path}: has ${bytes} bytes; expected records of ${stride}: ${labelBytes} of labels, 3 x 32 x 32 of pixels. Get the file again.`,
          );
        files.push({ path, bytes, first: labelBytes, stride, count });
        const ids = new Uint8Array(count);
        for (let first = 0; first < count; first += RECORDS) {
          const records = new Uint8Array(Math.min(RECORDS, count - first) * stride);
          await readExactly(file, path, records, first * stride);
          for (let i = 0; i * stride < records.length; i++)
            ids[first + i] = records[i * stride + labelBytes - 1]!;
        }
        return ids;
      });
      checkLabels(own, classNames.length, path);
      labels.push(own);
    }
    return rowsOf(folder, files, {
      layout: "planes",
      shape: SHAPE,
      labels: Uint8Array.from(labels.flatMap((own) => [...own])),
    });
  };
  return { name: basename(resolve(folder)), classNames, train: await read(train), test: await read(test) };
}
