// A model of here as Keras writes it: its config, and its layers in the order in which Keras has them, which weights files go by.

import { LAYERS } from "../../model/layers/index.ts";
import type { Layer, LayerApplication, SymbolicTensor } from "../../model/layers/types.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import { tensorsFromConfig } from "../../model/model-json.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { modelFromConfig } from "../../train/functional.ts";
import type { PortableModel } from "../portable.ts";
import { type Lack, unsupported } from "../portable.ts";
import { type Options, writeOptions } from "./layer-config.ts";
import { groupOf, writtenClass } from "./names.ts";
import type { Version } from "./values.ts";

/** A layer as Keras has it. */
export interface WrittenLayer {
  readonly name: string;
  readonly className: string;
  /** In Keras 3's weights files: "layers/conv2d_1". */
  readonly path: string;
  /** Names here of its parameters, those that stand in its config included. */
  readonly places: readonly string[];
  /** Keras's names of its weights, "kernel", and they by their names here. */
  readonly weights: readonly {
    readonly name: string;
    readonly tensor: NamedTensor;
    readonly trained: boolean;
  }[];
}

export interface WrittenModel {
  readonly className: "Sequential" | "Functional";
  readonly config: Readonly<Record<string, unknown>>;
  /** All but inputs, in Keras's order. */
  readonly layers: readonly WrittenLayer[];
}

/** What the writer of a dialect has otherwise. */
export interface Dialect {
  readonly version: Version;
  /** What the other side is called, in the list of what it lacks. */
  readonly title: string;
  /** Classes that it has. Default: all. */
  readonly classes?: ReadonlySet<string>;
  /** Changes a layer's config, or tells what the other side lacks. */
  adapt?(
    layer: {
      readonly className: string;
      readonly type: string;
      readonly config: Record<string, unknown>;
      /** Of one sample, in its first call. */
      readonly input: readonly number[];
      readonly output: readonly number[];
    },
    lacking: (uses: string, nearest: string) => void,
  ): { readonly className: string; readonly config: Record<string, unknown> };
}

/** Throws ModelFileError that lists what the other side lacks. */
export function writeModelConfig({ config: given, tensors }: PortableModel, dialect: Dialect): WrittenModel {
  const lacks: Lack[] = [];
  const names = namesOf(given);
  const config = renamed(given, names);
  const weights = weightsByLayer(tensors, names);
  const shapes = dialect.adapt && sampleShapes(config);
  const written = (options: Options & { readonly type: string }) => {
    const { type, ...own } = options;
    const name = own.name as string;
    const lacking = (uses: string, nearest: string) => lacks.push({ layer: name, uses, nearest });
    if (!Object.hasOwn(LAYERS, type)) {
      lacking(`of a type of one's own, ${type}`, "layers that it is made of");
      return { className: type, config: own };
    }
    // Its parameters stand in its config.
    const statistics = (type === "normalization" ? (weights.get(name) ?? []) : []).map(
      (tensor) => [lastOf(tensor.name), [...tensor.data]] as const,
    );
    const plain = {
      type,
      className: writtenClass(type),
      config: writeOptions(type, { ...own, ...Object.fromEntries(statistics) }, dialect.version, lacking),
    };
    const adapted = dialect.adapt?.({ ...plain, ...shapes!(name) }, lacking) ?? plain;
    if (dialect.classes && !dialect.classes.has(adapted.className))
      lacking(adapted.className, nearestOf(type));
    return adapted;
  };
  const made = config.inputs ? functional(config, dialect, written) : sequential(config, dialect, written);
  if (lacks.length > 0) throw unsupported(lacks, [], dialect.title);
  const groups = new Map<string, number>();
  const layers = made.layers.map(({ name, className, type, trainable }) => {
    const group = groupOf(className);
    const number = groups.get(group) ?? 0;
    groups.set(group, number + 1);
    const all = weights.get(name) ?? [];
    const own = type === "normalization" && className === "Normalization" ? [] : all;
    return {
      name,
      className,
      places: all.map((tensor) => tensor.name),
      path: `layers/${number === 0 ? group : `${group}_${number}`}`,
      weights: own.map((tensor) => {
        const called = lastOf(tensor.name);
        return {
          name: weightName(type, called, dialect.version),
          tensor,
          trained: trainable && !/^(moving)?(mean|variance)$/i.test(called),
        };
      }),
    };
  });
  return { ...made, layers };
}

/** What each layer takes and gives, by its name. */
function sampleShapes(config: ModelConfig) {
  const { rows } = modelFromConfig(config);
  const given = new Map(rows.map(({ name, outputShape }) => [name, outputShape]));
  const first = config.layers[0]!.inputShape as readonly number[];
  return (name: string) => {
    const { from, outputShape } = rows.find((row) => row.name === name)!;
    const before = from[0]?.replace(/:\d+$/, "");
    return { input: before === undefined ? first : given.get(before)!, output: outputShape };
  };
}

