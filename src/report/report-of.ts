import { galleryItems, type Picks, pickGallery } from "./gallery.ts";
import { predictedMask } from "./metrics.ts";
import type {
  Report,
  ReportFilters,
  ReportGallery,
  ReportImages,
  ReportLayer,
  ReportTestedImage,
  ReportTiming,
} from "./types.ts";

/** What a report looks at of a model: a Model is one. */
export interface ReportedModel {
  readonly name: string;
  readonly rows: readonly ReportLayer[];
  countParams(): number;
  readonly graph: {
    readonly ops: readonly {
      readonly kind: string;
      readonly layer: string;
      readonly parameters: readonly { readonly name: string }[];
    }[];
  };
}

/** What came of test images whose answers are images: of classes the outputs are probabilities. */
export interface TestedImages {
  readonly kind: "masks" | "numbers";
  readonly by: string;
  readonly best: readonly Tested[];
  readonly worst: readonly Tested[];
  readonly pixels?: readonly (readonly number[])[];
}

interface Tested {
  readonly index: number;
  readonly error: number;
  readonly output: Float32Array;
}

/** A training as whoever did it knows it. */
export interface ReportedTraining
  extends Pick<
    Report,
    | "configuration"
    | "machine"
    | "history"
    | "plannedEpochs"
    | "stopped"
    | "kept"
    | "verdict"
    | "warnings"
    | "weightsSha256"
  > {
  /** Default: "<model> on <dataset>". */
  readonly title?: string | undefined;
  readonly dataset: {
    readonly name: string;
    readonly classNames: readonly string[];
    readonly train: { readonly shape: readonly number[] };
    readonly test: {
      readonly images: Uint8Array;
      readonly labels: ArrayLike<number>;
      readonly targets?: Float32Array;
      readonly count: number;
      readonly shape: readonly number[];
    };
    readonly answers?: { readonly kind: "masks" | "numbers"; readonly shape: readonly number[] } | undefined;
  };
  /** Images trained on, and those for validation: 0 without. */
  readonly images: { readonly train: number; readonly validation: number };
  readonly model: ReportedModel;
  /** What the model is called, in place of its own name. */
  readonly modelName?: string | undefined;
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Float32Array;
  }[];
  /** What came of the test images, where they were asked about: outputs are `[count, classes]`. */
  readonly test:
    | {
        readonly loss: number;
        readonly accuracy?: number | undefined;
        readonly confusion: readonly (readonly number[])[];
        readonly outputs: Float32Array;
        readonly figures?: Readonly<Record<string, number>> | undefined;
        /** Of a model whose outputs are images, in place of outputs. */
        readonly images?: TestedImages | undefined;
        /** Answers to show. Default: pickGallery()'s. */
        readonly picks?: Picks;
        /** Them with their pixels. Default: those of the dataset's test images. */
        readonly gallery?: ReportGallery | undefined;
      }
    | undefined;
  /** The date is by default that of the call. */
  readonly timing: Omit<ReportTiming, "date"> & { readonly date?: string | undefined };
}

/** The report of a training: what the command line, createReport() and the page write down. */
export function reportOf(training: ReportedTraining): Report {
  const { dataset, model, weights, test, images, timing, title, modelName: name = model.name } = training;
  const { configuration, machine, history, plannedEpochs, stopped, kept, verdict } = training;
  return {
    title: title ?? `${name} on ${dataset.name}`,
    dataset: {
      name: dataset.name,
      classNames: dataset.classNames,
      imageShape: dataset.train.shape,
      trainCount: images.train,
      validationCount: images.validation,
      testCount: dataset.test.count,
      ...(dataset.answers && { answers: { ...dataset.answers, own: configuration.targets === "images" } }),
    },
    model: { name, layers: model.rows, parameters: model.countParams() },
    configuration,
    machine,
    history,
    plannedEpochs,
    stopped,
    kept,
    verdict,
    warnings: training.warnings,
    ...(test && {
      test: { loss: test.loss, accuracy: test.accuracy, figures: test.figures },
      ...(test.images
        ? { images: imagesOf(test.images, dataset) }
        : {
            confusion: test.confusion,
            gallery:
              test.gallery ??
              galleryItems(test.picks ?? pickGallery(test.outputs, dataset.test.labels), dataset.test),
          }),
    }),
    filters: firstFilters(model, weights),
    weightsSha256: training.weightsSha256,
    timing: { ...timing, date: timing.date ?? new Date().toISOString() },
  };
}

/** Test images with their pixels and answers. */
function imagesOf(
  { kind, by, best, worst, pixels }: TestedImages,
  { test, answers }: ReportedTraining["dataset"],
): ReportImages {
  const truths = kind === "masks" ? test.labels : test.targets!;
  const [bytes, each] = [test.images.length / test.count, truths.length / test.count];
  const shown = ({ index, error, output }: Tested): ReportTestedImage => ({
    index,
    error,
    pixels: test.images.slice(index * bytes, (index + 1) * bytes),
    target: Array.prototype.slice.call(truths, index * each, (index + 1) * each) as number[],
    output: kind === "masks" ? predictedMask(output, each) : output,
  });
  const all = { best: best.map(shown), worst: worst.map(shown) };
  return {
    kind,
    shape: answers!.shape,
    by,
    ...all,
    pixels,
    ...(kind === "numbers" && { range: rangeOf([...all.best, ...all.worst]) }),
  };
}

/** Black and white: 0 and 1, unless answers go beyond. */
function rangeOf(images: readonly ReportTestedImage[]): readonly [low: number, high: number] {
  let [low, high] = [0, 1];
  for (const { target } of images)
    for (let i = 0; i < target.length; i++) {
      low = Math.min(low, target[i]!);
      high = Math.max(high, target[i]!);
    }
  return [low, high];
}

/** The kernel of the first convolution, if there is one. */
function firstFilters(
  { graph }: ReportedModel,
  weights: ReportedTraining["weights"],
): ReportFilters | undefined {
  const op = graph.ops.find(({ kind }) => kind === "conv2d");
  const tensor = op && weights.find(({ name }) => name === op.parameters[0]!.name);
  return tensor && { layer: op.layer, values: tensor.data, shape: tensor.shape };
}
