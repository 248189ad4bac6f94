import { type Draws, fillFurther } from "../compiler/extra.ts";
import { requireRoom } from "../compiler/footprint.ts";
import { fuse } from "../compiler/fuse.ts";
import { cut, elements, type Graph, isTrained, type LayerCall, type Parameter } from "../compiler/graph.ts";
import { fillOf, type VarianceFill } from "../compiler/initializers.ts";
import type { ParameterPointers } from "../compiler/planner.ts";
import type { Preprocessing } from "../compiler/preprocessing.ts";
import { DRAW_SCRATCH, TRUNCATED_STDDEV } from "../engine/abi.ts";
import { type Backend, Engine } from "../engine/engine.ts";
import type { WasmSource } from "../engine/kernels.ts";
import { align } from "../engine/memory.ts";
import { lossDefinition } from "../losses/index.ts";
import type { Metric } from "../metrics/metric.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { OptimizerState } from "../optim/state.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import {
  type CompiledPlan,
  compilePlan,
  type InputKind,
  type PlanKey,
  type PlanOptions,
} from "./compile-plan.ts";
import { needsAllKernels, type OutputOptions } from "./compiled-options.ts";
import { Meters } from "./meters.ts";
import { isBytes, listed, type Pixels, type Samples } from "./samples.ts";
import type { Held } from "./source.ts";
import type { StepResult } from "./step-result.ts";

export interface SessionOptions {
  readonly backend: Backend | "auto";
  readonly threads?: number | undefined;
  readonly wasm?: WasmSource | undefined;
  /** Bytes of linear memory. Default DEFAULT_MAX_MEMORY. */
  readonly maxMemory?: number | undefined;
  readonly seed: number;
  /** In the order of the graph's; losses that are built-in by their names. */
  readonly outputs: readonly (OutputOptions & { readonly metrics: readonly Metric[] })[];
  readonly optimizer: Optimizer;
  readonly preprocessing: Preprocessing;
  /** Internal: false runs the graph as the layers lowered it, for tests of fuse(). Default true. */
  readonly fuse?: boolean;
}

/** Elements in one task of a random kernel. */
const DRAW_GRAIN = 4096;

const kindOf = (numbers: Pixels): InputKind => (isBytes(numbers) ? "bytes" : "floats");

/** A parameter's place in the weight vector, in f32 elements. */
export interface Slot {
  readonly parameter: Parameter;
  readonly offset: number;
  readonly length: number;
}

/**
 * Places for parameters: first those that are trained and decay, then those that are trained, then those that training moves, as statistics,
 * then the others, each in the graph's order.
 */
function slotsOf(parameters: readonly Parameter[], { excludeFromWeightDecay = [] }: Optimizer["options"]) {
  const decays = ({ name }: Parameter) => !excludeFromWeightDecay.some((end) => name.endsWith(end));
  const rankOf = (parameter: Parameter) =>
    isTrained(parameter) ? Number(!decays(parameter)) : parameter.trainable ? 2 : 3;
  const offsets = new Map<Parameter, number>();
  let length = 0;
  const [decaying, trained, changing] = [0, 1, 2, 3].map((rank) => {
    for (const parameter of parameters)
      if (rankOf(parameter) === rank) {
        offsets.set(parameter, length);
        length += align(4 * elements(parameter.shape)) / 4;
      }
    return length;
  }) as [number, number, number];
  const slots = parameters.map(
    (parameter): Slot => ({
      parameter,
      offset: offsets.get(parameter)!,
      length: elements(parameter.shape),
    }),
  );
  return { slots, decaying, trained, changing, length };
}

/**
 * A compiled model: an engine, the weights, gradients and optimizer state in its memory, and a plan for each
 * batch size and purpose. All parameters lie in one vector, each on a cache line of its own, gaps zero; the gradients and
 * the optimizer's vectors are as long as the part of it that is trained, which comes first.
 */
