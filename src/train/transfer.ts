import { ModelError } from "../compiler/errors.ts";
import { formatShape, type Shape } from "../compiler/graph.ts";
import type { Preprocessing } from "../compiler/preprocessing.ts";
import type { LayerRow } from "../model/build.ts";
import { COMMON, type Layer } from "../model/layers/layer.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { isGraphConfig } from "../model/model-json.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { isObject, needed, some, type TableOf, text } from "../options/kinds.ts";
import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import { buildModel, modelFromConfig } from "./functional.ts";
import { isModel, type Model } from "./model.ts";

/** A model that was trained, to take a backbone of: what loadModel() gives, or a compiled model. */
export type TransferBase =
  | Model
  | {
      readonly model: Model;
      readonly tensors: readonly NamedTensor[];
      readonly metadata: { readonly preprocessing?: Preprocessing | undefined };
    };

/** "all" or "none" of a backbone's layers; or a number N, those of Python's `layers[:N]`. */
export type Freeze = "all" | "none" | number;

export interface BackboneOptions {
  /**
   * The layer that the backbone ends with, by its name in summary(). Default: before the classifier, which is the last flatten() or global
   * pooling that layers with weights follow; of a model that ends with probabilities and has none, what its last layer with weights takes; else the
   * model's end.
   */
  cut?: string | undefined;
  /**
   * Which layers of the backbone training leaves as they are, as `trainable: false` does. "all" (default), "none", or a number: the first N layers
   * of summary(), as Keras's `for layer in base.layers[:N]`; below 0 all but the last -N.
   */
  freeze?: Freeze | undefined;
  /** One sample's shape, where it is not the base's: other sizes will do where no weight of the backbone depends on them. */
  inputShape?: Shape | undefined;
}

export interface TransferOptions extends BackboneOptions {
  /**
   * The layers behind the backbone. A number stands for dense() of so many units with relu, as the last one for the classes, with softmax (1: sigmoid).
   * Where the first is a number and the backbone gives images, globalAveragePooling2d() comes before it.
   */
  head: readonly (number | Layer)[];
  /** Default: the base's name. */
  name?: string | undefined;
}

/** The layers of a base that are kept, and their weights. */
export interface Backbone {
  /** With `trainable: false` where layers are frozen. */
  readonly config: ModelConfig;
  /** The layer that it ends with. */
  readonly cut: string;
  readonly rows: readonly LayerRow[];
  readonly outputShape: Shape;
  readonly frozen: number;
  readonly tensors: readonly NamedTensor[];
  readonly preprocessing: Preprocessing | undefined;
}

const isFreeze = (value: unknown) => value === "all" || value === "none" || Number.isSafeInteger(value);
const isUnits = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;

export const backboneTable = (): TableOf<BackboneOptions> => ({
  cut: { ...text, example: "global_average_pooling2d" },
  freeze: some<Freeze>('"all", "none", or a number of layers', isFreeze, "all"),
  inputShape: COMMON.inputShape,
});

const TRANSFER: Checked = {
  call: "transferModel(base, *)",
  table: (): TableOf<TransferOptions> => ({
    ...backboneTable(),
    head: needed(
      some<readonly (number | Layer)[]>(
        "a list of layers, or numbers of units",
        (value) =>
          Array.isArray(value) &&
          value.length > 0 &&
          value.every((one) => isUnits(one) || (isObject(one) && typeof one.lower === "function")),
        [128, 10],
      ),
    ),
    name: text,
  }),
  error: (problem, who) => new ModelError(`${who}: ${problem}`),
};

/**
 * A model that begins with the layers and weights of one that was trained, up to a layer, and ends with a head that is new: Keras's way of
 * transfer learning. compile() draws the head from its seed. Frozen layers are `trainable: false`, so batch normalization among them uses its
 * moving statistics. Byte images are scaled as for the base.
 *
 *     const base = await loadModel(bytes);
 *     const net = transferModel(base, { freeze: "all", head: [128, 5] });
 *     await net.compile();
 *
 * Throws ModelError where no layer has the name, more layers are to be frozen than there are, the head does not fit, or weights of the backbone
 * need another inputShape; TypeError on what is no model.
 */
export function transferModel(base: TransferBase, options: TransferOptions): Model {
  checkOptions(TRANSFER, options);
  return transferred(base, options, "transferModel");
}

/** As transferModel(), which `taker` stands for in messages. */
export function transferred(base: TransferBase, options: TransferOptions, taker: string): Model {
  const backbone = backboneOf(base, options, taker);
  const { config, tensors, preprocessing } = backbone;
  const head = headOf(options.head, backbone);
  const graph = isGraphConfig(config);
  let before = backbone.cut;
  const layers = [...config.layers];
  for (const entry of head) {
    layers.push(graph ? { ...entry, from: [before] } : entry);
    before = entry.name;
  }
  const name = options.name ?? config.name;
  const whole = {
    ...config,
    ...(name !== undefined && { name }),
    layers,
    ...(graph && { outputs: [before] }),
  };
  // Names of the head are none of the layers that were left out, whose weights are none of its.
  return buildModel(whole, { tensors, preprocessing, partial: true });
}

