import { quoted } from "../options/show.ts";
import type { Initializer } from "./initializers.ts";

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

/** A trainable tensor. */
export interface Parameter {
  /** `layer/kernel`, `layer/bias`: also its name in a saved file. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
}

/** A tensor that flows between ops, one sample's shape. */
export interface Value {
  readonly id: number;
  readonly shape: Shape;
}

/** What an op computes, by kind. The attributes hold all that its kernels need beyond shapes. */
export interface OpAttributes {
  conv2d: Conv2dAttributes;
  /** conv2d, relu or not, and max pooling as one; only fuse() makes it. */
  convPool: { readonly conv: Conv2dAttributes; readonly pool: Pool2dAttributes; readonly convShape: Shape };
  dense: { readonly units: number; readonly relu: boolean };
  pool2d: Pool2dAttributes;
  globalAveragePool2d: Record<never, never>;
  activation: { readonly kind: ActivationKind; readonly alpha: number };
  softmax: Record<never, never>;
  dropout: { readonly rate: number; readonly stream: number };
  reshape: Record<never, never>;
}

export type ActivationKind = "relu" | "leakyRelu" | "elu" | "sigmoid" | "tanh";

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

export interface Conv2dAttributes extends WindowAttributes {
  readonly filters: number;
  readonly relu: boolean;
}

export interface Pool2dAttributes extends WindowAttributes {
  readonly mode: "max" | "average";
}

export type OpKind = keyof OpAttributes;

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

/** Ops over values in an order in which every op comes after its inputs. */
export interface Graph {
  readonly input: Value;
  readonly output: Value;
  readonly ops: readonly Op[];
  readonly parameters: readonly Parameter[];
}

/** Collects the ops that layers lower to. */
export class GraphBuilder {
  readonly input: Value;
  readonly ops: Op[] = [];
  readonly parameters: Parameter[] = [];
  readonly #names = new Set<string>();
  #values = 0;
  #streams = 0;

  constructor(inputShape: Shape) {
    this.input = this.#value(inputShape);
  }

  parameter(name: string, shape: Shape, initializer: Initializer): Parameter {
    if (this.#names.has(name)) throw new Error(`two parameters are named ${quoted(name)}`);
    this.#names.add(name);
    const parameter = { name, shape, initializer };
    this.parameters.push(parameter);
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

  build(output: Value): Graph {
    return { input: this.input, output, ops: this.ops, parameters: this.parameters };
  }

  #value(shape: Shape): Value {
    return { id: this.#values++, shape };
  }
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

/** The op that a value comes from; undefined for the graph's input. */
export function producer(graph: Graph, value: Value): Op | undefined {
  return uses(graph).producer.get(value);
}
