import { ModelError } from "../../compiler/errors.ts";
import type { Shape } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { LAYERS } from "../../model/layers/index.ts";
import { layer as makeLayer } from "../../model/layers/layer.ts";
import type { SymbolicTensor } from "../../model/layers/types.ts";
import { applyLayer } from "../../model/symbolic.ts";
import type { Lack } from "../portable.ts";
import type { Attributes } from "./attributes.ts";
import { POINTS, recognised } from "./functions.ts";
import type { OnnxNode } from "./messages.ts";
import type { Constant } from "./tensors.ts";

/** Numbers of a parameter, as they lie here. */
export interface Weights {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer that a node became, in a model that is being put together. */
export interface Entry {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly from: readonly Entry[];
  readonly tensor: SymbolicTensor;
  /** What it may be called. */
  readonly hint: string;
  /** By the parameters' names behind the layer's. */
  readonly weights: Readonly<Record<string, Weights>>;
  /** Whether none of its numbers is below 0. */
  readonly positive: boolean;
}

/** What is known of a value once it is needed: its layer, and how the axes lie. */
export interface Real {
  readonly entry: Entry;
  /** By axis of a sample here, the axis there; the batch there is 0. */
  readonly order: readonly number[];
  /** Of one axis that was flattened here in another order than there: the sizes there without the batch, and the order of the axes, from 0. */
  readonly rows?: Flattened | undefined;
}
export interface Flattened {
  readonly dims: readonly number[];
  readonly order: readonly number[];
}

/** A value that depends on the model's inputs. */
export interface Flow {
  /** There, the batch in front. */
  readonly shape: readonly number[];
  /** How often nodes and outputs read it. */
  readonly uses: number;
  /** What it is a function of, number by number: the values that lie before it, the farthest first, and what it gives at POINTS. */
  readonly functions: ReadonlyMap<Flow, { readonly values: readonly number[]; readonly depth: number }>;
  /** What it is in another shape, if that is all it is. */
  readonly reshaped?: Flow | undefined;
  /** Normalized by groups of channels, until it is brought back to this flow's shape. */
  readonly grouped?: { readonly of: Flow; readonly epsilon: number } | undefined;
  /** How many values in a row before it have no layers yet. */
  readonly pending: number;
  /** Makes its layers. Throws Lacking where there are none for it. */
  real(): Real;
}

export type Given = Constant | Flow | undefined;
export const isFlow = (given: Given): given is Flow => given !== undefined && "real" in given;

const NONE = "none; docs/interchange.md lists the operators that are read";
/** What comes nearest to some operators that exporters write often. */
const NEAREST: Readonly<Record<string, string>> = {
  LogSoftmax: "Softmax, whose logarithm it is: export the model without it",
  ArgMax: "the values that it is of: export the model without it",
  TopK: "the values that it is of: export the model without it",
  LRN: "BatchNormalization",
  QLinearConv: "Conv: export the model before it is quantized",
  QuantizeLinear: "export the model before it is quantized",
  DequantizeLinear: "export the model before it is quantized",
  LSTM: "Conv of one dimension",
  GRU: "Conv of one dimension",
  RNN: "Conv of one dimension",
};

/** What a node needs and there is not. */
export class Lacking extends Error {
  readonly lack: Lack;