/** What is kept of a base. Throws as transferModel(), which `taker` stands for in messages. */
export function backboneOf(base: TransferBase, options: BackboneOptions, taker: string): Backbone {
  const { model, tensors, preprocessing } = partsOf(base, taker);
  const { freeze = "all", inputShape } = options;
  const error = (problem: string) => new ModelError(`${taker}: ${problem}`);
  const whole = model.toConfig();
  const cut = cutOf(model, whole, options.cut, error);
  const config = sized(upTo(whole, cut), inputShape, error);
  const kept = built(config, model, options, error);
  const { rows, outputShape } = kept;
  const own = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape } of kept.graph.parameters) {
    const tensor = own.get(name);
    if (!tensor) throw error(`the base has no weights ${quoted(name)}`);
    if (tensor.shape.join() === shape.join()) continue;
    throw error(
      `inputShape is ${formatShape(kept.inputShape)}, for which ${quoted(name)} would be of shape ${formatShape(shape)}, and the base has ${formatShape(tensor.shape)}: it takes ${formatShape(model.inputShape)}. ${
        kept.inputShape.at(-1) === model.inputShape.at(-1)
          ? "Give images of that size, or cut before that layer"
          : `Give images of ${counted(model.inputShape.at(-1)!, "channel")}`
      }`,
    );
  }
  const frozen = frozenOf(
    freeze,
    rows,
    `the backbone has ${counted(rows.length, "layer")} up to ${quoted(cut)}`,
    error,
  );
  const layers = withFrozen(kept.toConfig().layers, rows, frozen);
  const { name } = whole;
  return {
    config: { ...kept.toConfig(), ...(name !== undefined && { name }), layers },
    // As the built model calls it.
    cut: isGraphConfig(whole) ? kept.toConfig().outputs![0]! : cut,
    rows,
    outputShape,
    frozen,
    tensors: kept.graph.parameters.map((parameter) => own.get(parameter.name)!),
    preprocessing,
  };
}

function partsOf(base: TransferBase, taker: string) {
  if (isModel(base))
    return {
      model: base,
      tensors: base.getWeights(),
      preprocessing: base.session.options.preprocessing,
    };
  if (!isObject(base) || !isModel(base.model) || !Array.isArray(base.tensors))
    throw new TypeError(
      `${taker}: got ${show(base)}, expected what loadModel() gives, or a compiled model. Write: ${taker}(await loadModel(bytes), { head: [128, 10] })`,
    );
  const { model, tensors, metadata } = base;
  return { model, tensors, preprocessing: metadata?.preprocessing };
}

type Refuse = (problem: string) => ModelError;

/** What layers of a config give, by the names that others take it by. */
function references({ layers }: ModelConfig): string[] {
  const counts = new Map<string, number>();
  return layers.map(({ name, again }) => {
    if (again === undefined) return name as string;
    const count = (counts.get(again as string) ?? 1) + 1;
    counts.set(again as string, count);
    return `${again}:${count}`;
  });
}

const POOLS = /^(flatten|global(Average|Max)Pooling\dd)$/;

function cutOf(model: Model, config: ModelConfig, given: string | undefined, error: Refuse): string {
  const names = references(config);
  if (given !== undefined) {
    if (!names.includes(given))
      throw error(`cut is ${show(given)}, and no layer is called that: ${adviceOn(given, names)}`);
    return given;
  }
  const { rows } = model;
  const last = rows.findLastIndex(({ type }) => POOLS.test(type));
  const weighs = ({ parameters }: LayerRow) => parameters > 0;
  if (last >= 0 && rows.slice(last).some(weighs)) return rows[last]!.name;
  const { outputs = [rows.at(-1)!.name] } = config;
  const end = config.layers.at(-1)!;
  const probable = ["softmax", "sigmoid"].includes((end.activation as string | undefined) ?? end.type);
  const before = probable ? rows.findLast(weighs)!.from : outputs;
  if (before.length !== 1)
    throw error(
      before.length === 0
        ? "the base has one layer with weights, its last: there is no backbone before it"
        : `where the backbone ends is not clear: name the layer. Write: { cut: ${show(rows.at(-2)?.name ?? "name")} }`,
    );
  return before[0]!;
}

