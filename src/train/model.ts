import type { Backend } from "../engine/engine.ts";
import type { WasmSource } from "../engine/kernels.ts";
import type { LayerRow } from "../nn/build.ts";
import { checkLoss } from "../nn/check-loss.ts";
import { elements, type Graph, type Shape } from "../nn/graph.ts";
import { defaultMetrics, type LossName } from "../nn/losses.ts";
import type { ModelConfig } from "../nn/model-config.ts";
import { type Preprocessing, preprocessingProblem } from "../nn/preprocessing.ts";
import { createOptimizer, type Optimizer, type OptimizerName } from "../optim/index.ts";
import { checkOptions } from "../options/check.ts";
import { isObject } from "../options/kinds.ts";
import type { History } from "./callbacks.ts";
import { checkSamples, type SamplesTaker } from "./check-samples.ts";
import { checkWeights } from "./check-weights.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import { COMPILE, EVALUATE, FIT, PREDICT } from "./options.ts";
import type { NamedTensor } from "./safetensors.ts";
import { asSamples, type Pixels, type Samples } from "./samples.ts";
import type { Session } from "./session.ts";
import { weightsSha256 } from "./weights.ts";

export interface CompileOptions {
  /** An optimizer, or the name of one with its defaults. Default adam(). */
  optimizer?: Optimizer | OptimizerName | undefined;
  /** Default: that of the file for a model from a file, else "categoricalCrossentropy". */
  loss?: LossName | undefined;
  /** Reported by fit and evaluate next to the loss. Default ["accuracy"] for the cross-entropies, none for meanSquaredError. */
  metrics?: readonly "accuracy"[] | undefined;
  /** Build of the kernels. "auto" (default): the fastest reproducible one. "relaxed": faster, not reproducible across machines. */
  backend?: Backend | "auto" | undefined;
  /** Threads that compute, this one included: changes speed, never results. Default: all cores. */
  threads?: number | undefined;
  /** Kernels to use in place of the package's own file: a URL, bytes, or a compiled module. `backend` says which build it is (default simd). */
  wasm?: WasmSource | undefined;
  /**
   * Bytes of linear memory that the model may take, weights, activations and all: what needs more is refused before
   * it is allocated. Default 2 GiB (2 * 2 ** 30); at most 4 GiB, which is what WebAssembly reaches.
   */
  maxMemory?: number | undefined;
  /** Fixes initial weights, shuffles and dropout: a whole number from 0 to 2^53 - 1. Default 1. */
  seed?: number | undefined;
  /** How byte images are scaled: pixel * scale + offset. Default: as the model's file says, else scale 1/255, offset 0. */
  preprocessing?: { readonly [K in keyof Preprocessing]?: number | undefined } | undefined;
  /** What the model begins with. "loaded" (default): the weights that it came with from loadModel(), where it did. "new": drawn from the seed. */
  weights?: "loaded" | "new" | undefined;
}

/** What a model brings along from a file. */
export interface Loaded {
  readonly tensors: readonly NamedTensor[];
  readonly loss?: LossName | undefined;
  readonly preprocessing?: Preprocessing | undefined;
}

const DEFAULT_PREPROCESSING: Preprocessing = { scale: 1 / 255, offset: 0 };

/** What one layer gives for one image. */
export interface LayerActivation {
  /** The layer's name and type. */
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
  readonly data: Float32Array<ArrayBuffer>;
}

/** What a model consists of, as plain data: all of it can be sent to a worker. */
export interface ModelParts {
  readonly config: ModelConfig & { readonly name: string };
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
  readonly loaded: Loaded | undefined;
}

/** A model that was built: what trains it and asks it. Sequential builds one. */
export class Model {
  readonly name: string;
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
  /** What it came with, if it is from a file: compile() begins with it. */
  readonly loaded: Loaded | undefined;
  readonly #config: ModelParts["config"];
  #session: Session | undefined;
  #runtime: typeof import("./runtime.ts") | undefined;
  #metrics: readonly "accuracy"[] = [];
  #fitting = false;

  constructor({ config, graph, rows, loaded }: ModelParts) {
    this.name = config.name;
    this.graph = graph;
    this.rows = rows;
    this.loaded = loaded;
    this.#config = config;
  }

