import type { EpochRecord } from "./epoch-record.ts";
import type { KeptEpoch } from "./kept.ts";
import type { Verdict } from "./verdict.ts";

/** The record of one training run: plain data, all that a report shows. Whoever trains fills it in. */
export interface Report {
  readonly title: string;
  readonly dataset: ReportDataset;
  readonly model: ReportModel;
  /** Every setting of the run: optimizer with its settings, loss, batchSize, epochs, seed, validationSplit, backend, threads ... */
  readonly configuration: Configuration;
  readonly machine: ReportMachine;
  /** One record for each finished epoch, in order. */
  readonly history: readonly EpochRecord[];
  /** Epochs that were asked for, those of an earlier, resumed run included. Default: as many as the history's last. */
  readonly plannedEpochs?: number | undefined;
  /** Training ended before its last epoch: something stopped it, or its loss was no longer finite. Default: it did not. */
  readonly stopped?: "early" | "diverged" | undefined;
  /** The epoch whose weights the model holds, where the best were asked for. Default: training's last weights. */
  readonly kept?: KeptEpoch | undefined;
  /** What went wrong, if anything: see verdict(). */
  readonly verdict?: Verdict | undefined;
  /** What was odd about what was given to the training: History.warnings. */
  readonly warnings?: readonly string[] | undefined;
  /** Figures on the test set, where there is one. */
  readonly test?:
    | {
        readonly loss: number;
        readonly accuracy?: number | undefined;
        /** Others by name: meanIoU, meanAbsoluteError, meanSquaredError. */
        readonly figures?: Readonly<Record<string, number>> | undefined;
      }
    | undefined;
  /** Counts on the test set, `[classes][classes]`: rows truth, columns prediction. See confusionMatrix(). */
  readonly confusion?: readonly (readonly number[])[] | undefined;
  /** Test images to show. See pickGallery() and galleryItems(). */
  readonly gallery?: ReportGallery | undefined;
  /** Test images and what a model made of them whose outputs are images: in place of confusion and gallery. */
  readonly images?: ReportImages | undefined;
  /** Kernel of the first convolution, if the model has one. */
  readonly filters?: ReportFilters | undefined;
  /** Model.weightsSha256() after training: 64 hex digits. */
  readonly weightsSha256?: string | undefined;
  readonly timing: ReportTiming;
}

export interface ReportDataset {
  readonly name: string;
  /** One name a class, in the order of the class ids. */
  readonly classNames: readonly string[];
  /** `[height, width, channels]`. */
  readonly imageShape: readonly number[];
  /** What belongs to an image, where that is no class. */
  readonly answers?:
    | { readonly kind: "masks" | "numbers"; readonly shape: readonly number[]; readonly own?: boolean }
    | undefined;
  /** Images trained on, validation excluded. */
  readonly trainCount: number;
  /** 0 without validation. */
  readonly validationCount: number;
  /** 0 without a test set. */
  readonly testCount: number;
}

export interface ReportModel {
  readonly name: string;
  /** Model.rows. */
  readonly layers: readonly ReportLayer[];
  /** Trained numbers in all: Model.countParams(). */
  readonly parameters: number;
}

/** A LayerRow is one. */
export interface ReportLayer {
  readonly name: string;
  readonly type: string;
  /** One sample's, without the batch. */
  readonly outputShape: readonly number[];
  readonly parameters: number;
}

/** A setting. Objects and lists may nest; they are shown as `optimizer.learningRate`, `augment[0]`. */
export type Setting = string | number | boolean | null | undefined | readonly Setting[] | Configuration;
export interface Configuration {
  readonly [key: string]: Setting;
}

/** What the run ran on. What is unknown, as most of it is in a browser, is left out. */
export interface ReportMachine {
  readonly cpu?: string | undefined;
  /** Logical cores. */
  readonly cores?: number | undefined;
  readonly os?: string | undefined;
  /** Name to version: `{ node: "20.20.2", v8: "11.3" }`, or `{ browser: navigator.userAgent }`. */
  readonly runtimes?: Readonly<Record<string, string>> | undefined;
}

export interface ReportGallery {
  /** Shown in this order. */
  readonly correct: readonly GalleryItem[];
  readonly wrong: readonly GalleryItem[];
  /** Wrong answers in the whole test set, of which `wrong` shows some. Default: the length of `wrong`. */
  readonly wrongCount?: number | undefined;
}

/** A test image and what the model made of it. */
export interface GalleryItem {
  /** Bytes of one image, `height * width * channels` of them: 1 channel is gray, 3 are RGB, 4 RGBA. */
  readonly pixels: Uint8Array;
  /** `[height, width, channels]`. */
  readonly shape: readonly number[];
  /** Class id. */
  readonly truth: number;
  /** Class id, or -1 where the model gave NaN. */
  readonly prediction: number;
  /** Probability of the predicted class, 0 to 1; NaN with prediction -1. */
  readonly probability: number;
  /** Number of the image in the test set, from 0. */
  readonly index: number;
}

/** What a model whose outputs are images made of test images. */
export interface ReportImages {
  /** masks: a class for each pixel. numbers: floats. */
  readonly kind: "masks" | "numbers";
  /** Of an answer: of masks `[height, width]`. */
  readonly shape: readonly number[];
  /** Of numbers: those that are black and white. Default 0 and 1. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** What they are ranked by: "mean squared error". */
  readonly by: string;
  readonly best: readonly ReportTestedImage[];
  /** The worst first. */
  readonly worst: readonly ReportTestedImage[];
  /** Of masks all pixels of the test set, `[classes][classes]`: rows truth, columns prediction. */
  readonly pixels?: readonly (readonly number[])[] | undefined;
}

/** A test image, and its answers: class ids of masks, or numbers. */
export interface ReportTestedImage {
  /** Number of the image in the test set, from 0. */
  readonly index: number;
  readonly error: number;
  /** Bytes of the image. */
  readonly pixels: Uint8Array;
  readonly target: ArrayLike<number>;
  readonly output: ArrayLike<number>;
}

export interface ReportFilters {
  /** Name of the layer. */
  readonly layer: string;
  /** The kernel, HWIO. */
  readonly values: Float32Array;
  /** `[kernelHeight, kernelWidth, inChannels, filters]`. */
  readonly shape: readonly number[];
}

export interface ReportTiming {
  /** Seconds in training steps; validation and test excluded: History.trainSeconds. */
  readonly trainSeconds: number;
  /** Over all training: History.trainedSamples / trainSeconds. */
  readonly imagesPerSecond: number;
  /** When the run ended: ISO 8601, e.g. new Date().toISOString(). */
  readonly date: string;
}