  constructor(node: OnnxNode, what?: string, nearest?: string) {
    const { opType = "", name, output, domain } = node;
    const uses = [domain && domain !== "ai.onnx" ? `${domain}.${opType}` : opType, what]
      .filter(Boolean)
      .join(" ");
    super(uses);
    this.lack = { layer: name || output[0] || opType, uses, nearest: nearest ?? NEAREST[opType] ?? NONE };
  }
}

/** A node with what it reads. */
export interface Call {
  readonly node: OnnxNode;
  readonly attributes: Attributes;
  readonly inputs: readonly Given[];
  readonly opset: number;
}

/** Axes that a function's source may lie before it: longer ones are written for no activation. */
const MOST_DEEP = 10;
/** Values in a row whose layers wait: each asks the one before it for its own. */
const MOST_PENDING = 100;
/** Entries of nodes that no output needs are left out, but they are made. */
const MOST_ENTRIES = 60_000;

/** Axes there, channels last: of [N, C, H, W] 2, 3, 1. */
export const channelsLast = (rank: number) => [...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
export const inOrder = (rank: number) => Array.from({ length: rank - 1 }, (_, i) => i + 1);

/** Layers as nodes become them. */
export class Importer {
  readonly entries: Entry[] = [];
  readonly #arranged = new Map<Entry, Map<string, Entry>>();
  /** How often a tensor is read. */
  readonly #uses: ReadonlyMap<string, number>;
  /** Samples in a batch, as the file has it. */
  readonly batch: number;

  constructor(uses: ReadonlyMap<string, number>, batch: number) {
    this.#uses = uses;
    this.batch = batch;
  }

  /** Whether anything reads a tensor. */
  reads(name: string): boolean {
    return this.#uses.has(name);
  }

  /** A layer on others. Throws Lacking where it does not fit, or is out of range. */
  layer(
    node: OnnxNode,
    type: string,
    options: Entry["options"],
    from: readonly Entry[],
    weights: Entry["weights"] = {},
    hint = hintOf(node),
  ): Entry {
    if (this.entries.length >= MOST_ENTRIES)
      throw new ModelFileError("too-large", `the ONNX file makes more than ${MOST_ENTRIES} layers`);
    const tensor = this.#applied(node, type, options, from);
    const entry = { type, options, from, tensor, hint, weights, positive: isPositive(type, options, from) };
    this.entries.push(entry);
    return entry;
  }

  #applied(node: OnnxNode, type: string, options: Entry["options"], from: readonly Entry[]): SymbolicTensor {
    try {
      const made = makeLayer(LAYERS[type]!, options);
      return applyLayer(
        made,
        from.map(({ tensor }) => tensor),
      );
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      throw new Lacking(node, `that fits no layer here: ${error.message.slice(0, 300)}`);
    }
  }

  /** An input of the model. */
  input(name: string, tensor: SymbolicTensor, order: readonly number[]): Flow {
    const shape = tensor.shape;
    const entry = {
      type: "input",
      options: { shape: [...shape] },
      from: [],
      tensor,
      hint: name,
      weights: {},
      positive: false,
    };
    this.entries.push(entry);
    return this.made(name, { entry, order });
  }

  /** A value whose layer is there. */
  made(name: string, real: Real, more: Partial<Flow> = {}): Flow {
    const { entry, order, rows } = real;
    const sizes = rows ? entry.tensor.shape : order.map((_, i) => entry.tensor.shape[order.indexOf(i + 1)]!);
    return this.flow(name, [this.batch, ...sizes], [], () => real, more);
  }

  /** A value whose layers are made of those of its sources, once they are needed. */
  flow(
    name: string,
    shape: readonly number[],
    sources: readonly Flow[],
    make: () => Real,
    more: Partial<Flow> = {},
  ): Flow {
    let made: Real | undefined;
    let failed: unknown;
    let pending = 1 + Math.max(0, ...sources.map((source) => source.pending));
    if (pending > MOST_PENDING) {
      for (const source of sources) attempt(source);
      pending = 1;
    }
    return {
      shape,
      uses: this.#uses.get(name) ?? 0,
      functions: new Map(),
      ...more,
      pending,
      real() {
        if (failed) throw failed;
        try {
          made ??= make();
        } catch (error) {
          failed = error;
          throw error;
        }
        return made;
      },
    };
  }

  /** A function of what one or several values hold, number by number; `make`: its layers, where it is no activation. */
  function(
    { node }: Call,
    inputs: readonly Flow[],
    shape: readonly number[],
    of: ((values: readonly number[]) => number) | undefined,
    make: () => Real,
  ): Flow {
    const functions = new Map<Flow, { values: readonly number[]; depth: number }>();
    if (of) {
      const sources = inputs.map(
        (flow) => new Map([...flow.functions, [flow, { values: POINTS, depth: 0 }]]),
      );
      for (const [source] of sources[0]!) {
        const all = sources.map((known) => known.get(source));
        if (!all.every((one) => one !== undefined)) continue;
        const depth = 1 + Math.max(...all.map((one) => one.depth));
        if (depth <= MOST_DEEP)
          functions.set(source, {
            values: POINTS.map((_, i) => of(all.map(({ values }) => values[i]!))),
            depth,
          });
      }
    }
    return this.flow(
      node.output[0]!,
      shape,
      inputs,
      () => {
        for (const [source, { values, depth }] of functions) {
          const kind = depth > 1 && source.shape.join() === shape.join() ? recognised(values) : undefined;
          if (kind !== undefined) return this.activated(node, source, kind);
        }
        return make();
      },
      { functions },
    );
  }

  /** An activation of a value: where nothing else reads what it is of, the option of that layer. */
  activated(node: OnnxNode, flow: Flow, activation: string): Real {
    const { entry, ...rest } = flow.real();
    const { type, options, from, weights, hint } = entry;
    const joined = flow.uses === 1 && ACTIVATED.test(type) && options.activation === undefined;
    return {
      entry: joined
        ? this.layer(node, type, { ...options, activation }, from, weights, hint)
        : this.layer(node, "activation", { activation }, [entry]),
      ...rest,
    };
  }

  /** The layer of a value with its axes in that order. */
  arranged(node: OnnxNode, flow: Flow, order: readonly number[]): Entry {
    const { entry, order: own } = this.plain(node, flow);
    return this.#moved(node, entry, own, order);
  }

  #moved(node: OnnxNode, entry: Entry, own: readonly number[], order: readonly number[]): Entry {
    if (own.join() === order.join()) return entry;
    const key = `${own.join()} ${order.join()}`;
    const known = this.#arranged.get(entry) ?? new Map<string, Entry>();
    this.#arranged.set(entry, known);
    let found = known.get(key);
    if (!found) {
      const { shape } = entry.tensor;
      const dims = order.map((axis) => own.indexOf(axis) + 1);
      const longer = (axes: readonly number[]) =>
        axes.filter((axis) => shape[own.indexOf(axis)] !== 1).join();
      // Axes of size 1 may stand anywhere.
      found =
        longer(own) === longer(order)
          ? this.layer(node, "reshape", { targetShape: dims.map((dim) => shape[dim - 1]!) }, [entry])
          : this.layer(node, "permute", { dims }, [entry]);
      known.set(key, found);
    }
    return found;
  }

