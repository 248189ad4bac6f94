import { elements, type Parameter, type Shape } from "../../compiler/graph.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { channelsFirst, transposed } from "../places.ts";
import type { NewAttribute, NewNode, NewTensor } from "./messages.ts";
import { floats, integers } from "./new-tensors.ts";

/**
 * How a value lies in the file: `last` as here, channels last; `first`: channels first, as ONNX's convolutions have it; `flat`: one
 * axis, of an image whose channels came first.
 */
export type Form = "last" | "first" | "flat";

/** A value of the model, as tensors of the file in the forms in which it was asked for. */
export interface Flow {
  readonly shape: Shape;
  /** The form in which it is there without a transposition. */
  readonly own: Form;
  readonly forms: Map<Form, string>;
  /** What it lies like before it was flattened: of an image, of the form `first`. */
  readonly image?: Flow | undefined;
}

/** AttributeProto.AttributeType. */
const ATTRIBUTE = { f: 1, i: 2, s: 3, floats: 6, ints: 7 } as const;
/** A list is of whole numbers; a number is one where it is marked so. */
export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly i: number }>
>;

/** Collects the nodes and the weights of a file. */
export class Emitter {
  readonly nodes: NewNode[] = [];
  readonly initializers: NewTensor[] = [];
  readonly #weights: ReadonlyMap<string, NamedTensor>;
  readonly #given = new Map<string, string>();
  readonly #names = new Set<string>();

  constructor(weights: readonly NamedTensor[]) {
    this.#weights = new Map(weights.map((tensor) => [tensor.name, tensor]));
  }

  /** A name that nothing has yet. */
  name(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** A node of one output, whose name it gives. */
  node(layer: string, opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const name = this.name(`${layer}/${opType}`);
    const attribute = Object.entries(attributes).map(([key, value]): NewAttribute => {
      if (typeof value === "string") return { name: key, s: value, type: ATTRIBUTE.s };
      if (typeof value === "number") return { name: key, f: value, type: ATTRIBUTE.f };
      return "i" in value
        ? { name: key, i: value.i, type: ATTRIBUTE.i }
        : { name: key, ints: value, type: ATTRIBUTE.ints };
    });
    this.nodes.push({ input, output: [name], name, opType, attribute });
    return name;
  }

  /** Numbers that are no weights of the model. */
  constant(layer: string, data: Float32Array | number, dims: readonly number[] = []): string {
    const name = this.name(`${layer}/constant`);
    this.initializers.push(
      typeof data === "number" ? floats(name, [], Float32Array.of(data)) : floats(name, dims, data),
    );
    return name;
  }

  whole(layer: string, values: readonly number[]): string {
    const name = this.name(`${layer}/shape`);
    this.initializers.push(integers(name, values));
    return name;
  }

  data({ name }: Parameter): Float32Array {
    return this.#weights.get(name)!.data;
  }

  /** A parameter of the model, once for each way in which it lies; what makes it so gives sizes and numbers. */
  weight(
    parameter: Parameter,
    way = "",
    make: () => readonly [readonly number[], Float32Array] = () => [parameter.shape, this.data(parameter)],
  ): string {
    const key = `${parameter.name} ${way}`;
    let name = this.#given.get(key);
    if (name === undefined) {
      name = this.name(parameter.name);
      this.#given.set(key, name);
      this.initializers.push(floats(name, ...make()));
    }
    return name;
  }

  /** The value that a tensor is. */
  flow(shape: Shape, own: Form, name: string, image?: Flow): Flow {
    return { shape, own, forms: new Map([[own, name]]), image };
  }

  /** The tensor of a value in a form; transposed where there is none yet. */
  as(flow: Flow, form: Form, layer: string): string {
    const { shape, forms } = flow;
    // Of numbers in one row there is one order.
    if (form === "first" && shape.length < 2) return this.as(flow, "last", layer);
    let name = forms.get(form);
    if (name === undefined) {
      name = this.#brought(flow, form, layer);
      forms.set(form, name);
    }
    return name;
  }

  #brought(flow: Flow, form: Form, layer: string): string {
    const { shape, own, forms, image } = flow;
    const from = forms.get(own)!;
    if (own === "flat") {
      // Back to the image, with its channels last.
      const [H, W, C] = image!.shape as [number, number, number];
      const planes = this.reshape(layer, from, [C, H, W]);
      return this.reshape(layer, this.#transpose(layer, planes, toLast(3)), [elements(shape)]);
    }
    if (isRow(shape)) return this.reshape(layer, from, form === "first" ? channelsFirst(shape) : shape);
    return this.#transpose(layer, from, form === "first" ? toFirst(shape.length) : toLast(shape.length));
  }

  #transpose(layer: string, from: string, perm: readonly number[]): string {
    return this.node(layer, "Transpose", [from], { perm });
  }

  /** Gives tensors the names that the file's outputs have. */
  outputs(from: readonly string[], names: readonly string[]): void {
    const given = new Map<string, string>();
    for (const [i, tensor] of from.entries()) {
      const made = this.nodes.some(({ output }) => output![0] === tensor);
      if (made && !given.has(tensor)) given.set(tensor, names[i]!);
      // An input that goes out as it is, or a value that goes out twice.
      else
        this.nodes.push({
          input: [tensor],
          output: [names[i]!],
          name: `${names[i]}/Identity`,
          opType: "Identity",
        });
    }
    const renamed = (tensors: readonly string[] = []) => tensors.map((tensor) => given.get(tensor) ?? tensor);
    for (const [i, node] of this.nodes.entries())
      this.nodes[i] = { ...node, input: renamed(node.input), output: renamed(node.output) };
  }

  /** To these sizes of each sample. */
  reshape(layer: string, from: string, shape: Shape): string {
    return this.node(layer, "Reshape", [from, this.whole(layer, [0, ...shape])]);
  }
}

/** Whether all sizes before the last are 1: then channels first and last are the same order. */
export const isRow = (shape: Shape) => shape.slice(0, -1).every((size) => size === 1);
const toFirst = (rank: number) => [0, ...channelsFirst(Array.from({ length: rank }, (_, i) => i + 1))];
const toLast = (rank: number) => [0, ...Array.from({ length: rank - 1 }, (_, i) => i + 2), 1];

/** Sizes of a parameter that meets a value in the form `first`, without the batch: its axes as the value's, of which it may lack the first ones. */
export function besides(
  shape: Shape,
  data: Float32Array,
  rank: number,
  form: Form,
): readonly [readonly number[], Float32Array] {
  if (form === "last" || rank < 2) return [shape, data];
  const padded = [...Array<number>(rank - shape.length).fill(1), ...shape];
  return [channelsFirst(padded), transposed(data, padded, channelsFirst(padded.map((_, i) => i)))];
}
