import type { KernelArgs, KernelName } from "../engine/memory.ts";
import type { Block } from "./arena.ts";
import { consumers, elements, type Graph, type Op, type Parameter, producer, type Value } from "./graph.ts";
import { implementationOf } from "./ops/index.ts";
import { chunks, GRAIN } from "./tasks.ts";
import { bytesMoved } from "./traffic.ts";

/** A tensor in the arena. In-place ops share one. */
export class Tensor implements Block {
  readonly bytes: number;
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;
  offset = -1;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** The tensor holds its content before the first call: the host writes it. */
  written(): this {
    this.first = -1;
    return this;
  }

  /** The tensor keeps its content after the last call: the host reads it. */
  read(): this {
    this.last = Number.POSITIVE_INFINITY;
    return this;
  }
}

export type Phase = "input" | "forward" | "loss" | "backward" | "update";

/** Arguments of a call: numbers (pointers to persistent memory among them), and tensors yet to be placed. */
export type PlannedArgs<K extends KernelName> = { readonly [F in keyof KernelArgs<K>]: number | Tensor };

export interface PlannedCall {
  readonly kernel: KernelName;
  readonly args: Readonly<Record<string, number | Tensor>>;
  readonly tasks: number;
  readonly scratch: number;
  readonly layer: string;
  readonly phase: Phase;
  /** Multiplications and additions, where the call is dominated by them; else 0. */
  readonly flops: number;
  /** Bytes read and written, each tensor once: what a cache too small for any of them would have to move. */
  readonly bytes: number;
  /** How the kernel goes about it, where there is more than one way; else "". */
  readonly algorithm: string;
}

/** Where parameters and their gradients live in persistent memory. */
export interface ParameterPointers {
  value(parameter: Parameter): number;
  gradient(parameter: Parameter): number;
  /** Two 32-bit words that seed random ops, and the pointer to the step counter they read. */
  readonly seed: readonly [number, number];
  readonly step: number;
}

/** Turns a graph into kernel calls: ops and losses call it to claim tensors and to emit. */
export class Planner {
  readonly graph: Graph;
  readonly batch: number;
  readonly training: boolean;
  readonly pointers: ParameterPointers;
  readonly calls: PlannedCall[] = [];
  readonly tensors: Tensor[] = [];
  readonly #values = new Map<Value, Tensor>();
  /** Tensors of values that are read by more than the one op that follows them. */
  readonly #needed = new Set<Tensor>();
  readonly #gradients = new Map<Value, Tensor>();
  readonly #kept = new Map<Op, Map<string, Tensor>>();
  readonly #differentiable = new Set<Value>();
  /** Bytes behind the pointers of parameters and their gradients. */
  readonly #parameterBytes = new Map<number, number>();
  #pendingAdds: { into: Tensor; from: Tensor; n: number }[] = [];
  #layer = "";
  #phase: Phase = "input";