/** A base's layers up to one of them. */
function upTo(config: ModelConfig, cut: string): ModelConfig {
  const names = references(config);
  const layers = config.layers.slice(0, names.indexOf(cut) + 1);
  if (!isGraphConfig(config)) return { layers };
  const wanted = new Set([cut]);
  for (let i = layers.length - 1; i >= 0; i--)
    if (wanted.has(names[i]!)) for (const from of (layers[i]!.from ?? []) as string[]) wanted.add(from);
  return { layers, inputs: config.inputs!.filter((name) => wanted.has(name)), outputs: [cut] };
}

/** The same layers for images of another size. */
function sized(config: ModelConfig, inputShape: Shape | undefined, error: Refuse): ModelConfig {
  if (!inputShape) return config;
  if ((config.inputs?.length ?? 1) > 1)
    throw error(`inputShape is given, and the backbone has ${config.inputs!.length} inputs: leave it out`);
  const layers = config.layers.map((layer, i) => {
    if (config.inputs) return layer.name === config.inputs[0] ? { ...layer, shape: inputShape } : layer;
    return i === 0 ? { ...layer, inputShape } : layer;
  });
  return { ...config, layers };
}

/** Throws ModelError where the layers take no images of the size that is asked for. */
function built(
  config: ModelConfig,
  { inputShape: own }: Model,
  { inputShape }: BackboneOptions,
  error: Refuse,
): Model {
  try {
    return modelFromConfig(config);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    if (/has no parameters/.test(cause.message))
      throw error("the layers up to the cut have no weights: there is no backbone. Name a later layer: cut");
    if (!inputShape) throw cause;
    throw error(
      `the backbone does not take images of ${formatShape(inputShape)} (the base takes ${formatShape(own)}): ${cause.message}`,
    );
  }
}

/** Layers of which the first so many of `rows` are frozen, where they have weights, and no others. */
function withFrozen(
  layers: ModelConfig["layers"],
  rows: readonly LayerRow[],
  frozen: number,
): ModelConfig["layers"] {
  const still = new Set(
    rows.slice(0, frozen).flatMap(({ name, parameters }) => (parameters > 0 ? [name] : [])),
  );
  return layers.map((layer): ModelConfig["layers"][number] => {
    const { trainable: _, ...others } = layer;
    return still.has(layer.name as string) ? { ...others, trainable: false } : (others as typeof layer);
  });
}

/**
 * A model's configuration with other layers frozen, to train on with: its own head may be among them.
 * Throws ModelError, which `taker` begins, where there are fewer layers, or nothing would be trained.
 */
export function frozenAnew<C extends ModelConfig>(
  config: C,
  rows: readonly LayerRow[],
  freeze: Freeze,
  taker: string,
): C {
  const error = (problem: string) => new ModelError(`${taker}: ${problem}`);
  const frozen = frozenOf(freeze, rows, `the model has ${counted(rows.length, "layer")}`, error);
  if (rows.slice(frozen).every(({ parameters }) => parameters === 0))
    throw error(
      `freeze is ${show(freeze)}, of a model with its head: nothing would be trained. Give fewer layers, or "none"`,
    );
  return { ...config, layers: withFrozen(config.layers, rows, frozen) };
}

/** How many of the first layers are frozen. */
function frozenOf(freeze: Freeze, { length }: readonly LayerRow[], there: string, error: Refuse): number {
  if (freeze === "all") return length;
  if (freeze === "none") return 0;
  if (Math.abs(freeze) > length)
    throw error(`freeze is ${freeze}, but ${there}: expected at most ${length}, or "all"`);
  return freeze < 0 ? length + freeze : freeze;
}

type Entry = ModelConfig["layers"][number] & { readonly name: string };

/** The head's layers as plain data, with names that no other layer has. */
function headOf(head: readonly (number | Layer)[], { config, outputShape }: Backbone): Entry[] {
  const first = typeof head[0] === "number" && outputShape.length > 1;
  const pooling = outputShape.length === 3 ? "globalAveragePooling2d" : "flatten";
  const entries: ModelConfig["layers"][number][] = [
    ...(first ? [{ type: pooling }] : []),
    ...head.map((one, i) => {
      if (typeof one !== "number") {
        const { type, name, inputShape, trainable, config } = one;
        return {
          type,
          ...(name !== undefined && { name }),
          ...(inputShape && { inputShape }),
          ...(!trainable && { trainable }),
          ...config,
        };
      }
      const last = one === 1 ? "sigmoid" : "softmax";
      return { type: "dense", units: one, activation: i === head.length - 1 ? last : "relu" };
    }),
  ];
  const taken = new Set([...config.layers, ...entries].map(({ name }) => name));
  return entries.map((entry) => {
    if (entry.name !== undefined) return entry as Entry;
    const { type } = entry;
    let name = type;
    for (let i = 1; taken.has(name); i++) name = `${type}_${i}`;
    taken.add(name);
    return { ...entry, name };
  });
}
