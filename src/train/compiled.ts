import type { Graph } from "../compiler/graph.ts";
import { metricsOf } from "../metrics/index.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import { checkWeights, type SetWeightsOptions, type WeightsTaken } from "./check-weights.ts";
import {
  type CompiledOptions,
  type LayerActivation,
  type Loaded,
  preprocessingOf,
} from "./compiled-options.ts";
import { type EvaluateOptions, type Evaluation, evaluate, predict } from "./evaluate.ts";
import type { Pixels, Samples } from "./samples.ts";
import { Session } from "./session.ts";

/**
 * A model made ready: what trains it and asks it. Takes what Model and Trainer have checked: a worker has no room to check
 * it again.
 */
export class Compiled {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  static async create<T extends Compiled>(
    this: new (
      session: Session,
    ) => T,
    graph: Graph,
    loaded: Loaded | undefined,
    options: CompiledOptions,
  ): Promise<T> {
    const { optimizer, backend = "auto", seed = 1, threads, wasm, maxMemory, weights = "loaded" } = options;
    const session = await Session.create(graph, {
      optimizer,
      outputs: options.outputs.map((output) => ({ ...output, metrics: metricsOf(output.metrics) })),
      backend,
      threads,
      wasm,
      maxMemory,
      seed,
      preprocessing: preprocessingOf(loaded, options.preprocessing),
    });
    const compiled = new this(session);
    try {
      if (loaded && weights === "loaded") {
        checkWeights(loaded.tensors, graph.parameters, { partial: loaded.partial });
        session.setWeights(loaded.tensors);
      }
    } catch (error) {
      session.dispose();
      throw error;
    }
    return compiled;
  }

  evaluate(samples: Samples, options: EvaluateOptions): Promise<Evaluation> {
    return evaluate(this.session, samples, options);
  }

  /** By output. */
  predict(samples: Samples, options: EvaluateOptions): Promise<Float32Array[]> {
    return predict(this.session, samples, options);
  }

  activations(image: Pixels | readonly Pixels[]): LayerActivation[] {
    return this.session
      .layerOutputs(image)
      .map(({ call: { name, type, output }, data }) => ({ name, type, shape: output.shape, data }));
  }

  getWeights(): NamedTensor[] {
    return this.session.getWeights();
  }

  setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): WeightsTaken {
    const given = checkWeights(tensors, this.session.graph.parameters, options);
    this.session.setWeights(given.tensors);
    return given.told;
  }

  dispose(): void {
    this.session.dispose();
  }
}
