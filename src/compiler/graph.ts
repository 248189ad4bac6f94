import { quoted } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import type { Initializer } from "./initializers.ts";
import type { AugmentAttributes } from "./ops/augment-kinds.ts";
import type { WeightLimits } from "./weight-limits.ts";

/** Sizes without the batch axis; images are `[height, width, channels]`. */
export type Shape = readonly number[];

export function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** `[28, 28, 1]` as (28, 28, 1); a file may name more sizes than a message shows. */
export function formatShape(shape: Shape): string {
  const rest = shape.length > MOST_SIZES ? ", …" : shape.length === 1 ? "," : "";
  return `(${shape.slice(0, MOST_SIZES).join(", ")}${rest})`;
}

const MOST_SIZES = 6;

/** A tensor that a model keeps from step to step, and in its file. */
export interface Parameter extends WeightLimits {
  /** `layer/kernel`, `layer/bias`: also its name in a saved file. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** weight: changed by an optimizer. state: kept by the forward pass of training, as moving statistics are. */
  readonly role: "weight" | "state";
  /** Whether training changes it: false where its layer is frozen. */
  readonly trainable: boolean;
}

/** Whether an optimizer changes the parameter: then it has a gradient. */
export function isTrained({ role, trainable }: Parameter): boolean {
  return role === "weight" && trainable;
}

/** Whether it would be, were its layer not frozen. */
export function isFrozen({ role, trainable }: Parameter): boolean {
  return role === "weight" && !trainable;
}

/** A tensor that flows between ops, one sample's shape. */
export interface Value {
  readonly id: number;
  readonly shape: Shape;
}

/** What an op computes, by kind. The attributes hold all that its kernels need beyond shapes. */
export interface OpAttributes extends AugmentAttributes {
  conv2d: Conv2dAttributes;
  /** conv2d, relu or not, and max pooling as one; only fuse() makes it. */
  convPool: { readonly conv: Conv2dAttributes; readonly pool: Pool2dAttributes; readonly convShape: Shape };
  dense: { readonly units: number; readonly relu: Relu };
  pool2d: Pool2dAttributes;
  globalAveragePool2d: Record<never, never>;
  activation: { readonly kind: ActivationKind; readonly alpha: number };
  softmax: Record<never, never>;
  dropout: { readonly rate: number; readonly stream: number };
  reshape: Record<never, never>;
  /** The sum of two values; the second may be [channels] or [1, 1, channels], for each pixel of the first. */
  add: { readonly relu: boolean };
  /** The product of two values, broadcast likewise. */
  multiply: Record<never, never>;
  /**
   * Batch normalization over the last axis; with `residual` a second input is added, then relu or not. `frozen`: with the
   * moving statistics in training, too.
   */
  batchNorm: {
    readonly norm: NormParameters;
    readonly momentum: number;
    readonly frozen: boolean;
    readonly relu: boolean;
    readonly residual: boolean;
  };
  /** Values as they are; training pays for large ones: l1 |x| + l2 x^2. */
  activityPenalty: { readonly l1: number; readonly l2: number };
  /** A convolution of each channel by filters of its own: `multiplier` outputs of each, those of a channel side by side; only fuse() gives it relu and norm. */
  depthwiseConv2d: WindowAttributes & {
    readonly multiplier: number;
    readonly relu?: Relu;
    readonly norm?: NormParameters | undefined;
  };
  /** The gradient of a convolution by its input, as an op: the window's sizes and padding are those of that convolution. */
  conv2dTranspose: WindowAttributes;
  /** A convolution of each group of input channels to a group of the filters. */
  groupedConv2d: WindowAttributes & { readonly filters: number; readonly groups: number };
  /**
   * Each sample's numbers `[positions, channels]`, or each such part of it, brought to mean 0 and variance 1 over all positions and the
   * channels of a group, then scaled and shifted by channel.
   */
  groupNorm: {
    readonly positions: number;
    readonly channels: number;
    readonly groups: number;
    readonly epsilon: number;
    readonly scale: boolean;
    readonly center: boolean;
  };
  /** Values one behind the other along an axis, counted without the batch. */
  concatenate: { readonly axis: number };
  /** A function of each number whose derivative needs what it reads; `numbers`: what those of the kinds that take some take. */
  unary: { readonly kind: UnaryKind; readonly numbers?: readonly number[] };
  /** Two values, or one and a parameter, that broadcast over each other as NumPy's do. */
  binary: { readonly kind: BinaryKind };
  /**
   * An image whose pixel (i, j) is the input's ((i - top) / rep[0], (j - left) / rep[1]), rounded down or between pixels, and 0
   * outside of that.
   */
  resample2d: {
    readonly top: number;
    readonly left: number;
    readonly rep: readonly [number, number];
    readonly bilinear: boolean;
  };
  /** Axes in another order: that of the output at i is the input's at axes[i], counted without the batch. */
  permute: { readonly axes: readonly number[] };
  /** Dropout of whole channels, those of the last axis. */
  channelDropout: { readonly rate: number; readonly stream: number };
  /** Normal noise of that standard deviation, added in training, or times the number. */
  gaussian: { readonly stddev: number; readonly scales: boolean; readonly stream: number };
}