/** "kernel" of "conv2d/kernel". */
const lastOf = (name: string) => name.slice(name.lastIndexOf("/") + 1);

function nearestOf(type: string): string {
  return type.startsWith("random") || /Up|Mix/.test(type)
    ? "leave it out: it does nothing outside training"
    : "Keras 3's files, which have it";
}

/** Keras's name of a parameter: movingMean as moving_mean; Keras 2's of a depthwise kernel has that word. */
function weightName(type: string, name: string, version: Version): string {
  if (version === 2 && type === "depthwiseConv2d" && name === "kernel") return "depthwise_kernel";
  // As a batch normalization, where there is no layer of its own for it.
  if (type === "normalization") return `moving_${name}`;
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A name that TensorFlow takes for a scope. */
function scopeName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.>-]/g, "_").replace(/^[^A-Za-z0-9.]+/, "") || "layer";
}

/** Names of layers there, by names here. */
function namesOf({ layers }: ModelConfig): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { name, again } of layers) {
    if (again !== undefined) continue;
    const clean = scopeName(name as string);
    let free = clean;
    for (let i = 1; taken.has(free); i++) free = `${clean}_${i}`;
    taken.add(free);
    names.set(name as string, free);
  }
  return names;
}

function renamed(config: ModelConfig, names: ReadonlyMap<string, string>): ModelConfig {
  // "name:2" is what "name" gives when it is called again.
  const reference = (name: string) =>
    names.get(name) ?? name.replace(/^(.*)(:\d+)$/, (_, own: string, call: string) => names.get(own)! + call);
  const layers = config.layers.map((layer) => ({
    ...layer,
    ...(layer.name !== undefined && { name: names.get(layer.name as string)! }),
    ...(layer.again !== undefined && { again: names.get(layer.again as string)! }),
    ...(layer.from !== undefined && { from: (layer.from as string[]).map(reference) }),
  }));
  const { name, inputs, outputs } = config;
  return {
    ...(name !== undefined && { name: scopeName(name) }),
    layers,
    ...(inputs && { inputs: inputs.map(reference) }),
    ...(outputs && { outputs: outputs.map(reference) }),
  };
}