  /** All that a worker needs to have the same model. */
  parts(): ModelParts {
    const { graph, rows, loaded } = this;
    return { config: this.#config, graph, rows, loaded };
  }

  /** Shape of one input and of one output. */
  get inputShape(): Shape {
    return this.graph.input.shape;
  }

  get outputShape(): Shape {
    return this.graph.output.shape;
  }

  /** Number of trained numbers. */
  countParams(): number {
    return this.rows.reduce((sum, row) => sum + row.parameters, 0);
  }

  /** The architecture as plain data, for layersFromConfig(). */
  toConfig(): ModelConfig {
    return this.#config;
  }

  /**
   * Loads the kernels, draws the initial weights, and makes the model ready to train. A model from loadModel() begins with
   * the weights, the preprocessing and the loss of its file. Compiling again starts anew: from there, too.
   */
  async compile(options: CompileOptions = {}): Promise<void> {
    checkOptions(COMPILE, options);
    const {
      optimizer = "adam",
      loss = this.loaded?.loss ?? "categoricalCrossentropy",
      metrics = defaultMetrics(loss),
      backend = "auto",
    } = options;
    const { seed = 1, threads, wasm, maxMemory, weights = "loaded" } = options;
    const usual = this.loaded?.preprocessing ?? DEFAULT_PREPROCESSING;
    const { scale = usual.scale, offset = usual.offset } = options.preprocessing ?? {};
    const preprocessing = { scale, offset };
    const problem = preprocessingProblem(preprocessing);
    if (problem) throw new RangeError(`preprocessing: ${problem}`);
    checkLoss(loss, this.graph);
    this.#runtime ??= await import("./runtime.ts");
    const session = await this.#runtime.Session.create(this.graph, {
      optimizer: typeof optimizer === "string" ? createOptimizer(optimizer) : optimizer,
      loss,
      backend,
      ...(threads !== undefined && { threads }),
      ...(wasm !== undefined && { wasm }),
      ...(maxMemory !== undefined && { maxMemory }),
      seed,
      preprocessing,
    });
    this.#session?.dispose();
    this.#session = session;
    this.#metrics = metrics;
    if (this.loaded && weights === "loaded") this.setWeights(this.loaded.tensors);
  }

  /**
   * Trains on the samples, shuffled anew each epoch from the model's seed.
   * Rejects with TrainingDivergedError when the loss becomes NaN or infinite; NonFiniteError where a weight is before the
   * first step; SamplesError where data does not fit.
   */
  async fit(samples: Samples, options: FitOptions = {}): Promise<History> {
    checkOptions(FIT, options);
    this.#check(samples, "fit");
    if (options.validationData) this.#check(options.validationData, "validationData");
    if (this.#fitting) throw new Error("the model is training: wait until the fit() under way has ended");
    this.#fitting = true;
    try {
      return await this.#compiled.fit(this.session, samples, this.#metrics, options);
    } finally {
      this.#fitting = false;
    }
  }

  /**
   * Mean loss and the metrics over the samples, dropout off. Rejects with NonFiniteError where the loss or a weight is NaN or
   * infinite.
   */
  async evaluate(samples: Samples, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkOptions(EVALUATE, options);
    this.#check(samples, "evaluate");
    return this.#compiled.evaluate(this.session, samples, this.#metrics, options);
  }

  /**
   * Outputs `[count, ...outputShape]` for images given as Samples, or as their numbers alone. Rejects with NonFiniteError
   * where one, or a weight, is NaN or infinite.
   */
  async predict(images: Samples | Pixels, options: EvaluateOptions = {}): Promise<Float32Array> {
    checkOptions(PREDICT, options);
    const samples = asSamples(images, this.inputShape);
    this.#check(samples, "predict");
    return this.#compiled.predict(this.session, samples, options);
  }

  /** What each layer gives for one image, dropout off: bytes, which are scaled as in training, or floats. */
  async activations(image: Pixels): Promise<LayerActivation[]> {
    this.#check({ images: image, shape: this.inputShape, count: 1 }, "activations");
    const names = this.rows.map(({ name }) => name);
    const outputs = this.session.layerOutputs(image, names);
    return this.rows.map(({ name, type, outputShape }, i) => ({
      name,
      type,
      shape: outputShape,
      data: outputs[i] as Float32Array<ArrayBuffer>,
    }));
  }

  /** Copies of all parameters, in the order of the layers. */
  getWeights(): NamedTensor[] {
    return [...this.session.weights()].map(({ parameter: { name, shape }, data }) => ({
      name,
      shape,
      data: new Float32Array(data),
    }));
  }

  /**
   * Sets all parameters, matched by name. Throws RangeError where one is missing, unknown or of another shape; TypeError on
   * what is no list of tensors.
   */
  setWeights(tensors: readonly NamedTensor[]): void {
    checkWeights(tensors, this.graph.parameters);
    const named = new Map(tensors.map(({ name, data }) => [name, data]));
    for (const { parameter, data } of this.session.weights()) data.set(named.get(parameter.name)!);
  }

  /** SHA-256 of all weights as little-endian f32 in order, in hex: equal for equal models. */
  async weightsSha256(): Promise<string> {
    return weightsSha256(this.getWeights());
  }

  /** What compile() made. Throws where it has not run. */
  get session(): Session {
    if (!this.#session) throw new Error("the model is not compiled: call `await model.compile(...)` first");
    return this.#session;
  }

  /** What a session is trained and asked with. Throws as `session` does. */
  get #compiled(): typeof import("./runtime.ts") {
    if (!this.#runtime) throw new Error("the model is not compiled: call `await model.compile(...)` first");
    return this.#runtime;
  }

  /** Ends the model's threads and lets go of its memory. The model can be compiled again. */
  dispose(): void {
    this.#session?.dispose();
    this.#session = undefined;
  }

  #check(samples: Samples, taker: SamplesTaker): void {
    checkSamples(samples, this.inputShape, elements(this.outputShape), taker);
  }
}

/** By what it can do: a page may have the class twice, as the element's script brings its own. */
export function isModel(value: unknown): value is Model {
  return isObject(value) && typeof value.toConfig === "function";
}