export type ActivationKind = "relu" | "leakyRelu" | "elu" | "sigmoid" | "tanh";
/** `linear`: numbers[0] x + numbers[1]. `boundedRelu`: x > threshold ? min(x, most) : slope (x - threshold), of [slope, most, threshold]. */
export type UnaryKind = UnaryActivation | "linear" | "boundedRelu";
/** Activations by name that are ops of the kind unary. */
export type UnaryActivation =
  | "relu6"
  | "silu"
  | "swish"
  | "gelu"
  | "geluApproximate"
  | "softplus"
  | "softsign"
  | "selu"
  | "hardSigmoid"
  | "hardSilu"
  | "hardSwish"
  | "exponential"
  | "mish";
/** `sloped`: x > 0 ? x : y x. */
export type BinaryKind = "add" | "subtract" | "multiply" | "maximum" | "minimum" | "sloped";

/** Sizes of a sliding window, already resolved: `pad` counts zeros added at each side. */
export interface WindowAttributes {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: {
    readonly top: number;
    readonly bottom: number;
    readonly left: number;
    readonly right: number;
  };
}

/** Whether what is negative is stored as 0; 2: and what is above 6 as that, where no gradient passes. */
export type Relu = boolean | 2;

export interface Conv2dAttributes extends WindowAttributes {
  readonly filters: number;
  readonly relu: Relu;
  /** Of a batch normalization whose moving statistics are folded into the filter: outside training only. */
  readonly norm?: NormParameters | undefined;
}

/** What a batch normalization scales and shifts by. */
export interface NormParameters {
  readonly gamma: Parameter | undefined;
  readonly beta: Parameter | undefined;
  readonly movingMean: Parameter;
  readonly movingVariance: Parameter;
  readonly epsilon: number;
}

export interface Pool2dAttributes extends WindowAttributes {
  readonly mode: "max" | "average";
}

export type OpKind = keyof OpAttributes;

/** Ops that stacks of the usual layers have none of: pages load what does them, ops/further.ts, for models that have one. */
export const FURTHER_KINDS = ["add", "multiply", "concatenate", "batchNorm"] as const satisfies OpKind[];
export type FurtherKind = (typeof FURTHER_KINDS)[number];
/** Ops that stacks of the usual layers have. */
export const USUAL_KINDS = [
  "conv2d",
  "dense",
  "pool2d",
  "globalAveragePool2d",
  "activation",
  "softmax",
  "dropout",
  "reshape",
] as const satisfies OpKind[];
/** Ops whose kernels lie in assembly/further/: pages load what does them, ops/extra.ts, for models that have one. */
export type ExtraKind = Exclude<OpKind, FurtherKind | (typeof USUAL_KINDS)[number] | "convPool">;

export type Op = { [K in OpKind]: OpOf<K> }[OpKind];

export interface OpOf<K extends OpKind> {
  readonly kind: K;
  /** Name of the layer it came from. */
  readonly layer: string;
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly parameters: readonly Parameter[];
  readonly attributes: OpAttributes[K];
}

/** What one call of a layer gives. */
export interface LayerCall {
  /** The layer's name; from a shared layer's second call on with the call's number, `name:2`. */
  readonly name: string;
  readonly type: string;
  readonly output: Value;
}

/** Ops over values in an order in which every op comes after its inputs. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly ops: readonly Op[];
  readonly parameters: readonly Parameter[];
  /** Calls of layers, in the order in which they were lowered. */
  readonly calls: readonly LayerCall[];
}

