import type { KernelArgs, KernelName } from "../engine/memory.ts";
import {
  consumers,
  elements,
  type Graph,
  isTrained,
  type Op,
  type OpKind,
  type OpOf,
  type Parameter,
  producer,
  type Relu,
  type Value,
} from "./graph.ts";
import { chunks, GRAIN } from "./tasks.ts";
import { Tensor } from "./tensor.ts";

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
}

/** Where parameters and their gradients live in persistent memory. */
export interface ParameterPointers {
  value(parameter: Parameter): number;
  gradient(parameter: Parameter): number;
  /** Two 32-bit words that seed random ops, and the pointer to the step counter they read. */
  readonly seed: readonly [number, number];
  readonly step: number;
}

/** How one kind of op becomes kernel calls. */
export interface OpImplementation<K extends OpKind> {
  /** Emits the calls that compute op.output from op.inputs. */
  forward(planner: Planner, op: OpOf<K>): void;
  /** Emits the calls that compute the gradients of op.inputs and op.parameters from that of op.output. */
  backward(planner: Planner, op: OpOf<K>): void;
  /** Whether backward reads an input, or the output: then no other op may overwrite it. */
  readsInput(op: OpOf<K>, input: number): boolean;
  readsOutput(op: OpOf<K>): Relu;
}

/** What does each kind of op: handed to the planner, which knows none of them. */
export type Implementations = { readonly [K in OpKind]: OpImplementation<K> };

/** Turns a graph into kernel calls: ops and losses call it to claim tensors and to emit. */
export class Planner {
  readonly graph: Graph;
  readonly batch: number;
  readonly training: boolean;
  readonly pointers: ParameterPointers;
  readonly calls: PlannedCall[] = [];
  readonly tensors: Tensor[] = [];
  readonly #implementations: Implementations;
  readonly #values = new Map<Value, Tensor>();
  /** Tensors of values that are read by more than the one op that follows them. */
  readonly #needed = new Set<Tensor>();
  readonly #gradients = new Map<Value, Tensor>();
  /** Values whose gradients lie in a tensor and are still to be used: who alone holds one may overwrite it. */
  readonly #holders = new Map<Tensor, Set<Value>>();
  readonly #kept = new Map<Op, Map<string, Tensor>>();
  readonly #differentiable = new Set<Value>();
  /** Parameters whose gradients have been written: those of a layer that is called again are added to them. */
  readonly #written = new Set<Parameter>();
  #pendingAdds: { into: Value | Parameter; from: Tensor }[] = [];
  #layer = "";
  #phase: Phase = "input";

