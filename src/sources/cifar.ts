import { parseClassNames } from "../data/class-names.ts";
import { numberedClasses } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import { checkLabels } from "../data/idx.ts";
import type { Dataset, ImageSet } from "../data/types.ts";

// The format: https://www.cs.toronto.edu/~kriz/cifar.html

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Files of CIFAR's binary version that are read. */
export function isCifarFile(name: string): boolean {
  return /^(data_batch_\d+|test_batch|train|test)\.bin$|^(batches\.meta|fine_label_names)\.txt$/.test(name);
}

/** Whether these files are CIFAR-10's or CIFAR-100's. */
export function isCifar(names: Iterable<string>): boolean {
  const all = new Set(names);
  return (
    (all.has("data_batch_1.bin") && all.has("test_batch.bin")) ||
    (all.has("train.bin") && all.has("test.bin"))
  );
}

/** Which of these files hold what, and how many bytes of labels a record has: one of CIFAR-100 has a coarse label in front of the fine one. */
export function filesOfCifar(all: Iterable<string>) {
  const names = [...all];
  const ten = names.includes("data_batch_1.bin");
  const batches = names.filter((name) => /^data_batch_\d+\.bin$/.test(name)).sort();
  return ten
    ? { labelBytes: 1, classes: 10, names: "batches.meta.txt", train: batches, test: ["test_batch.bin"] }
    : {
        labelBytes: 2,
        classes: 100,
        names: "fine_label_names.txt",
        train: ["train.bin"],
        test: ["test.bin"],
      };
}

/**
 * CIFAR-10 (`data_batch_1.bin` and so on, `test_batch.bin`, `batches.meta.txt`) or CIFAR-100 with its fine labels (`train.bin`,
 * `test.bin`, `fine_label_names.txt`) from the bytes of its files.
 * Throws DataError `not-found`, `truncated`, `label-range`, `bad-classes`.
 */
export function parseCifar(files: ReadonlyMap<string, Uint8Array>, name: string): Dataset {
  const { labelBytes, classes, names, train, test } = filesOfCifar(files.keys());
  const named = files.get(names);
  const classNames = named ? parseClassNames(named, name) : numberedClasses(classes);
  const read = (parts: readonly string[]): ImageSet => {
    const sets = parts.map((part) => {
      const bytes = files.get(part);
      if (!bytes) throw new DataError("not-found", `${name}: lacks ${part}.`);
      return parseRecords(bytes, labelBytes, `${name}: ${part}`, classNames.length);
    });
    return sets.length === 1 ? sets[0]! : joined(sets);
  };
  return {
    name,
    classNames,
    train: read(train),
    test: read(test),
  };
}

/** Records of labels and three planes, red, green and blue. */
function parseRecords(bytes: Uint8Array, labelBytes: number, source: string, classes: number): ImageSet {
  const record = labelBytes + 3 * PLANE;
  const count = bytes.length / record;
  if (!Number.isInteger(count) || count === 0)
    throw new DataError(
      "truncated",
      `${source}: has ${bytes.length} bytes; expected records of ${record}: ${labelBytes} of labels, 3 x 32 x 32 of pixels. Get the file again.`,
    );
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const at = i * record;
    labels[i] = bytes[at + labelBytes - 1]!;
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < PLANE; p++)
        images[(i * PLANE + p) * 3 + c] = bytes[at + labelBytes + c * PLANE + p]!;
  }
  checkLabels(labels, classes, source);
  return { images, labels, count, shape: [SIDE, SIDE, 3] };
}

function joined(sets: readonly ImageSet[]): ImageSet {
  const count = sets.reduce((sum, set) => sum + set.count, 0);
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const set of sets) {
    images.set(set.images, at * 3 * PLANE);
    labels.set(set.labels, at);
    at += set.count;
  }
  return { images, labels, count, shape: [SIDE, SIDE, 3] };
}
