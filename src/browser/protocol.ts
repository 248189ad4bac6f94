// What the page and its worker say to each other.

import type { DataRequest, DataResult } from "../data/web.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { ThreadTask } from "../engine/platform/web.ts";
import type { AnyOptimizerOptions } from "../optim/definitions.ts";
import type { OptimizerName } from "../optim/index.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { History, Hooks } from "../train/callbacks.ts";
import type { CompileOptions, LayerActivation, OutputOptions } from "../train/compiled-options.ts";
import type { Evaluation, PredictOptions } from "../train/evaluate.ts";
import type { FitOptions } from "../train/fit.ts";
import type { KeptModel, KeptState } from "../train/keep-state.ts";
import type { ModelParts } from "../train/model.ts";
import type { Pixels, Samples } from "../train/samples.ts";
import type { Part } from "../train/validation.ts";
import type { PlainError } from "./errors.ts";
import type { EpochWeights, TrainerInfo } from "./types.ts";

/** First message to the worker script: what it is to be. */
export type Role = { readonly role: "trainer" } | { readonly role: "data" } | ThreadTask;

/** Samples whose arrays lie in the worker. */
export type Handle = number;
export type ArrayName = "images" | "labels" | "targets";

/** Samples without their numbers: those follow in pieces. */
export interface SamplesFrame {
  readonly handle: Handle;
  readonly count: number;
  readonly shape: Samples["shape"];
  /** `at`: the place in a list, for models of several inputs or outputs. */
  readonly arrays: readonly {
    readonly name: ArrayName;
    readonly at: number | undefined;
    readonly bytes: boolean;
    readonly length: number;
  }[];
}

/**
 * What is sent in place of a loss or a metric that is more than its name: a built-in one, which has a type and is plain data, or the
 * name of one that comes from modules.
 */
export interface Reference {
  readonly name: string;
  readonly type?: string;
}

export interface InitRequest {
  readonly model: ModelParts;
  readonly kernels: Kernels;
  readonly options: Omit<
    CompileOptions,
    "optimizer" | "backend" | "wasm" | "loss" | "lossWeights" | "metrics"
  >;
  readonly outputs: readonly (Omit<OutputOptions, "loss" | "metrics"> & {
    readonly loss: string | Reference;
    readonly metrics: readonly (string | Reference)[];
  })[];
  /** Where losses and metrics come from that are not built-in. */
  readonly modules: readonly string[];
  /** `scheduled`: the rates come with each fit. */
  readonly optimizer: {
    readonly name: OptimizerName;
    readonly options: AnyOptimizerOptions;
    readonly scheduled?: boolean;
  };
  /** What it goes on with, in place of weights that are drawn or loaded. */
  readonly kept?: KeptModel | undefined;
}

/** Some of the samples that lie in the worker. */
export type SentPart = Omit<Part, "samples"> & { readonly samples: Handle };

export interface FitRequest {
  readonly train: SentPart;
  readonly validation: SentPart | undefined;
  readonly warnings: string[];
  /** Where it goes on from, without what page's callbacks gave. */
  readonly state?: KeptState | undefined;
  readonly options: Omit<
    FitOptions,
    "callbacks" | "signal" | "validationData" | "initialState" | "sampleWeight" | "classWeight"
  >;
  /** Whether one of the page's callbacks is for that. */
  readonly terminatesOnNaN?: boolean | undefined;
  /** Rates of the optimizer's steps from `firstStep` on, where a schedule gives them: functions cannot be sent. */
  readonly rates?: { readonly firstStep: number; readonly values: Float64Array } | undefined;
}

type Options = Omit<PredictOptions, "signal">;

/** What a page may ask of its worker, by name: argument and answer. */
export interface Requests {
  init: [InitRequest, { info: Omit<TrainerInfo, "notice">; lock: string }];
  allocate: [SamplesFrame, undefined];
  fit: [FitRequest, History];
  /** Steps that the optimizer has done. */
  step: [undefined, number];
  /** Of the last training: page's callbacks have their own. Argument: whether one of these asks that the training waits for. */
  state: [boolean, KeptState];
  kept: [undefined, KeptModel];
  evaluate: [{ samples: Handle; weights?: Samples["weights"]; options: Options }, Evaluation];
  /** Samples by their handle, or the numbers of each input; the answer is by output. */
  predict: [{ samples: Handle | readonly Pixels[]; options: Options }, Float32Array[]];
  /** Argument: what wants them, where they have to be finite. */
  getWeights: [string | undefined, NamedTensor[]];
  setWeights: [readonly NamedTensor[], undefined];
  activations: [readonly Pixels[], LayerActivation[]];
  load: [DataRequest, DataResult];
}
export type Method = keyof Requests;

/** Messages that want no answer. */
export type Note =
  /** `array`: its number in the frame. */
  | { readonly note: "piece"; handle: Handle; array: number; offset: number; data: Uint8Array }
  | { readonly note: "free"; handle: Handle }
  | { readonly note: "pause" | "resume" }
  | { readonly note: "rate"; readonly rate: number }
  | { readonly note: "abort"; id: number }
  | { readonly note: "threadFailed"; readonly thread: number; readonly message: string }
  /** A callback has returned, or thrown. */
  | { readonly note: "called"; call: number; failed: boolean };

export type ToWorker =
  | Role
  | Note
  | { [M in Method]: { readonly id: number; readonly method: M; readonly argument: Requests[M][0] } }[Method];

/** What a worker reports during a call. */
export type Report =
  | {
      [C in keyof Hooks]: {
        readonly callback: C;
        readonly args: Hooks[C];
      };
    }[keyof Hooks]
  | { readonly notice: string }
  | { readonly progress: import("../data/load-options.ts").Progress };

export type FromWorker =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError }
  /** `call`: wants a "called" note with that number. */
  | { readonly id: number; readonly report: Report; readonly call?: number; readonly weights?: EpochWeights }
  /** Asks for a kernel thread, by a number of its own. */
  | { readonly thread: number; readonly task: ThreadTask }
  | { readonly endThread: number };
