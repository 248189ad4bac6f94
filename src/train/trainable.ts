import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { History } from "./callbacks.ts";
import type { SetWeightsOptions, WeightsTaken } from "./check-weights.ts";
import type { LayerActivation } from "./compiled-options.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import type { Pixels, Samples } from "./samples.ts";

type Answer<T> = T | Promise<T>;

/**
 * What a compiled Model and a Trainer have in common: code that awaits each answer takes either, and gets the same bits. See
 * Model for what each does.
 */
export interface Trainable {
  fit(samples: Samples, options?: FitOptions): Promise<History>;
  evaluate(samples: Samples, options?: EvaluateOptions): Promise<Evaluation>;
  predict(images: Samples | Pixels, options?: EvaluateOptions): Promise<Float32Array>;
  activations(image: Pixels): Promise<LayerActivation[]>;
  getWeights(): Answer<NamedTensor[]>;
  setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): Answer<WeightsTaken>;
  setTrainable(layers: string | readonly string[], trainable: boolean): Promise<void>;
  weightsSha256(): Promise<string>;
  dispose(): void;
}
