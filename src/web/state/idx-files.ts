import { largestLabel, parseClassNames } from "../../data/class-names.ts";
import { numberedClasses } from "../../data/datasets.ts";
import { DataError } from "../../data/errors.ts";
import { type IdxImages, pairUp, parseIdxImages, parseIdxLabels, unpackIdx } from "../../data/idx.ts";
import { someOf } from "../../data/streamed.ts";
import type { Dataset, ImageSet } from "../../data/types.ts";
import { splitForValidation } from "../../train/validation.ts";
import { fileKind, refusal } from "./file-kind.ts";
import { type KnownFile, knownDataset, knownFile } from "./known-files.ts";

/** A file that was dropped or picked. */
export interface OwnFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface OwnDataset {
  readonly dataset: Dataset;
  /** What was made of the files, in a sentence. */
  readonly notice: string;
  /** The dataset's name, where the files are all of one that this package knows. */
  readonly known?: string;
}

type Part = "train" | "test" | undefined;
interface Labels {
  readonly name: string;
  readonly part: Part;
  readonly labels: Uint8Array;
}
interface Images {
  readonly name: string;
  readonly part: Part;
  readonly images: IdxImages;
}

/** Share of the images kept for the test where no test files are given. */
const TEST_SHARE = 0.2;
/** The same images whenever the same files are opened. */
const TEST_SEED = 1;
const MAX_FILES = 5;

/**
 * A dataset from IDX files, each gzipped or plain: a pair of images and labels, or two pairs of which one is for the
 * test (by its name, `t10k` or `test`, or else the smaller one). A `.txt` file names the classes, one a line. The files
 * of a known dataset are recognised by their content, and have its name and its classes.
 * Throws DataError that names the file.
 */
export async function datasetFromFiles(files: readonly OwnFile[]): Promise<OwnDataset> {
  if (files.length > MAX_FILES)
    throw new DataError(
      "bad-argument",
      `Got ${files.length} files; expected at most ${MAX_FILES}: images and labels, for training and for the test, and class names.`,
    );
  const images: Images[] = [];
  const labels: Labels[] = [];
  let names: readonly string[] | undefined;
  const data: { known: KnownFile | undefined; idx: Uint8Array }[] = [];
  for (const file of files) {
    if (/\.txt$/i.test(file.name)) {
      names = parseClassNames(file.bytes, file.name);
      continue;
    }
    const bytes = await unpack(file);
    data.push({ known: await knownFile(file.bytes, bytes), idx: bytes });
    const part = /t10k|test/i.test(file.name) ? "test" : /train/i.test(file.name) ? "train" : undefined;
    if (bytes[3] === 1) labels.push({ name: file.name, part, labels: parseIdxLabels(bytes, file.name) });
    else images.push({ name: file.name, part, images: parseIdxImages(bytes, file.name) });
  }
  const whole = knownDataset(data);
  if (whole)
    return {
      dataset: whole,
      known: whole.name,
      notice: `These are the files of ${data[0]!.known!.info.title}: ${counts(whole)}`,
    };
  const infos = new Set(data.map(({ known }) => known?.info));
  if (infos.size === 1) names ??= [...infos][0]?.classNames;
  const pairs = images.map((own) => ({ part: own.part, set: pairOf(own, labels) }));
  if (pairs.length === 0 || pairs.length > 2 || labels.length !== images.length)
    throw new DataError(
      "not-found",
      `Got ${count(images.length, "file")} of images and ${count(labels.length, "file")} of labels; expected one of each, or two of each. Choose them together.`,
    );
  return assemble(pairs, names);
}

/** Throws DataError that says what the file is, where it is none of this kind. */
async function unpack({ name, bytes }: OwnFile): Promise<Uint8Array> {
  const kind = fileKind(name, bytes);
  if (kind !== "idx" && kind !== "gzip") throw new DataError("bad-magic", refusal(name, kind));
  try {
    return await unpackIdx(bytes, name);
  } catch (error) {
    if (!(error instanceof DataError) || error.code !== "bad-magic") throw error;
    const what =
      kind === "gzip"
        ? "what it unpacks to is no file of images or labels"
        : "it is no file of images or labels";
    throw new DataError(
      "bad-magic",
      `${name}: ${what} in the IDX format, one byte a number. (${error.message.slice(name.length + 2)})`,
      { cause: error },
    );
  }
}

function pairOf({ name, part, images }: Images, labels: readonly Labels[]): ImageSet {
  const fitting = labels.filter((candidate) => candidate.labels.length === images.count);
  const own =
    fitting.find((candidate) => part !== undefined && candidate.part === part) ??
    fitting[0] ??
    labels.find((candidate) => candidate.part === part);
  if (!own)
    throw new DataError(
      "not-found",
      `${name}: its label file is missing. Choose images and labels together.`,
    );
  return pairUp(images, own.labels, `${name} and ${own.name}`);
}

function assemble(
  pairs: readonly { part: Part; set: ImageSet }[],
  names: readonly string[] | undefined,
): OwnDataset {
  const [first, second] = pairs as [(typeof pairs)[number], (typeof pairs)[number]?];
  let train = first.set;
  let test: ImageSet;
  let notice: string;
  if (second) {
    const swap = first.part === "test" || (first.part === second.part && second.set.count > first.set.count);
    [train, test] = swap ? [second.set, first.set] : [first.set, second.set];
    if (train.shape.join() !== test.shape.join())
      throw new DataError(
        "bad-dimensions",
        `The training images are ${train.shape.join("×")}, the test images ${test.shape.join("×")}; expected one size.`,
      );
    notice = counts({ train, test });
  } else {
    // Files may well be sorted by class.
    const parts = splitForValidation(first.set, TEST_SHARE, "stratified", TEST_SEED);
    [train, test] = [someOf(first.set, parts.train.rows!), someOf(first.set, parts.validation.rows!)];
    notice = `No test files were given: ${test.count.toLocaleString("en-US")} of ${first.set.count.toLocaleString("en-US")} images, the same share of each class, are kept for the test.`;
  }
  const largest = largestLabel(train, test);
  if (names && largest >= names.length)
    throw new DataError(
      "bad-classes",
      `The labels go up to ${largest}, but ${names.length} classes are named.`,
    );
  const classes = names ?? numberedClasses(Math.max(largest + 1, 2));
  return { dataset: { name: "own files", classNames: classes, train, test }, notice };
}

function counts({ train, test }: Pick<Dataset, "train" | "test">): string {
  return `${train.count.toLocaleString("en-US")} images for training, ${test.count.toLocaleString("en-US")} for the test.`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