  /** The same with what was flattened in the order that it has there. */
  plain(node: OnnxNode, flow: Flow): Real {
    const { entry, order, rows } = flow.real();
    if (!rows) return { entry, order };
    const { dims, order: axes } = rows;
    const image =
      entry.type === "flatten"
        ? entry.from[0]!
        : this.layer(node, "reshape", { targetShape: axes.map((axis) => dims[axis]!) }, [entry]);
    const moved = this.#moved(
      node,
      image,
      axes,
      dims.map((_, i) => i),
    );
    return { entry: this.layer(node, "flatten", {}, [moved]), order };
  }

  /** A value under another shape, its numbers in the order that they have there. */
  reshaped(call: Call, source: Flow, shape: readonly number[], name = call.node.output[0]!): Flow {
    const { node } = call;
    if (shape.join() === source.shape.join()) return source;
    if (shape[0] !== this.batch || shape.length < 2 || shape.includes(0))
      throw new Lacking(node, "that moves the batch's axis");
    // One shape after another: the last counts, and the first one is what there was before.
    const origin = source.reshaped ?? source;
    if (shape.join() === origin.shape.join()) return origin;
    return this.flow(name, shape, [origin], () => this.#reshaped(node, origin, shape), { reshaped: origin });
  }

  #reshaped(node: OnnxNode, source: Flow, shape: readonly number[]): Real {
    const [from, to] = [source.shape.slice(1), shape.slice(1)];
    const target = (axes: readonly number[]) => axes.map((axis) => shape[axis]!);
    const { entry, order, rows } = source.real();
    if (rows && rows.dims.join() === to.join())
      return {
        entry: this.layer(node, "reshape", { targetShape: rows.order.map((axis) => to[axis]!) }, [entry]),
        order: rows.order.map((axis) => axis + 1),
      };
    if (!rows) {
      const longer = (sizes: Shape) => sizes.flatMap((size, i) => (size === 1 ? [] : [i + 1]));
      const [own, wanted] = [longer(from), longer(to)];
      // Sizes of 1 come or go: the other axes keep their order here.
      if (own.map((axis) => from[axis - 1]).join() === wanted.map((axis) => to[axis - 1]).join()) {
        const kept = order.filter((axis) => own.includes(axis)).map((axis) => wanted[own.indexOf(axis)]!);
        const orders = [channelsLast(shape.length), inOrder(shape.length)];
        const found = orders.find(
          (axes) => axes.filter((axis) => wanted.includes(axis)).join() === kept.join(),
        );
        if (found) {
          const pooled = shape.length === 2 && /^global/.test(entry.type) && entry.options.keepdims;
          return {
            entry: pooled
              ? this.layer(node, entry.type, { keepdims: false }, entry.from, {}, entry.hint)
              : this.layer(
                  node,
                  shape.length === 2 ? "flatten" : "reshape",
                  shape.length === 2 ? {} : { targetShape: target(found) },
                  [entry],
                ),
            order: found,
          };
        }
      }
      if (shape.length === 2) {
        const there = order.map((axis) => axis - 1);
        const same = there.every((axis, i) => axis === i);
        const flat = this.layer(node, "flatten", {}, [entry]);
        return { entry: flat, order: [1], ...(!same && { rows: { dims: from, order: there } }) };
      }
    }
    const straight = this.arranged(node, source, inOrder(source.shape.length));
    return {
      entry: this.layer(node, "reshape", { targetShape: to }, [straight]),
      order: inOrder(shape.length),
    };
  }

  /** A value with its axes in another order there, which costs nothing here. */
  transposed(call: Call, source: Flow, perm: readonly number[], name = call.node.output[0]!): Flow {
    const { node } = call;
    if (perm[0] !== 0) throw new Lacking(node, "that moves the batch's axis");
    return this.flow(
      name,
      perm.map((axis) => source.shape[axis]!),
      [source],
      () => {
        const { entry, order } = this.plain(node, source);
        return { entry, order: order.map((axis) => perm.indexOf(axis)) };
      },
    );
  }
}