/** Collects the ops that layers lower to. */
export class GraphBuilder {
  readonly inputs: Value[] = [];
  readonly ops: Op[] = [];
  readonly parameters: Parameter[] = [];
  readonly calls: LayerCall[] = [];
  readonly #parameters = new Map<string, Parameter>();
  /** Parameters that the call under way has asked for. */
  #own = new Set<Parameter>();
  /** Whether training changes the layer that is being called. */
  trainable = true;
  #values = 0;
  #streams = 0;

  /** A further input of the model. */
  input(shape: Shape): Value {
    const value = this.#value(shape);
    this.inputs.push(value);
    return value;
  }

  /** Begins a call of a layer. A layer that is called again gets the parameters that it has. */
  call(trainable: boolean): void {
    this.#own = new Set();
    this.trainable = trainable;
  }

  /**
   * The parameter of that name: made at a layer's first call, the same at each later one.
   * Throws ModelError where a later call needs it in another shape.
   */
  parameter(
    name: string,
    shape: Shape,
    initializer: Initializer,
    role: Parameter["role"] = "weight",
    limits: WeightLimits = {},
  ): Parameter {
    let parameter = this.#parameters.get(name);
    if (!parameter) {
      parameter = { ...limits, name, shape, initializer, role, trainable: this.trainable };
      this.#parameters.set(name, parameter);
      this.parameters.push(parameter);
    } else if (this.#own.has(parameter)) {
      throw new Error(`two parameters are named ${quoted(name)}`);
    } else if (parameter.shape.join() !== shape.join()) {
      throw new ModelError(
        `is called again on an input that needs ${quoted(name)} of shape ${formatShape(shape)}, but it has ${formatShape(parameter.shape)} from its first call`,
        name.slice(0, name.lastIndexOf("/")),
      );
    }
    this.#own.add(parameter);
    return parameter;
  }

  /** A number of its own for each random op, so that no two draw the same numbers. */
  stream(): number {
    return this.#streams++;
  }

  op<K extends OpKind>(
    kind: K,
    layer: string,
    inputs: readonly Value[],
    attributes: OpAttributes[K],
    shape: Shape,
    parameters: readonly Parameter[] = [],
  ): Value {
    const output = this.#value(shape);
    this.ops.push({ kind, layer, inputs, output, parameters, attributes } as OpOf<K> as Op);
    return output;
  }

  /** The graph of what the outputs need: ops that lead to none of them are left out. */
  build(outputs: readonly Value[]): Graph {
    const { inputs, ops, parameters, calls } = this;
    return cut({ inputs, outputs, ops, parameters, calls }, outputs);
  }

  #value(shape: Shape): Value {
    return { id: this.#values++, shape };
  }
}

/** The same graph for other outputs: only the ops that lead to them. */
export function cut(graph: Graph, outputs: readonly Value[]): Graph {
  const wanted = new Set(outputs);
  const ops = graph.ops
    .toReversed()
    .filter((op) => {
      if (!wanted.has(op.output)) return false;
      for (const input of op.inputs) wanted.add(input);
      return true;
    })
    .reverse();
  return { ...graph, outputs, ops };
}

/** Who makes and who reads the values of a graph: found once, as asking op by op takes the square of their number. */
interface Uses {
  readonly producer: ReadonlyMap<Value, Op>;
  readonly consumers: ReadonlyMap<Value, readonly Op[]>;
}

const usesOf = new WeakMap<Graph, Uses>();

function uses(graph: Graph): Uses {
  let found = usesOf.get(graph);
  if (!found) {
    const consumers = new Map<Value, Op[]>();
    for (const op of graph.ops)
      for (const value of new Set(op.inputs)) {
        const readers = consumers.get(value);
        if (readers) readers.push(op);
        else consumers.set(value, [op]);
      }
    found = { producer: new Map(graph.ops.map((op) => [op.output, op])), consumers };
    usesOf.set(graph, found);
  }
  return found;
}

/** The ops that read a value. */
export function consumers(graph: Graph, value: Value): readonly Op[] {
  return uses(graph).consumers.get(value) ?? [];
}

/** The op that a value comes from; undefined for an input of the graph. */
export function producer(graph: Graph, value: Value): Op | undefined {
  return uses(graph).producer.get(value);
}

/** The only reader of a value; undefined where there is none or several, and where the model gives the value itself. */
export function onlyReader(graph: Graph, value: Value): Op | undefined {
  const readers = consumers(graph, value);
  return readers.length === 1 && !graph.outputs.includes(value) ? readers[0] : undefined;
}
