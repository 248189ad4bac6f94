import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import { isStreamed } from "../data/streamed.ts";
import type { Answers, Dataset, ImageSet } from "../data/types.ts";
import type { Ending } from "../model/image-models.ts";
import { show } from "../options/show.ts";
import type { Wanted } from "./build-model.ts";
import type { RunConfig } from "./config.ts";

/** Pixels brighter than this are ink. */
const INK = 127;

/** By so much floats that were scaled miss 0 and 1. */
const ROUNDING = 1e-5;

type Split = "train" | "test";

/**
 * A dataset with the answers that a run is to learn; or that a trained model is tested by, on one set of it, which alone gets them.
 * Throws DataError where it has no such ones, with what to write.
 */
export function withTargets(
  dataset: Dataset,
  { targets = "labels", preprocessing }: Pick<RunConfig, "targets" | "preprocessing">,
  split?: Split,
): Dataset {
  const { answers, name, train } = dataset;
  if (targets !== "labels" && isStreamed(train))
    throw new DataError(
      "bad-argument",
      `${name} is streamed from disk, and targets is ${show(targets)}, for which images lie in memory. Write: --no-stream, in a file of settings {"stream": false}.`,
    );
  const has = answers?.kind ?? "labels";
  if (targets === has) return dataset;
  if (targets === "images") return ofImages(dataset, preprocessing, split);
  if (targets === "masks" && has === "labels") return ofInk(dataset, split);
  const what = {
    labels: "a class for each image",
    masks: `a mask of ${answers?.shape.join("x")} classes for each image`,
    numbers: `${answers?.shape.join("") === "1" ? "a number" : `${answers?.shape.join("x")} numbers`} for each image`,
  }[has];
  const advice = split
    ? `the model gives ${GIVEN[targets]}. Name a dataset of such: --dataset`
    : `targets is ${show(targets)}. Write: ${has === "labels" ? "--targets images, which are its own" : `--targets ${has}`}, in a file of settings {"targets": ${show(has === "labels" ? "images" : has)}}`;
  throw new DataError("bad-classes", `${name} has ${what}, and ${advice}.`);
}

/** What a model was trained to give. */
const GIVEN = { labels: "a class", masks: "a mask", numbers: "numbers" } as const;

/** Each image is its own answer, scaled as the model sees it. Throws DataError `too-large`. */
function ofImages(
  dataset: Dataset,
  { scale, offset }: RunConfig["preprocessing"],
  split: Split | undefined,
): Dataset {
  const { name, train, test, validation } = dataset;
  const refused = (set: ImageSet, cause?: unknown) => {
    const of = set === test ? "test" : "train";
    return tooLarge(name, set, (most) => (split ? fewerTested(of) : fewerOf(of, most)), cause);
  };
  // Before the first is made: floats are four times as large as the bytes.
  for (const set of split ? [dataset[split]] : [train, test, ...(validation ? [validation] : [])])
    if (4 * set.images.length > MAX_IDX_BYTES) throw refused(set);
  const ends = [offset, 255 * scale + offset] as const;
  const range = [Math.min(...ends), Math.max(...ends)] as const;
  return withSets(dataset, { kind: "numbers", shape: train.shape, range }, split, (set) => {
    const { images } = set;
    let targets: Float32Array;
    try {
      targets = new Float32Array(images.length);
    } catch (cause) {
      throw refused(set, cause);
    }
    for (let i = 0; i < images.length; i++) targets[i] = images[i]! * scale + offset;
    return { targets };
  });
}

const fewerOf = (split: Split, most: number) =>
  `Take fewer by a setting, {"${split}Limit": ${most}}, or make them smaller: {"imageSize": [64, 64]}.`;
const fewerTested = (split: Split) =>
  split === "train" ? "Write: --split test." : "Name a dataset with fewer test images: --dataset.";

