import type { Graph, Shape } from "../compiler/graph.ts";
import { type LayerRow, summaryTable } from "../model/build.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { createOptimizer } from "../optim/index.ts";
import { checkOptions } from "../options/check.ts";
import { isObject } from "../options/kinds.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { History } from "./callbacks.ts";
import type { SetWeightsOptions, WeightsTaken } from "./check-weights.ts";
import type { CompiledModel } from "./compiled-model.ts";
import type { CompileOptions, LayerActivation, Loaded } from "./compiled-options.ts";
import type { EvaluateOptions, Evaluation, PredictOptions } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import { COMPILE, EVALUATE, FIT, PREDICT } from "./options.ts";
import {
  type Asking,
  asSamples,
  type ByName,
  listed,
  type Pixels,
  type Port,
  type Samples,
} from "./samples.ts";
import type { Session } from "./session.ts";
import type { SampleSource } from "./source.ts";
import type { held } from "./stream.ts";
import type { Trainable } from "./trainable.ts";
import type { Training } from "./training.ts";

/** What a model consists of, as plain data: all of it can be sent to a worker. */
export interface ModelParts {
  readonly config: ModelConfig & { readonly name: string };
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
  readonly loaded: Loaded | undefined;
}

/** A model that was built: what trains it and asks it. Sequential and model() build one. */
export class Model implements Trainable {
  readonly name: string;
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
  /** What it came with, if it is from a file: compile() begins with it. */
  readonly loaded: Loaded | undefined;
  #config: ModelParts["config"];
  #made: CompiledModel | undefined;
  #check: typeof held | undefined;
  #disposals = 0;
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
    return this.graph.inputs[0]!.shape;
  }

  get outputShape(): Shape {
    return this.graph.outputs[0]!.shape;
  }

  /** The inputs, by the names of their layers. */
  get inputs(): readonly Port[] {
    return portsOf(this.graph.inputs, this.#config.inputs ?? ["input"]);
  }

  /** The outputs, by the names of the layers that give them. */
  get outputs(): readonly Port[] {
    return portsOf(this.graph.outputs, this.#config.outputs ?? [this.rows.at(-1)!.name]);
  }

  /** Number of all parameters' numbers, trained or not. */
  countParams(): number {
    return this.rows.reduce((sum, row) => sum + row.parameters, 0);
  }

  /** The layer table: output shapes, parameter counts, and in a graph what is connected to what. Printed with `print`, and returned. */
  summary(print: (text: string) => void = console.log): string {
    const table = summaryTable(this.name, this.rows);
    print(table);
    return table;
  }

  /** The architecture as plain data, for modelFromConfig(). */
  toConfig(): ModelConfig {
    return structuredClone(this.#config);
  }

  /**
   * Loads the kernels, draws the initial weights, and makes the model ready to train. A model from loadModel() begins with
   * the weights, the preprocessing and the loss of its file. Compiling again starts anew: from there, too.
   */
  async compile(options: CompileOptions = {}): Promise<void> {
    const disposals = this.#disposals;
    const { checkCompile, CompiledModel, held, checkMetrics } = await import("./compiled-model.ts");
    const outputs = checkCompile(this, options, COMPILE);
    checkMetrics(outputs);
    const { optimizer = "adam" } = options;
    const compiled = await CompiledModel.create(this.graph, this.loaded, {
      ...options,
      outputs,
      optimizer: typeof optimizer === "string" ? createOptimizer(optimizer) : optimizer,
    });
    if (disposals !== this.#disposals) {
      compiled.dispose();
      throw new Error("the model was disposed of: call compile() again");
    }
    this.#made?.dispose();
    this.#made = compiled;
    this.#check = held;
  }

  /**
   * Trains on the samples, shuffled anew each epoch from the model's seed.
   * Rejects with TrainingDivergedError when the loss becomes NaN or infinite; NonFiniteError where a weight is before the
   * first step; SamplesError where data does not fit.
   */
  async fit(samples: Samples | SampleSource, options: FitOptions = {}): Promise<History> {
    const training = this.training(samples, options);
    this.#fitting = true;
    try {
      return await training.run();
    } finally {
      this.#fitting = false;
    }
  }

  /**
   * A training to be stepped by hand, with fit()'s options: `while (await training.step()) …`. Its state() can be kept, and
   * gone on from. Throws as fit() rejects.
   */
  training(samples: Samples | SampleSource, options: FitOptions = {}): Training {
    checkOptions(FIT, options);
    const given = this.#checked(samples, this, "fit", options.sampleWeight);
    const validationData =
      options.validationData && this.#checked(options.validationData, this, "validationData");
    this.#requireIdle();
    return this.#compiled.training(given, { ...options, validationData }, this);
  }

  /**
   * Mean loss, of samples with weights the weighed one, and the metrics over the samples, dropout off. Rejects with NonFiniteError where the loss or a weight is NaN or
   * infinite.
   */
  async evaluate(samples: Samples | SampleSource, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkOptions(EVALUATE, options);
    return this.#compiled.evaluate(this.#checked(samples, this, "evaluate", options.sampleWeight), options);
  }

  /**
   * Outputs `[count, ...outputShape]` for images given as Samples, or as their numbers alone; of a model of several outputs a
   * list of them: predict<Float32Array[]>(…). Rejects with NonFiniteError where one, or a weight, is NaN or infinite.
   */
  predict(images: Asking | SampleSource, options?: PredictOptions): Promise<Float32Array>;
  predict<Outputs extends Float32Array[]>(
    images: Asking | SampleSource,
    options?: PredictOptions,
  ): Promise<Outputs>;
  async predict(images: Asking | SampleSource, options: PredictOptions = {}): Promise<Predicted> {
    checkOptions(PREDICT, options);
    const samples = this.#checked(asSamples(images as Asking, this.inputs), this, "predict");
    return unlisted(await this.#compiled.predict(samples, options));
  }

  /**
   * What each layer gives for one image, dropout off: bytes, which are scaled as in training, or floats. For a model of
   * several inputs a list, or a record by their names.
   */
  async activations(image: Pixels | readonly Pixels[] | ByName<Pixels>): Promise<LayerActivation[]> {
    const { images } = this.#checked(oneSample(image, this.inputs), this, "activations");
    return this.#compiled.activations(listed<Pixels>(images));
  }

  /** Copies of all parameters, in the order of the layers. */
  getWeights(): NamedTensor[] {
    return this.#compiled.getWeights();
  }

  /**
   * Sets all parameters, matched by name; with `partial` those that a tensor of their name and shape is given for. Tells which.
   * Throws RangeError where one is missing, unknown or of another shape, with `partial` where none fits; TypeError on
   * what is no list of tensors.
   */
  setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): WeightsTaken {
    return this.#compiled.setWeights(tensors, options);
  }

  /**
   * Lets training change the layers of these names, or no longer, between two trainings. Weights stay as they are, and so does what the
   * optimizer keeps of parameters that are trained before and after; of others it begins at 0. Frozen batch normalization uses
   * its moving statistics. A trainer that was made of the model before keeps what it was made with.
   *
   * Rejects with TypeError on what is no name and no flag, RangeError where no layer has a name.
   */
  async setTrainable(layers: string | readonly string[], trainable: boolean): Promise<void> {
    const { changeTrainable } = await import("./change-trainable.ts");
    this.#requireIdle();
    const { parts, made } = await changeTrainable(this.parts(), this.#made, layers, trainable);
    const { graph, rows, config } = parts;
    Object.assign(this, { graph, rows });
    this.#config = config;
    this.#made = made;
  }

  /** SHA-256 of all weights as little-endian f32 in order, in hex: equal for equal models. */
  async weightsSha256(): Promise<string> {
    const tensors = this.getWeights();
    const { weightsSha256 } = await import("./compiled-model.ts");
    return weightsSha256(tensors);
  }

  /** What compile() made. Throws where it has not run. */
  get session(): Session {
    return this.#compiled.session;
  }

  /** Samples that fit the model, as lists. Throws SamplesError where they do not, Error where compile() has not run. */
  get #checked(): typeof held {
    void this.#compiled;
    return this.#check!;
  }

  #requireIdle(): void {
    if (this.#fitting) throw new Error("the model is training: wait until the fit() under way has ended");
  }

  get #compiled(): CompiledModel {
    if (!this.#made) throw new Error("the model is not compiled: call `await model.compile(...)` first");
    return this.#made;
  }

  /** Ends the model's threads and lets go of its memory. The model can be compiled again. */
  dispose(): void {
    this.#disposals++;
    this.#made?.dispose();
    this.#made = undefined;
  }
}

/** What predict() gives: the numbers of the output; of several outputs a list, in the order of model({ outputs }). */
export type Predicted = Float32Array | Float32Array[];

/** The only one of a list, or the list. */
export function unlisted(outputs: Float32Array[]): Predicted {
  return outputs.length === 1 ? outputs[0]! : outputs;
}

/** One sample, without labels. */
export function oneSample(image: Samples["images"], inputs: readonly Port[]): Samples {
  const shapes = inputs.map(({ shape }) => shape);
  return { images: image, shape: shapes.length === 1 ? shapes[0]! : shapes, count: 1 };
}

function portsOf(values: Graph["inputs"], names: readonly string[]): Port[] {
  return values.map(({ shape }, i) => ({ name: names[i]!, shape }));
}

/** By what it can do: a page may have the class twice, as the element's script brings its own. */
export function isModel(value: unknown): value is Model {
  return isObject(value) && typeof value.toConfig === "function";
}