/** Makes a value's layers where it can: what it lacks is told by who needs it. */
function attempt(flow: Flow): void {
  try {
    flow.real();
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
  }
}

/** Layers that have an activation of their own. */
const ACTIVATED = /^(conv2d|conv2dTranspose|depthwiseConv2d|dense)$/;
const POSITIVE = /^(relu|relu6|sigmoid|softmax|softplus|hardSigmoid|exponential)$/;
/** Layers that make nothing below 0 of what has nothing below 0. */
const KEEP =
  /^(max|average|global|zeroPadding|cropping|upSampling|reshape|flatten|permute|concatenate|add|multiply|maximum|minimum)/;

function isPositive(type: string, options: Entry["options"], from: readonly Entry[]): boolean {
  const { activation = type } = options;
  if (POSITIVE.test(String(activation)) && type !== "relu") return true;
  if (type === "relu") return !options.negativeSlope;
  return KEEP.test(type) && from.every(({ positive }) => positive);
}

/** What a node's layer may be called, nothing where it has no name of its own: "/layer1/layer1.0/conv1/Conv" is layer1.0.conv1 of PyTorch. */
function hintOf({ name, output: [output = ""], opType = "" }: OnnxNode): string {
  const parts = (name || (/^\d+$/.test(output) ? "" : output)).split("/").filter((part) => part !== "");
  if (parts.at(-1)?.replace(/_\d+$/, "") === opType) parts.pop();
  return parts.reduce(
    (path, part) => (path === "" || part.startsWith(`${path}.`) ? part : `${path}.${part}`),
    "",
  );
}

/** What the layer of these weights may be called: "layer1.0.conv1.weight" says it. */
export function hintOfWeights(name: string | undefined): string | undefined {
  const found = /^(.+?)[./_](weight|kernel|W|w|gamma|scale)(_\d+)?$/.exec(name ?? "")?.[1];
  return found && !/^onnx/i.test(found) ? found.replaceAll("/", ".") : undefined;
}

/** What the layer of zeros before it is called. */
export function paddingHint(node: OnnxNode): string {
  const hint = hintOf(node);
  return hint && `${hint}.pad`;
}
