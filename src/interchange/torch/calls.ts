// A model as calls of layers: what both what PyTorch calls its weights and its forward() follow from.
import { elements, type Shape } from "../../compiler/graph.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import type { Model } from "../../train/model.ts";

/** A layer applied to values, which are called by who gives them. */
export interface Call {
  /** What it gives is called so: the layer's name, from the second call on with the call's number. */
  readonly reference: string;
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly trainable: boolean;
  readonly from: readonly string[];
  /** Shapes of what it takes, and of what it gives, without the batch. */
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  /** Whether the layer was called before. */
  readonly again: boolean;
}

export interface Calls {
  readonly calls: readonly Call[];
  /** Values that the model takes, and gives. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** What a chain's only input is called: no layer has that name. */
const CHAIN_INPUT = "/input";

/** The calls of a model, in order. */
export function callsOf(model: Model): Calls {
  const config: ModelConfig = model.toConfig();
  const { graph } = model;
  const shapes = new Map(graph.calls.map(({ name, output }) => [name, output.shape]));
  const inputs = config.inputs ?? [CHAIN_INPUT];
  inputs.forEach((name, i) => {
    shapes.set(name, graph.inputs[i]!.shape);
  });
  const calls: Call[] = [];
  const first = new Map<string, Call>();
  const counts = new Map<string, number>();
  let before = CHAIN_INPUT;
  for (const entry of config.layers) {
    const { type, name: own, from: given, again, inputShape, trainable, ...options } = entry;
    if (config.inputs && type === "input") continue;
    const name = (again ?? own) as string;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const reference = count > 1 ? `${name}:${count}` : name;
    const from = config.inputs ? (given as string[]) : [before];
    const call: Call = {
      reference,
      name,
      type,
      options: first.get(name)?.options ?? options,
      trainable: first.get(name)?.trainable ?? trainable !== false,
      from,
      inputs: from.map((value) => shapes.get(value)!),
      output: shapes.get(reference)!,
      again: count > 1,
    };
    if (count === 1) first.set(name, call);
    calls.push(call);
    before = reference;
  }
  return { calls, inputs, outputs: config.outputs ?? [before], shapes };
}

/** Where the numbers of an image, counted with its channels last, stand with them first; undefined where that is the same. */
export function flattenedOrder(shape: Shape): Int32Array | undefined {
  const channels = shape.at(-1)!;
  const positions = elements(shape) / channels;
  if (positions === 1 || channels === 1) return undefined;
  return Int32Array.from(
    { length: positions * channels },
    (_, i) => (i % channels) * positions + Math.floor(i / channels),
  );
}
