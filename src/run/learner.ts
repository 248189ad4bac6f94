import type { Progress } from "../data/load-options.ts";
import type { Dataset } from "../data/types.ts";
import type { Backend } from "../engine/kernels.ts";
import type { LoadedModel } from "../formats/model-file.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Asked } from "../train/asked.ts";
import type { History } from "../train/callbacks.ts";
import type { SetWeightsOptions, WeightsTaken } from "../train/check-weights.ts";
import type { CompileOptions, LayerActivation } from "../train/compiled-options.ts";
import type { FitOptions } from "../train/fit.ts";
import type { Model } from "../train/model.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import type { Pixels, Samples } from "../train/samples.ts";
import type { FileCallbacks } from "./callbacks.ts";
import type { RunConfig } from "./config.ts";

/** A model that is ready to learn: in a page a Trainer is one. */
export interface Learner extends Asked {
  readonly model: Model;
  /** What it runs on. */
  readonly info: { readonly backend: Backend; readonly threads: number };
  fit(samples: Samples, options?: FitOptions): Promise<History>;
  /** What each layer gives for one image. */
  activations(image: Pixels): Promise<LayerActivation[]>;
  getWeights(): Promise<NamedTensor[]>;
  setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): Promise<WeightsTaken>;
  weightsSha256(): Promise<string>;
  /** Bytes of a model.safetensors. */
  save(metadata?: ModelMetadata): Promise<Uint8Array<ArrayBuffer>>;
  /** Pages: training sleeps after the step under way, until resume(), or the run's signal is aborted. */
  pause?(): void;
  resume?(): void;
  dispose(): void;
}

export interface LoadHooks {
  readonly signal: AbortSignal | undefined;
  onProgress(progress: Progress): void;
  onNotice(text: string): void;
}

/** What a run needs of the place where it runs: Node and pages each have theirs, and front ends may put in their own. */
export interface Platform<L extends Learner = Learner> {
  load(config: RunConfig, hooks: LoadHooks): Promise<Dataset>;
  /** The model that the configuration names, for these images and classes. */
  build(config: RunConfig, dataset: Dataset, signal: AbortSignal | undefined): Model | Promise<Model>;
  /** Where settings may name a model by its place: reads one. */
  open?(place: string): Promise<LoadedModel>;
  /** Where settings may name a backbone by its place: reads it, with what `model` and `from` say of it. */
  base?(config: RunConfig): Promise<LoadedModel>;
  /** Which of the settings of pictures a dataset takes: they follow from a backbone. Default: none. */
  pictureKeys?(dataset: string): Promise<readonly string[]>;
  /** Where there are files: callbacks that write some. */
  readonly files?: FileCallbacks;
  /** Compiles it. */
  ready(model: Model, options: CompileOptions): Promise<L>;
}