  constructor(graph: Graph, batch: number, training: boolean, pointers: ParameterPointers) {
    this.graph = graph;
    this.batch = batch;
    this.training = training;
    this.pointers = pointers;
    for (const parameter of graph.parameters)
      for (const pointer of [pointers.value(parameter), pointers.gradient(parameter)])
        this.#parameterBytes.set(pointer, 4 * elements(parameter.shape));
    for (const op of graph.ops)
      if (op.parameters.length > 0 || op.inputs.some((v) => this.#differentiable.has(v)))
        this.#differentiable.add(op.output);
  }

  tensor(bytes: number): Tensor {
    const tensor = new Tensor(bytes);
    this.tensors.push(tensor);
    return tensor;
  }

  /** f32 elements of a value, over the batch. */
  count(value: Value): number {
    return this.batch * elements(value.shape);
  }

  /** The value's tensor, f32[batch, ...shape]. */
  value(value: Value): Tensor {
    let tensor = this.#values.get(value);
    if (!tensor) {
      tensor = this.tensor(4 * this.count(value));
      this.#place(value, tensor);
    }
    return tensor;
  }

  #place(value: Value, tensor: Tensor): void {
    this.#values.set(value, tensor);
    if (this.#isNeeded(value)) this.#needed.add(tensor);
  }

  /** The op's output shares its input's tensor where nothing else needs what is in it; else it gets its own. */
  valueInPlace(op: Op): Tensor {
    const tensor = this.value(op.inputs[0]!);
    const inputNeeded = this.training && implementationOf(op).readsInput(op);
    // The tensor may already serve several values: a reshaped one, or an in-place op's.
    return inputNeeded || this.#needed.has(tensor) ? this.value(op.output) : this.share(op);
  }

  /** Whether a value is read by more than the one op that follows it. */
  #isNeeded(value: Value): boolean {
    const op = producer(this.graph, value);
    const readBackward = this.training && op && implementationOf(op).readsOutput(op);
    return !op || readBackward || consumers(this.graph, value).length > 1;
  }

  /** The op's output is its input, seen with another shape. */
  share(op: Op): Tensor {
    const tensor = this.value(op.inputs[0]!);
    this.#place(op.output, tensor);
    return tensor;
  }

  /** Whether training needs the gradient of this value. */
  needsGradient(value: Value): boolean {
    return this.training && this.#differentiable.has(value);
  }

  /** The gradient of the op's output: complete when its backward() is called, free to be overwritten by it. */
  outputGradient(op: Op): Tensor {
    const tensor = this.#gradients.get(op.output);
    if (!tensor) throw new Error(`layer '${op.layer}': no gradient reaches its output`);
    return tensor;
  }

  /** Where to write the gradient of a value; a further consumer's share is added to the first's. */
  gradient(value: Value): Tensor {
    const first = this.#gradients.get(value);
    const tensor = this.tensor(4 * this.count(value));
    if (first) this.#pendingAdds.push({ into: first, from: tensor, n: this.count(value) });
    else this.#gradients.set(value, tensor);
    return tensor;
  }

  /** Like gradient(op.inputs[0]), in the tensor that holds the output's gradient where that is possible. */
  gradientInPlace(op: Op): Tensor {
    const input = op.inputs[0]!;
    if (this.#gradients.has(input)) return this.gradient(input);
    const tensor = this.outputGradient(op);
    this.#gradients.set(input, tensor);
    return tensor;
  }

  /** A tensor that an op's forward and backward share, by name. */
  kept(op: Op, name: string, bytes: number): Tensor {
    const tensors = this.#kept.get(op) ?? new Map<string, Tensor>();
    this.#kept.set(op, tensors);
    const tensor = tensors.get(name) ?? this.tensor(bytes);
    tensors.set(name, tensor);
    return tensor;
  }

  /** Emits one kernel call. */
  call<K extends KernelName>(
    kernel: K,
    args: PlannedArgs<K>,
    options: { tasks?: number; scratch?: number; flops?: number; algorithm?: string } = {},
  ): void {
    const index = this.calls.length;
    for (const arg of Object.values(args as Record<string, number | Tensor>)) {
      if (!(arg instanceof Tensor)) continue;
      arg.first = Math.min(arg.first, index);
      arg.last = Math.max(arg.last, index);
    }
    const { tasks = 1, scratch = 0, flops = 0, algorithm = "" } = options;
    const bytes = bytesMoved(kernel, args, this.#parameterBytes);
    const origin = { layer: this.#layer, phase: this.#phase };
    this.calls.push({ kernel, args, tasks, scratch, ...origin, flops, bytes, algorithm });
  }

  /** Names what the next calls belong to, for profiles. */
  section(phase: Phase, layer: string): void {
    this.#phase = phase;
    this.#layer = layer;
  }

  forward(op: Op): void {
    this.section("forward", op.layer);
    implementationOf(op).forward(this, op);
  }

  backward(op: Op): void {
    if (!this.needsGradient(op.output)) return;
    this.section("backward", op.layer);
    implementationOf(op).backward(this, op);
    for (const { into, from, n } of this.#pendingAdds)
      this.call("addInto", { y: into, x: from, n, grain: GRAIN }, { tasks: chunks(n) });
    this.#pendingAdds = [];
  }
}
