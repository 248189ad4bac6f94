import type { LayerActivation } from "./compiled-options.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { NamedTensor } from "./safetensors.ts";
import type { Pixels, Samples } from "./samples.ts";
import type { MaybePromise } from "./training-state.ts";

/** What a model can be asked on the page's own thread and in a worker alike: a compiled Model, or a Trainer. */
export interface AskedModel {
  evaluate(samples: Samples, options?: EvaluateOptions): Promise<Evaluation>;
  predict(images: Samples | Pixels, options?: EvaluateOptions): Promise<Float32Array>;
  activations(image: Pixels): Promise<LayerActivation[]>;
  getWeights(): MaybePromise<NamedTensor[]>;
  setWeights(tensors: readonly NamedTensor[]): MaybePromise<void>;
  weightsSha256(): Promise<string>;
}