  constructor(
    graph: Graph,
    batch: number,
    training: boolean,
    pointers: ParameterPointers,
    implementations: Implementations,
  ) {
    this.graph = graph;
    this.#implementations = implementations;
    this.batch = batch;
    this.training = training;
    this.pointers = pointers;
    for (const op of graph.ops)
      if (op.parameters.some(isTrained) || op.inputs.some((v) => this.#differentiable.has(v)))
        this.#differentiable.add(op.output);
  }

  #implementationOf(op: Op): OpImplementation<OpKind> {
    return this.#implementations[op.kind] as OpImplementation<OpKind>;
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

  /** The op's output shares the tensor of one of the inputs where nothing else needs what is in it; else it gets its own. */
  valueInPlace(op: Op, inputs: readonly Value[] = op.inputs): Tensor {
    const { readsInput } = this.#implementationOf(op);
    const input = inputs.find(
      // The tensor may already serve several values: a reshaped one, or an in-place op's.
      (v) => !(this.training && readsInput(op, op.inputs.indexOf(v))) && !this.#needed.has(this.value(v)),
    );
    return input ? this.share(op, input) : this.value(op.output);
  }

  /** Whether a value is read by more than the one op that follows it. */
  #isNeeded(value: Value): Relu | undefined {
    const op = producer(this.graph, value);
    const readBackward = this.training && op && this.#implementationOf(op).readsOutput(op);
    return (
      !op || readBackward || consumers(this.graph, value).length > 1 || this.graph.outputs.includes(value)
    );
  }

  /** The op's output lies where an input lies: the same numbers with another shape, or written over them. */
  share(op: Op, input: Value = op.inputs[0]!): Tensor {
    const tensor = this.value(input);
    this.#place(op.output, tensor);
    return tensor;
  }

  /** Whether training needs the gradient of this value. */
  needsGradient(value: Value): boolean {
    return this.training && this.#differentiable.has(value);
  }

  /** The gradient of the op's output: complete when its backward() is called. Others may need it: see ownGradient(). */
  outputGradient(op: Op): Tensor {
    const tensor = this.#gradients.get(op.output);
    if (!tensor) throw new Error(`layer '${op.layer}': no gradient reaches its output`);
    return tensor;
  }

  /**
   * Where to put what an op makes of its output's gradient on the way: in that gradient's place, or beside it where it
   * is the gradient of another value, too. From then on it is the output's gradient.
   */
  ownGradient(op: Op): Tensor {
    const tensor = this.outputGradient(op);
    return this.#isFree(tensor, op.output) ? tensor : this.#giveGradient(op.output);
  }

  /** Where to write the gradient of a value; a further reader's share is added to the first's. */
  gradient(value: Value): Tensor {
    if (!this.#gradients.has(value)) return this.#giveGradient(value);
    const from = this.tensor(4 * this.count(value));
    this.#pendingAdds.push({ into: value, from });
    return from;
  }

  /** Like gradient(input), in the tensor that holds the output's gradient where that is possible. */
  gradientInPlace(op: Op, input: Value = op.inputs[0]!): Tensor {
    const tensor = this.outputGradient(op);
    if (this.#gradients.has(input) || !this.#isFree(tensor, op.output)) return this.gradient(input);
    return this.#giveGradient(input, tensor);
  }

  /** The gradient of an input is that of the output, number by number: no call writes it. */
  passGradient(op: Op, input: Value): void {
    const from = this.outputGradient(op);
    if (this.#gradients.has(input)) this.#pendingAdds.push({ into: input, from });
    else this.#giveGradient(input, from);
  }

  /** Whether an optimizer changes the parameter: else nobody needs its gradient. */
  trains(parameter: Parameter): boolean {
    return this.training && isTrained(parameter);
  }

  /** Where to write the gradient of a parameter; that of a layer's further call is added to the first's. */
  parameterGradient(parameter: Parameter): number | Tensor {
    if (!this.#written.has(parameter)) {
      this.#written.add(parameter);
      return this.pointers.gradient(parameter);
    }
    const from = this.tensor(4 * elements(parameter.shape));
    this.#pendingAdds.push({ into: parameter, from });
    return from;
  }

  #giveGradient(value: Value, tensor: Tensor = this.tensor(4 * this.count(value))): Tensor {
    this.#release(value);
    this.#gradients.set(value, tensor);
    const holders = this.#holders.get(tensor);
    if (holders) holders.add(value);
    else this.#holders.set(tensor, new Set([value]));
    return tensor;
  }

  /** The value's gradient has been used, or has moved. */
  #release(value: Value): void {
    const tensor = this.#gradients.get(value);
    if (tensor) this.#holders.get(tensor)!.delete(value);
  }

  /** Whether a tensor holds the gradient of no other value that is still to be used, nor is still to be added to one. */
  #isFree(tensor: Tensor, value: Value): boolean {
    const holders = this.#holders.get(tensor)!;
    const alone = holders.size === Number(holders.has(value));
    return alone && !this.#pendingAdds.some(({ from }) => from === tensor);
  }

  /** Emits the sums of gradients that have come from several readers: before any of them is used. */
  addGradients(): void {
    for (const { into, from } of this.#pendingAdds)
      if ("initializer" in into) {
        const n = elements(into.shape);
        const y = this.pointers.gradient(into);
        this.call("addInto", { y, x: from, n, grain: GRAIN }, { tasks: chunks(n) });
      } else {
        const n = this.count(into);
        const x = this.#gradients.get(into)!;
        const y = this.#isFree(x, into) ? x : this.#giveGradient(into);
        if (x === y) this.call("addInto", { y, x: from, n, grain: GRAIN }, { tasks: chunks(n) });
        else this.call("addForward", { z: y, x, y: from, n, relu: 0, grain: GRAIN }, { tasks: chunks(n) });
      }
    this.#pendingAdds = [];
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
    options: { tasks?: number; scratch?: number; flops?: number } = {},
  ): void {
    const index = this.calls.length;
    for (const arg of Object.values(args as Record<string, number | Tensor>)) {
      if (!(arg instanceof Tensor)) continue;
      arg.first = Math.min(arg.first, index);
      arg.last = Math.max(arg.last, index);
    }
    const { tasks = 1, scratch = 0, flops = 0 } = options;
    const origin = { layer: this.#layer, phase: this.#phase };
    this.calls.push({ kernel, args, tasks, scratch, ...origin, flops });
  }

  /** The host reads and writes these tensors between the calls so far and those to come. The number of the first of those. */
  pause(tensors: readonly Tensor[]): number {
    const index = this.calls.length;
    for (const tensor of tensors) {
      tensor.first = Math.min(tensor.first, index - 1);
      tensor.last = Math.max(tensor.last, index);
    }
    return index;
  }

  /** Names what the next calls belong to, for profiles. */
  section(phase: Phase, layer: string): void {
    this.#phase = phase;
    this.#layer = layer;
  }

  forward(op: Op): void {
    this.section("forward", op.layer);
    this.#implementationOf(op).forward(this, op);
  }

  backward(op: Op): void {
    if (!this.needsGradient(op.output)) return;
    this.section("backward", op.layer);
    this.#implementationOf(op).backward(this, op);
    this.addGradients();
    this.#release(op.output);
  }
}
