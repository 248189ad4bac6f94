import { computed, signal } from "@preact/signals";
import type { Trainer } from "../../browser.ts";
import type { ModelMetadata } from "../../formats/model-file.ts";
import type { EpochRecord } from "../../report/epoch-record.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { Loaded } from "./dataset.ts";
import { LiveCurve } from "./live-curve.ts";
import type { Settings } from "./settings.ts";

/** The model that can be looked at, drawn for and saved: one that trains or has trained here, or came from a file. */
export interface Subject {
  readonly trainer: Trainer;
  readonly name: string;
  readonly classNames: readonly string[];
  /** The settings that it was made with. */
  readonly settings: Settings;
  /** What it trains on; undefined for a file whose data is not here. */
  readonly data: Loaded | undefined;
  /** What its file says besides the weights. */
  readonly metadata: ModelMetadata;
  readonly origin: "trained here" | "file";
}

/**
 * idle: nothing trains. preparing: data and kernels are made ready. stopping: after the step under way.
 * testing: the run has ended, and the test images are being classified.
 */
export type Phase = "idle" | "preparing" | "training" | "paused" | "stopping" | "testing";

export interface Progress {
  /** From 0. */
  readonly epoch: number;
  /** Number of the epoch, from 1, that ends the run. */
  readonly epochs: number;
  readonly seen: number;
  readonly samples: number;
  readonly imagesPerSecond: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** Figures of all training of the subject. */
export interface Totals {
  readonly trainSeconds: number;
  readonly trainedSamples: number;
  /** Of the last fit(). */
  readonly stopped: boolean;
  readonly bestEpoch: number | undefined;
  /** The first epoch of the last fit(), from 0, which looks for the best from there on. */
  readonly firstEpoch?: number;
  /** Number of the epoch, from 1, that was to end it. */
  readonly plannedEpochs?: number;
  /** When it ended, ISO 8601. */
  readonly date: string;
}

export const subject = signal<Subject | undefined>(undefined);
export const phase = signal<Phase>("idle");
export const progress = signal<Progress | undefined>(undefined);
/** Finished epochs of the subject. */
export const epochs = signal<readonly EpochRecord[]>([]);
export const totals = signal<Totals | undefined>(undefined);
/** The weights as last seen, about every second while training. */
export const weights = signal<readonly NamedTensor[] | undefined>(undefined);

/** Not a signal's value: it changes in place, and `curveVersion` says when. */
export const curve = { current: new LiveCurve() };
export const curveVersion = signal(0);

export const running = computed(() => phase.value === "training" || phase.value === "paused");
/** Whether the weights change: until the step under way has ended, where it was stopped. */
export const learning = computed(() => running.value || phase.value === "stopping");
export const busy = computed(() => phase.value !== "idle");

/** Whether the weights are worth looking at: some training has been done, or they came from a file. */
export const trained = computed(
  () =>
    subject.value !== undefined &&
    (subject.value.origin === "file" || epochs.value.length > 0 || (progress.value?.seen ?? 0) > 0),
);