/** The weights by the layers' names there. */
function weightsByLayer(
  tensors: readonly NamedTensor[],
  names: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly NamedTensor[]> {
  const found = new Map<string, NamedTensor[]>();
  for (const tensor of tensors) {
    const at = tensor.name.lastIndexOf("/");
    const layer = names.get(tensor.name.slice(0, at))!;
    found.set(layer, [...(found.get(layer) ?? []), tensor]);
  }
  return found;
}

type Write = (options: Options & { readonly type: string }) => {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
};

interface Made {
  readonly className: "Sequential" | "Functional";
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: readonly {
    readonly name: string;
    readonly className: string;
    readonly type: string;
    readonly trainable: boolean;
  }[];
}

function entryOf(className: string, config: unknown, version: Version): Record<string, unknown> {
  return version === 3
    ? { module: "keras.layers", class_name: className, config, registered_name: null }
    : { class_name: className, config };
}

function inputLayer(name: string, shape: readonly number[], version: Version): Record<string, unknown> {
  const batch = [null, ...shape];
  return entryOf(
    "InputLayer",
    version === 3
      ? { batch_shape: batch, dtype: "float32", sparse: false, name }
      : { batch_input_shape: batch, dtype: "float32", sparse: false, ragged: false, name },
    version,
  );
}

function sequential({ name = "sequential", layers }: ModelConfig, { version }: Dialect, write: Write): Made {
  const names = new Set(layers.map((layer) => layer.name));
  let input = "input";
  while (names.has(input)) input += "_";
  const written = layers.map((layer) => ({ layer, ...write(layer) }));
  const shape = layers[0]!.inputShape as readonly number[];
  return {
    className: "Sequential",
    config: {
      name,
      ...(version === 3 && { trainable: true, dtype: "float32" }),
      layers: [
        inputLayer(input, shape, version),
        ...written.map(({ className, config }) => entryOf(className, config, version)),
      ],
      ...(version === 3 && { build_input_shape: [null, ...shape] }),
    },
    layers: written.map(({ layer, className }) => ({
      name: layer.name as string,
      className,
      type: layer.type,
      trainable: layer.trainable !== false,
    })),
  };
}

function functional(model: ModelConfig, { version }: Dialect, write: Write): Made {
  const { inputs, outputs } = tensorsFromConfig(model);
  const entries = new Map(
    model.layers.filter(({ again }) => again === undefined).map((layer) => [layer.name, layer]),
  );
  const calls = callsOf(inputs, outputs);
  const shapes = shapesOf(inputs, outputs);
  const link = (call: LayerApplication) =>
    [call.layer.name!, calls.get(call.layer)!.indexOf(call), 0] as const;
  const tensor = (call: LayerApplication) => ({
    class_name: "__keras_tensor__",
    config: { shape: [null, ...shapes.get(call)!], dtype: "float32", keras_history: link(call) },
  });
  const node = ({ layer, inputs }: LayerApplication) => {
    const from = inputs.map(({ from }) => from);
    if (version === 2) return from.map((call) => [...link(call), {}]);
    return { args: isMerging(layer) ? [from.map(tensor)] : from.map(tensor), kwargs: {} };
  };
  const ordered = orderOf(inputs, outputs).map((layer) => {
    const entry = entries.get(layer.name)! as Options & { type: string };
    const { from: _, ...options } = entry;
    if (layer.type === "input")
      return {
        layer,
        className: "InputLayer",
        entry: inputLayer(layer.name!, entry.shape as number[], version),
      };
    const { className, config } = write(options as typeof entry);
    return { layer, className, entry: entryOf(className, config, version) };
  });
  const ends = (tensors: readonly SymbolicTensor[]) => {
    const links = tensors.map(({ from }) => link(from));
    return version === 3 && links.length === 1 ? links[0] : links;
  };
  return {
    className: "Functional",
    config: {
      name: model.name ?? "functional",
      trainable: true,
      layers: ordered.map(({ layer, entry }) => ({
        ...entry,
        name: layer.name,
        inbound_nodes: layer.type === "input" ? [] : calls.get(layer)!.map(node),
      })),
      input_layers: ends(inputs),
      output_layers: ends(outputs),
    },
    layers: ordered
      .filter(({ layer }) => layer.type !== "input")
      .map(({ layer, className }) => ({
        name: layer.name!,
        className,
        type: layer.type,
        trainable: layer.trainable,
      })),
  };
}

const isMerging = ({ type }: Layer) => LAYERS[type]?.merges === true;

/** All calls that lead to the outputs, each once. */
function allCalls(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): Set<LayerApplication> {
  const found = new Set<LayerApplication>(inputs.map(({ from }) => from));
  const left = outputs.map(({ from }) => from);
  for (let call = left.pop(); call; call = left.pop()) {
    if (found.has(call)) continue;
    found.add(call);
    for (const { from } of call.inputs) left.push(from);
  }
  return found;
}

/** Each layer's calls, in the order in which they were made. */
function callsOf(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): Map<Layer, LayerApplication[]> {
  const calls = new Map<Layer, LayerApplication[]>();
  for (const call of [...allCalls(inputs, outputs)].sort((a, b) => a.order - b.order))
    calls.set(call.layer, [...(calls.get(call.layer) ?? []), call]);
  return calls;
}

function shapesOf(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[]) {
  const shapes = new Map<LayerApplication, readonly number[]>();
  for (const { from, shape } of [...inputs, ...outputs]) shapes.set(from, shape);
  for (const call of allCalls(inputs, outputs))
    for (const { from, shape } of call.inputs) shapes.set(from, shape);
  return shapes;
}

/**
 * Keras's order of a graph's layers, in which it counts them in weights files: the farthest from the outputs first, and of those
 * equally far the one that is met first on the way back from the outputs.
 */
function orderOf(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[]): Layer[] {
  const met = new Map<Layer, number>();
  /** Calls, each after those that it takes its inputs from. */
  const finished = new Set<LayerApplication>();
  for (const output of outputs) {
    const open: { call: LayerApplication; next: number }[] = [];
    const enter = (call: LayerApplication) => {
      if (finished.has(call)) return;
      if (!met.has(call.layer)) met.set(call.layer, met.size);
      open.push({ call, next: 0 });
    };
    enter(output.from);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const input = top.call.inputs[top.next++];
      if (input) enter(input.from);
      else {
        finished.add(top.call);
        open.pop();
      }
    }
  }
  const far = new Map<LayerApplication, number>();
  const depths = new Map<Layer, number>();
  for (const call of [...finished].reverse()) {
    const depth = Math.max(far.get(call) ?? 0, depths.get(call.layer) ?? 0);
    depths.set(call.layer, depth);
    for (const { from } of call.inputs) far.set(from, Math.max(depth + 1, far.get(from) ?? 0));
  }
  for (const { from } of inputs)
    if (!depths.has(from.layer)) {
      depths.set(from.layer, 0);
      met.set(from.layer, -1);
    }
  return [...depths.keys()].sort((a, b) => depths.get(b)! - depths.get(a)! || met.get(a)! - met.get(b)!);
}