export class Session {
  readonly engine: Engine;
  readonly graph: Graph;
  readonly options: SessionOptions;
  readonly slots: readonly Slot[];
  /** Whether weights are known to be finite: until they may be others. */
  finite = false;
  /** Whose steps it takes: that of the last training that was made. */
  training: object | undefined;
  /** f32 elements of the weight vector that training changes, gaps included. */
  readonly length: number;
  readonly #weights: number;
  readonly #gradients: number;
  readonly #optimizer: OptimizerState;
  readonly #pointers: ParameterPointers;
  readonly #plans = new Map<string, CompiledPlan>();
  /** Plans of layerOutputs(): one up to each call of a layer. */
  readonly #looks = new Map<string, CompiledPlan[]>();
  readonly #unfused: Graph;
  /** What evaluation and prediction run: there, normalizations are folded into what comes before them. */
  readonly #inference: Graph;

  private constructor(engine: Engine, graph: Graph, options: SessionOptions) {
    this.engine = engine;
    this.#unfused = graph;
    this.graph = options.fuse === false ? graph : fuse(graph);
    this.#inference = options.fuse === false ? graph : fuse(graph, false);
    this.options = options;
    const { slots, decaying, trained, changing, length } = slotsOf(
      graph.parameters,
      options.optimizer.options,
    );
    this.slots = slots;
    this.length = changing;
    this.#weights = engine.allocate(4 * length);
    this.#gradients = engine.allocate(4 * trained);
    this.#optimizer = new OptimizerState(engine, options.optimizer, trained, decaying);
    const at = new Map(this.slots.map((slot) => [slot.parameter, 4 * slot.offset]));
    const seed = [options.seed >>> 0, Math.floor(options.seed / 2 ** 32) >>> 0] as const;
    this.#pointers = {
      value: (parameter) => this.#weights + at.get(parameter)!,
      gradient: (parameter) => this.#gradients + at.get(parameter)!,
      seed,
      step: this.#optimizer.stepPointer,
    };
    this.#initialize();
  }

  static async create(graph: Graph, options: SessionOptions): Promise<Session> {
    const { backend, threads, wasm, maxMemory } = options;
    const { optimizer, outputs } = options;
    const all = needsAllKernels(
      graph,
      optimizer,
      outputs.map(({ loss }) => lossDefinition(loss)!),
    );
    requireRoom(graph, maxMemory, (bytes) => `compile({ maxMemory: ${bytes} })`);
    const engine = await Engine.create({ backend, threads, wasm, maxMemory, all });
    try {
      return new Session(engine, graph, options);
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  /** Views of each parameter's weights, to be read: valid until memory grows. */
  *weights(): Generator<{ parameter: Parameter; data: Float32Array<SharedArrayBuffer> }> {
    for (const { parameter, offset, length } of this.slots)
      yield { parameter, data: this.engine.f32(this.#weights + 4 * offset, length) };
  }

  /** The graph as the layers lowered it. */
  get layers(): Graph {
    return this.#unfused;
  }

  /** Copies of all parameters, in the order of the layers. */
  getWeights(): NamedTensor[] {
    return [...this.weights()].map(({ parameter: { name, shape }, data }) => ({
      name,
      shape,
      data: new Float32Array(data),
    }));
  }

  /** Sets all parameters, matched by name: they are known to fit. */
  setWeights(tensors: readonly NamedTensor[]): void {
    const named = new Map(tensors.map(({ name, data }) => [name, data]));
    this.#forget();
    for (const { parameter, data } of this.weights()) data.set(named.get(parameter.name) ?? data);
  }

  /** Places of what an optimizer changes. */
  get trained(): readonly Slot[] {
    return this.slots.filter(({ parameter }) => isTrained(parameter));
  }

  /** Views of the gradient of each parameter that is trained, of the last training step. */
  *gradients(): Generator<{ parameter: Parameter; data: Float32Array<SharedArrayBuffer> }> {
    for (const { parameter, offset, length } of this.trained)
      yield { parameter, data: this.engine.f32(this.#gradients + 4 * offset, length) };
  }

  /** What training changes of the weight vector, gaps included: for snapshots. */
  get weightVector(): Float32Array<SharedArrayBuffer> {
    return this.engine.f32(this.#weights, this.length);
  }

  /** The same, to be written at once. */
  get writableWeights(): Float32Array<SharedArrayBuffer> {
    this.#forget();
    return this.weightVector;
  }

  /** What was made of weights, and is known of them, is of no use any more. */
  #forget(): void {
    this.engine.arenaOwner = undefined;
    this.finite = false;
  }

  get optimizer(): OptimizerState {
    return this.#optimizer;
  }

  /** The plan for a purpose and a batch size, compiled on first use. */
  plan(options: PlanKey): CompiledPlan {
    const key = JSON.stringify(options);
    let compiled = this.#plans.get(key);
    if (!compiled) {
      compiled = this.compile(options.mode === "train" ? this.graph : this.#inference, options);
      // Validation sets and odd last batches need a few plans; a caller that never repeats a size must not fill the heap.
      if (this.#plans.size >= 16) this.#plans.delete(this.#plans.keys().next().value!);
      this.#plans.set(key, compiled);
    }
    return compiled;
  }

  /** A plan for a graph of the model's ops, a part of it. */
  compile(graph: Graph, options: PlanKey): CompiledPlan {
    return compilePlan(this.engine, graph, this.#pointers, {
      ...options,
      losses: this.options.outputs.map((output) => ({ ...output, loss: lossDefinition(output.loss)! })),
      preprocessing: this.options.preprocessing,
      update: (p) =>
        this.#optimizer.emit(p, this.#weights, this.#gradients, this.trained, options.due !== false),
    });
  }

  /**
   * What each call of a layer gives for one image, or one for each input: the output of the model cut off there. It is fused and run as the
   * model itself is, so the last layer's numbers are those of predictStep().
   */
  layerOutputs(image: Pixels | readonly Pixels[]): { call: LayerCall; data: Float32Array<ArrayBuffer> }[] {
    const images = listed(image);
    const kinds = images.map(kindOf);
    const key = kinds.join();
    let looks = this.#looks.get(key);
    if (!looks) {
      looks = this.#unfused.calls.map(({ output }) =>
        this.compile(fuse(cut(this.#unfused, [output]), false), {
          batch: 1,
          mode: "predict",
          inputs: kinds,
          targets: [],
        }),
      );
      this.#looks.set(key, looks);
    }
    return this.#unfused.calls.map((call, i) => {
      const compiled = looks[i]!;
      compiled.plan.activate();
      images.forEach((numbers, k) => {
        const pointer = compiled.inputs[k];
        if (pointer !== undefined) this.#view(numbers, pointer, numbers.length).set(numbers);
      });
      compiled.plan.run();
      return { call, data: this.engine.f32(compiled.outputs[0]!, elements(call.output.shape)).slice() };
    });
  }

  /** What adds up the results of steps. */
  meters(): Meters {
    const { outputs } = this.graph;
    return new Meters(
      this.options.outputs.map((output, i) => ({ ...output, cols: outputs[i]!.shape.at(-1)! })),
    );
  }

  /** One training step on samples[indices]; what it tells was so before the update. */
  trainStep(samples: Samples, indices: Uint32Array): StepResult {
    const compiled = this.load("train", samples, indices);
    this.finite = false;
    this.#optimizer.beginStep();
    compiled.run();
    this.#optimizer.endStep(() => this.writableWeights);
    return this.#results(compiled);
  }

  /** What the model makes of samples[indices]. */
  evaluateStep(samples: Samples, indices: Uint32Array): StepResult {
    const compiled = this.load("evaluate", samples, indices);
    compiled.run();
    return this.#results(compiled);
  }

  /** Outputs for samples[indices], copied into `out`: of several outputs a list. */
  predictStep(samples: Samples, indices: Uint32Array, out: Float32Array | readonly Float32Array[]): void {
    const compiled = this.load("predict", samples, indices);
    compiled.plan.run();
    listed(out).forEach((to, i) => {
      to.set(this.engine.f32(compiled.outputs[i]!, to.length));
    });
  }

  /** Assembles a batch straight into linear memory, and makes its plan the arena's owner: run that next. */
  load(mode: PlanOptions["mode"], samples: Held, indices: Uint32Array): CompiledPlan {
    const outputs = mode === "predict" ? [] : this.graph.outputs;
    const images = listed(samples.images);
    const labels = listed(samples.labels);
    const targets = listed(samples.targets);
    const weights = listed(samples.weights);
    const key: PlanKey = {
      batch: indices.length,
      mode,
      inputs: images.map(kindOf),
      targets: outputs.map((_, i) => (targets[i] ? "floats" : "labels")),
      weighed: outputs.map((_, i) => (weights[i]?.length ?? 0) / samples.count),
      due: mode !== "train" || this.#optimizer.isDue,
    };
    const compiled = samples.plan?.(key) ?? this.plan(key);
    compiled.plan.activate();
    /** Copies those rows of an array to linear memory. */
    const gather = (from: Pixels | undefined, pointer: number | undefined) => {
      if (!from || pointer === undefined) return;
      const size = from.length / samples.count;
      const into = this.#view(from, pointer, indices.length * size);
      for (let i = 0; i < indices.length; i++) {
        const at = indices[i]! * size;
        if (size === 1) into[i] = from[at]!;
        else into.set(from.subarray(at, at + size), i * size);
      }
    };
    images.forEach((numbers, i) => {
      gather(numbers, compiled.inputs[i]);
    });
    outputs.forEach((_, i) => {
      gather(targets[i] ?? labels[i], compiled.targets[i]);
      gather(weights[i], compiled.weights[i]);
    });
    return compiled;
  }

  /** `length` numbers of linear memory, of the kind that these are. */
  #view(numbers: Pixels, pointer: number, length: number): Uint8Array | Float32Array {
    return isBytes(numbers) ? this.engine.u8(pointer, length) : this.engine.f32(pointer, length);
  }

  #results({ results, penalties }: CompiledPlan): StepResult {
    const { outputs } = this.options;
    let loss = results.reduce((sum, { meanLoss }, i) => sum + outputs[i]!.weight * meanLoss[0]!, 0);
    for (const parts of penalties) for (const part of parts) loss += part;
    return { loss, outputs: results };
  }

  /** Draws every parameter from the seed, each from a stream of its own. */
  #initialize(): void {
    this.slots.forEach(({ parameter, offset, length }, index) => {
      const fill = fillOf(parameter.initializer, parameter.shape);
      const out = this.#weights + 4 * offset;
      if (fill.kind === "constant") {
        const { value } = fill;
        const data = this.engine.f32(out, length);
        if (typeof value === "number") data.fill(value);
        else data.set(value);
        return;
      }
      const [key0, key1] = this.#pointers.seed;
      const common = { out, n: length, key0, key1, step: 0, stream: index, grain: DRAW_GRAIN };
      if ("variance" in fill) this.#draw(fill, common);
      else fillFurther(this.engine, fill, parameter, common);
    });
  }

  /** Fills a tensor from the counter-based generator: element i of a stream depends on the seed alone. */
  #draw({ kind, variance }: VarianceFill, common: Draws): void {
    const tasks = Math.ceil(common.n / DRAW_GRAIN);
    if (kind === "uniform") {
      const limit = this.engine.squareRoot(3 * variance);
      this.engine.call("randomUniform", { ...common, low: -limit, high: limit }, tasks, DRAW_SCRATCH);
    } else {
      // Cutting a normal off at two standard deviations narrows it to this share: Keras draws wider to make up.
      const stddev = this.engine.squareRoot(variance) / TRUNCATED_STDDEV;
      this.engine.call("randomNormal", { ...common, mean: 0, stddev, truncated: 1 }, tasks, DRAW_SCRATCH);
    }
  }

  /** Ends the engine's threads. */
  dispose(): void {
    this.training = undefined;
    this.#plans.clear();
    this.#looks.clear();
    this.engine.dispose();
  }
}