function tooLarge(
  name: string,
  { images, count, shape }: ImageSet,
  advice: (most: number) => string,
  cause?: unknown,
): DataError {
  const most = Math.floor((MAX_IDX_BYTES * count) / (4 * images.length));
  const room = cause ? "there is no memory for them" : `the limit is ${MAX_IDX_BYTES}, ${most} images`;
  return new DataError(
    "too-large",
    `${name}: ${count} images of ${shape.join("x")}, as what a model is to give, take ${4 * images.length} bytes of floats; ${room}. ${advice(cause ? Math.ceil(count / 2) : most)}`,
    { cause },
  );
}

/** Which pixels are ink, and of what class; 0 is what lies around. Throws DataError on colours. */
function ofInk(dataset: Dataset, split: Split | undefined): Dataset {
  const { train, name, classNames } = dataset;
  const [height, width, channels] = train.shape;
  if (channels !== 1)
    throw new DataError(
      "bad-classes",
      `${name} has no masks, and makes none: its images have ${channels} channels, of which none tells ink from what lies around. Give a folder of images/ and masks/, or an .npz whose y_train has a class for each pixel.`,
    );
  if (classNames.length > 255)
    throw new DataError("bad-classes", `${name} has ${classNames.length} classes; masks are for up to 255.`);
  const made = withSets(dataset, { kind: "masks", shape: [height, width] }, split, ({ images, labels }) => ({
    labels: images.map((pixel, i) => (pixel > INK ? 1 + labels[Math.floor(i / (height * width))]! : 0)),
  }));
  return { ...made, classNames: ["background", ...classNames] };
}

function withSets(
  dataset: Dataset,
  answers: Answers,
  split: Split | undefined,
  answer: (set: ImageSet) => Partial<Pick<ImageSet, "labels" | "targets">>,
): Dataset {
  const { train, test, validation } = dataset;
  // Numbers stand in place of labels: samples have one of both.
  const made = (set: ImageSet) => {
    const { images, count, shape } = set;
    return { images, count, shape, ...answer(set) } as ImageSet;
  };
  if (split) return { ...dataset, answers, [split]: made(dataset[split]) };
  return {
    ...dataset,
    answers,
    train: made(train),
    test: made(test),
    ...(validation && { validation: made(validation) }),
  };
}

/** What a model is to give for a dataset: one number a class, for each image or pixel of it; or its numbers. */
export function wantedFor(dataset: Pick<Dataset, "answers" | "classNames" | "train">): Wanted {
  const { answers, classNames } = dataset;
  if (!answers) return { outputs: [classNames.length], numbers: false };
  const { kind, shape } = answers;
  return kind === "masks"
    ? { outputs: [...shape, classNames.length], numbers: false }
    : {
        outputs: shape,
        numbers: true,
        // Looks at each number, and few ask.
        get ending() {
          return endingFor(dataset, shape);
        },
      };
}

/** The least and the greatest number that a model is to give. */
export function rangeOf({ answers, train }: Pick<Dataset, "answers" | "train">): readonly [number, number] {
  if (answers?.range) return answers.range;
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const y of train.targets ?? []) {
    if (y < least) least = y;
    if (y > greatest) greatest = y;
  }
  return [least, greatest];
}

/** What reaches such numbers: sigmoid from 0 to 1, softmax shares that sum to 1 for each image, beyond that what is linear. */
function endingFor(dataset: Pick<Dataset, "answers" | "train">, shape: readonly number[]): Ending {
  const [least, greatest] = rangeOf(dataset);
  if (least < -ROUNDING || greatest > 1 + ROUNDING) return "linear";
  const { targets = new Float32Array() } = dataset.train;
  const each = shape.length === 1 ? shape[0]! : 1;
  if (each === 1 || targets.length === 0) return "sigmoid";
  for (let at = 0; at < targets.length; at += each) {
    const sum = targets.subarray(at, at + each).reduce((a, b) => a + b);
    if (Math.abs(sum - 1) > each * ROUNDING) return "sigmoid";
  }
  return "softmax";
}
