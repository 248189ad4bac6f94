// A model's config as Keras writes it, of whatever version, as a ModelConfig of here. Models within models become layers of the one.

import { ModelError } from "../../compiler/errors.ts";
import { requireRoom } from "../../compiler/footprint.ts";
import type { Graph, Parameter, Shape } from "../../compiler/graph.ts";
import { MAX_LAYERS } from "../../compiler/limits.ts";
import { DEFAULT_FILE_MEMORY } from "../../engine/memory-sizes.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { LAYERS } from "../../model/layers/index.ts";
import { inputOf } from "../../model/layers/input.ts";
import { makeLayer } from "../../model/layers/layer.ts";
import type { Layer, SymbolicTensor } from "../../model/layers/types.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import { applyLayer } from "../../model/symbolic.ts";
import { isObject } from "../../options/kinds.ts";
import { quoted, show } from "../../options/show.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { modelFromConfig } from "../../train/functional.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Lack, unsupported } from "../portable.ts";
import { type Options, readOptions } from "./layer-config.ts";
import { groupOf, knownClasses, typeOf } from "./names.ts";
import { type Operand, replacementOf, type Value } from "./operations.ts";
import { perChannelScaling } from "./rescaling.ts";
import type { Version } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;

/** Models within models that are read. */
const MOST_NESTED = 100;

/** Where a layer's weights are in files. */
export interface Place {
  /** In Keras 3's files: "layers/functional/layers/conv2d". */
  readonly path: string;
  /** Names of the layers that it is in, the outermost first, and its own. */
  readonly names: readonly string[];
  /** Whether it and all that it is in are trained. */
  readonly trained: boolean;
  /** Whether the outermost is. */
  readonly outerTrained: boolean;
  /** In Keras's order of layers, those of a model within the model in its place. */
  readonly position: number;
}

export interface FoundModel {
  readonly config: ModelConfig;
  /** What losses and metrics of the file call the model's outputs: the layers that give them, or the keys where the outputs are a dict. */
  readonly outputs: readonly string[];
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  /** By names of layers here; in the order in which Keras has them. */
  readonly places: ReadonlyMap<string, Place>;
  /** Parameters that stand in the config, by name. */
  readonly constants: ReadonlyMap<string, NamedTensor>;
}

/** A call of a layer: what it takes, and what else it is told. */
interface Call {
  readonly operands: readonly (Link | Operand | readonly Link[])[];
  readonly named: Config;
}

/** What a layer gives in one of its calls. */
class Link {
  constructor(
    readonly layer: string,
    readonly node: number,
    readonly tensor: number,
  ) {}
}

/** A layer, an operator or a model in a model. */
interface Member {
  readonly name: string;
  readonly className: string;
  readonly config: Config;
  readonly calls: readonly Call[];
  readonly operation: boolean;
  readonly inner: Container | undefined;
  readonly place: Place;
  /** Once it was called: its name here, and the layer. */
  own?: string;
  layer?: Layer | undefined;
  count: number;
}

interface Container {
  readonly name: string;
  readonly sequential: boolean;
  readonly members: ReadonlyMap<string, Member>;
  readonly inputs: readonly Link[];
  readonly outputs: readonly Link[];
  readonly outputNames: readonly string[];
  /** Of its first layer, where there is no InputLayer. */
  readonly shape: unknown;
}

const CONTAINERS = ["Sequential", "Functional", "Model"];
const isContainer = (className: string, config: Config) =>
  CONTAINERS.includes(className) && Array.isArray(config.layers);

/** What no config of Keras is. */
function damaged(what: string): ModelFileError {
  return new ModelFileError("architecture", `the model's config is none of Keras's: ${what}`);
}

/**
 * Reads the config of a model. Throws ModelFileError that lists all that there is none of here, and where sizes are open that
 * `inputShape` does not give.
 */
export function readModelConfig(
  entry: unknown,
  version: Version,
  { inputShape, maxMemory }: Pick<LoadModelOptions, "inputShape" | "maxMemory">,
): FoundModel {
  const { className, config } = classAndConfig(entry);
  if (!isContainer(className, config))
    throw damaged(
      `its class is ${show(className)}, expected Sequential or Functional${isObject(entry) && entry.registered_name ? ": models of classes of one's own are code" : ""}`,
    );
  const found = new Flattening(version, inputShape).model(className, config);
  // Before any array is made for it.
  requireRoom(
    found.graph,
    maxMemory ?? DEFAULT_FILE_MEMORY,
    (bytes) => `loadModel(file, { maxMemory: ${bytes} })`,
  );
  return found;
}

function classAndConfig(entry: unknown): { className: string; config: Config } {
  if (!isObject(entry) || typeof entry.class_name !== "string")
    throw damaged(`got ${show(entry)}, expected an object with class_name and config`);
  // Keras 2.0 and 2.1 have a Sequential's layers as its config.
  const config = Array.isArray(entry.config) ? { layers: entry.config } : entry.config;
  if (!isObject(config)) throw damaged(`${quoted(entry.class_name)} has no config`);
  return { className: entry.class_name, config };
}

class Flattening {
  readonly lacks: Lack[] = [];
  readonly entries: (Record<string, unknown> & { type: string })[] = [];
  readonly taken = new Set<string>();
  readonly places = new Map<string, Place>();
  readonly constants = new Map<string, NamedTensor>();
  count = 0;
  /** Layers that were called: models within models can ask for more than they list. */
  calls = 0;

  constructor(
    readonly version: Version,
    readonly inputShape: Shape | undefined,
  ) {}

  model(className: string, config: Config): FoundModel {
    const root: Place = { path: "", names: [], trained: true, outerTrained: true, position: 0 };
    const top = this.container(className, config, root);
    const inputs = this.inputsOf(top);
    const asked = this.inputShape;
    // What it says of sizes would be passed over.
    if (asked && !inputs.some(({ shape }) => shape.join() === asked.join()))
      throw new ModelFileError(
        "architecture",
        `${otherShape(asked, inputs.map(({ shape }) => shownShape(shape)).join(", "))}: leave inputShape out`,
      );
    const outputs = this.call(
      top,
      inputs.map(({ value }) => value),
    );
    if (this.lacks.length > 0) throw unsupported(this.lacks, knownClasses());
    const name = { name: text(config.name) ?? (top.sequential ? "sequential" : "functional") };
    const chain = top.sequential ? this.chain(inputs[0]!.shape, outputs[0]!.name) : undefined;
    const made: ModelConfig = chain
      ? { ...name, layers: chain }
      : {
          ...name,
          layers: [
            ...inputs.map(({ value, shape }) => ({ type: "input", name: value.name, shape })),
            ...this.entries,
          ],
          inputs: inputs.map(({ value }) => value.name),
          outputs: outputs.map((value) => value.name),
        };
    const { graph } = built(() => modelFromConfig(made));
    return {
      config: made,
      outputs: top.sequential ? [outputs[0]!.name] : top.outputNames,
      graph,
      parameters: graph.parameters,
      places: this.places,
      constants: this.constants,
    };
  }

  /** The layers as a chain, if each takes what the one before it gives. */
  chain(inputShape: Shape, output: string): ModelConfig["layers"] | undefined {
    const { entries } = this;
    const chained =
      entries.length > 0 &&
      entries.every(
        ({ from, again }, i) =>
          again === undefined &&
          (from as string[]).length === 1 &&
          (i === 0 || (from as string[])[0] === entries[i - 1]!.name),
      ) &&
      entries.at(-1)!.name === output;
    return chained
      ? entries.map(({ from, type, name, ...options }, i) => ({
          type,
          name,
          ...(i === 0 && { inputShape }),
          ...options,
        }))
      : undefined;
  }

  /** The layers of a model, and how they are connected. */
  container(className: string, config: Config, outer: Place): Container {
    if (outer.names.length > MOST_NESTED)
      throw new ModelFileError(
        "too-large",
        `the model has models within models, more than ${MOST_NESTED} deep`,
      );
    const sequential = className === "Sequential";
    const members = new Map<string, Member>();
    const groups = new Map<string, number>();
    for (const [i, entry] of (config.layers as unknown[]).entries()) {
      if (++this.count > MAX_LAYERS)
        throw new ModelFileError("too-large", `the model has more than ${MAX_LAYERS} layers`);
      const { className, config: own } = classAndConfig(entry);
      const { inbound_nodes, name, module } = entry as Config;
      const called = text(name) ?? text(own.name) ?? `${className}_${i}`;
      if (members.has(called)) throw damaged(`two layers are named ${quoted(called)}`);
      const operation = this.isOperation(className, own, module);
      const place = placeIn(outer, className, called, own, operation ? undefined : groups, this.count);
      members.set(called, {
        name: called,
        className,
        config: own,
        calls: Array.isArray(inbound_nodes) ? inbound_nodes.map(callOf) : [],
        operation,
        inner: isContainer(className, own) ? this.container(className, own, place) : undefined,
        place,
        count: 0,
      });
    }
    if (members.size === 0) throw damaged("a model has no layers");
    const ends = (key: string) => (sequential ? [] : linksOf(config[key]));
    const [first] = members.values();
    const outputs = ends("output_layers");
    const { output_layers: told } = config;
    return {
      name: text(config.name) ?? className,
      sequential,
      members,
      inputs: ends("input_layers"),
      outputs,
      outputNames: isObject(told) ? Object.keys(told) : outputs.map(({ layer }) => layer),
      shape:
        first!.config.batch_shape ??
        first!.config.batch_input_shape ??
        first!.inner?.shape ??
        config.build_input_shape,
    };
  }

  isOperation(className: string, config: Config, module: unknown): boolean {
    if (className === "InputLayer") return false;
    if (typeof module === "string") return /^keras\.(src\.)?(ops|activations)\b/.test(module);
    return this.version === 3 && config.trainable === undefined && config.dtype === undefined;
  }

  /** The values that enter the model. */
  inputsOf(top: Container): { readonly value: Value; readonly shape: Shape }[] {
    const members = top.sequential
      ? [[...top.members.values()].find(({ className }) => className === "InputLayer")]
      : top.inputs.map(({ layer }) => top.members.get(layer));
    if (members.length === 0) throw damaged("a model has no inputs");
    return members.map((member, i) => {
      if (!top.sequential && member?.className !== "InputLayer")
        throw damaged(`input ${i + 1} is no InputLayer`);
      const config = member?.config ?? {};
      const shape = this.sampleShape(config.batch_shape ?? config.batch_input_shape ?? top.shape);
      const name = this.name(member?.name ?? "input", []);
      const layer = makeLayer(LAYERS.input!, { name, shape });
      return { value: { name, tensor: inputOf(layer) }, shape };
    });
  }

  /** One sample's shape; sizes that are left open are those of inputShape. */
  sampleShape(given: unknown): Shape {
    const open = Array.isArray(given) ? given.slice(1) : undefined;
    const asked = this.inputShape;
    const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 1;
    if (open && !open.every((size) => size === null || isSize(size)))
      throw damaged(`an input is of shape ${show(given)}`);
    if (open && open.length > 0 && open.every(isSize)) return open as number[];
    const shown = shownShape(open);
    const fits =
      asked &&
      (!open || (open.length === asked.length && open.every((s, i) => s === null || s === asked[i])));
    if (fits) return asked;
    throw new ModelFileError(
      "architecture",
      `${
        asked ? otherShape(asked, shown) : `the file leaves the size of the model's input open: ${shown}`
      }. Write: loadModel(file, { inputShape: [${(open ?? [null, null, 3]).map((size, i) => size ?? [224, 224, 3][i] ?? 1).join(", ")}] }); on the command line --input-shape`,
    );
  }

  /** A name that no layer has yet, without what names here may not have. */
  name(given: string, outer: readonly string[]): string {
    const clean = (name: string) => name.replaceAll("/", "_").replace(/:(?=\d+$)/, "_") || "layer";
    const options = [clean(given), clean([...outer, given].join("_"))];
    let found = options.find((name) => !this.taken.has(name));
    for (let i = 1; found === undefined; i++) {
      const numbered = `${options[1]}_${i}`;
      if (!this.taken.has(numbered)) found = numbered;
    }
    this.taken.add(found);
    return found;
  }

  /** What a model gives for values. */
  call(container: Container, inputs: readonly Value[]): Value[] {
    const { members, sequential } = container;
    if (sequential) {
      if (inputs.length !== 1)
        throw damaged(`${quoted(container.name)} is a chain, and takes ${inputs.length} values`);
      let values = inputs;
      for (const member of members.values())
        if (member.className !== "InputLayer") values = this.apply(member, [...values], {});
      return [...values];
    }
    if (inputs.length !== container.inputs.length)
      throw damaged(
        `${quoted(container.name)} takes ${inputs.length} values, expected ${container.inputs.length}`,
      );
    const given = new Map<string, Value[][]>();
    for (const [i, { layer }] of container.inputs.entries()) given.set(layer, [[inputs[i]!]]);
    this.run(container, given);
    return container.outputs.map((link) => {
      // Keras 3 counts it here alone, and not of a chain.
      const value = found(members, given, link, ({ className }) =>
        this.version === 2 || className !== "Sequential" ? 1 : 0,
      );
      if (!value) throw damaged(`output ${quoted(link.layer)} comes of no layer, or of itself`);
      return value;
    });
  }

  /** Makes the calls of a graph, each when what it takes is there. */
  run({ members }: Container, given: Map<string, Value[][]>): void {
    let waiting = [...members.values()].filter(
      ({ name, className }) => className !== "InputLayer" && !given.has(name),
    );
    const done = new Map<Member, number>();
    while (waiting.length > 0) {
      let moved = false;
      waiting = waiting.filter((member) => {
        let i = done.get(member) ?? 0;
        for (; i < member.calls.length; i++) {
          const call = member.calls[i]!;
          const operands = call.operands.map((operand) =>
            resolved(members, given, operand, () => (this.version === 2 ? 1 : 0)),
          );
          if (operands.includes(undefined)) break;
          const values = this.apply(member, operands as (Operand | Value[])[], call.named);
          given.set(member.name, [...(given.get(member.name) ?? []), values]);
          moved = true;
        }
        done.set(member, i);
        return i < member.calls.length;
      });
      // What is left hangs on what is not in the model: no output may.
      if (!moved) return;
    }
  }

  /** What a member gives in a call. */
  apply(member: Member, operands: readonly (Operand | readonly Value[])[], named: Config): Value[] {
    if (++this.calls > MAX_LAYERS)
      throw new ModelFileError("too-large", `the model's layers are called more than ${MAX_LAYERS} times`);
    const values = operands
      .flat()
      .filter((operand): operand is Value => isObject(operand) && "tensor" in operand);
    if (member.inner) return this.call(member.inner, values);
    if (member.operation) return [this.operation(member, operands as readonly Operand[], named)];
    if (member.className === "Identity" && values.length === 1) return values;
    if (/^(TFOpLambda|TensorFlowOpLayer)$/.test(member.className)) {
      const function_ =
        text(member.config.function) ?? text((member.config.node_def as Config | undefined)?.op);
      if (/(^|\.)(identity|stop_gradient)$/i.test(function_ ?? "") && values.length === 1) return [...values];
      const own = { ...member, className: function_ ?? member.className };
      return [this.operation(own, operands as readonly Operand[], named, member)];
    }
    return [this.layer(member, values)];
  }

  operation(member: Member, operands: readonly Operand[], named: Config, owner = member): Value {
    const { className, config, name } = member;
    const plain = operands.flat() as Operand[];
    const merged = /concat/i.test(className)
      ? this.concatenated(plain, { ...config, ...named })
      : replacementOf(className, plain, { ...config, ...named });
    if (!merged) {
      this.lacks.push({ layer: name, uses: `the operator ${className}`, nearest: "a layer that does it" });
      return { name, tensor: undefined };
    }
    return this.emit(owner, merged.type, merged.options, merged.from);
  }

  concatenated(operands: readonly Operand[], { axis }: Config) {
    const from = operands.filter((operand): operand is Value => isObject(operand) && "tensor" in operand);
    return from.length > 1 && typeof axis === "number"
      ? { type: "concatenate", options: { axis }, from }
      : undefined;
  }

  layer(member: Member, values: readonly Value[]): Value {
    const { className, config, name } = member;
    const lacking = (uses: string, nearest?: string) =>
      this.lacks.push({ layer: name, uses, ...(nearest !== undefined && { nearest }) });
    const centred = className === "CenterCrop" ? centredCrop(config, values[0]?.tensor?.shape) : undefined;
    if (centred) return this.emit(member, "cropping2d", centred, values);
    if (className === "Dropout" && isOfWholeChannels(config.noise_shape))
      return this.emit(member, "spatialDropout2d", { rate: config.rate }, values);
    const type = typeOf(className);
    if (type === undefined || type === "input") {
      if (member.count++ === 0) lacking(className);
      return { name, tensor: undefined };
    }
    if (member.count > 0) return this.emit(member, type, {}, values);
    if (/^(q?int|u?int|float)[48]/.test(dtypeOf(config)))
      lacking(`${className} quantised to ${dtypeOf(config)}`, "the model before it was quantised");
    const shape = values[0]?.tensor?.shape;
    const scaled = type === "rescaling" ? perChannelScaling(config, shape?.at(-1)) : undefined;
    if (scaled) return this.emit(member, "normalization", scaled, values, true);
    const learnt = type === "normalization" && (config.mean === null || config.mean === undefined);
    const options = readOptions(
      {
        className,
        config: learnt ? { ...config, mean: 0, variance: 1 } : config,
        version: this.version,
        rank: shape && shape.length + 1,
      },
      lacking,
    );
    return this.emit(member, type, options, values, type === "normalization" && !learnt);
  }

  /** Adds a layer's call. @param constant whether its parameters are what its options say, and in no file */
  emit(member: Member, type: string, options: Options, values: readonly Value[], constant = false): Value {
    const from = values.map(({ name }) => name);
    member.count++;
    if (member.own === undefined) {
      member.own = this.name(member.name, member.place.names.slice(0, -1));
      const trainable = member.place.trained ? {} : { trainable: false };
      this.entries.push({ type, name: member.own, ...trainable, ...options, from });
      if (!constant) this.places.set(member.own, member.place);
      if (this.lacks.length === 0)
        member.layer = makeLayer(LAYERS[type]!, { name: member.own, ...trainable, ...options });
    } else this.entries.push({ type, again: member.own, from });
    const { own, layer, count } = member;
    const reference = count === 1 ? own : `${own}:${count}`;
    const tensors = values.map(({ tensor }) => tensor);
    const tensor =
      layer && tensors.every((one) => one !== undefined)
        ? built(() => applyLayer(layer, tensors as SymbolicTensor[]))
        : undefined;
    if (constant && tensor && count === 1) this.keep(own, options, tensor.shape.at(-1)!);
    return { name: reference, tensor };
  }

  /** A normalization's mean and variance, which its options say. */
  keep(name: string, options: Options, channels: number): void {
    for (const key of ["mean", "variance"]) {
      const value = options[key] as number | readonly number[];
      const data = Float32Array.from({ length: channels }, (_, i) =>
        typeof value === "number" ? value : value[i]!,
      );
      this.constants.set(`${name}/${key}`, { name: `${name}/${key}`, shape: [channels], data });
    }
  }
}

const shownShape = (shape: readonly unknown[] | undefined) =>
  shape ? `[${shape.map((size) => size ?? "?").join(", ")}]` : "of any shape";

const otherShape = (asked: Shape, own: string) =>
  `inputShape is [${asked.join(", ")}], and the model's input is ${own}`;

/** Whether a Dropout leaves out all of a channel at once; or all of a sample, which comes nearest to it here. */
function isOfWholeChannels(noise: unknown): boolean {
  return Array.isArray(noise) && noise.length === 4 && noise[1] === 1 && noise[2] === 1;
}

/** Keras's CenterCrop of an image that is no smaller, as the options of a cropping. */
function centredCrop({ height, width }: Config, shape: Shape | undefined): Options | undefined {
  const sides = [height, width].map((size, axis) => {
    const spare = (shape?.[axis] ?? Number.NaN) - Number(size);
    const before = Math.floor(spare / 2);
    return [before, spare - before];
  });
  return sides.flat().every((size) => size >= 0) ? { cropping: sides } : undefined;
}

/** What a function gives that makes something of layers here. */
function built<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelFileError("architecture", `the file's layers make no model here: ${error.message}`, {
      cause: error,
    });
  }
}

/** The name of a layer's type of numbers, or policy of it. */
function dtypeOf({ dtype }: Config): string {
  const policy = isObject(dtype) && isObject(dtype.config) ? (dtype.config.name ?? dtype.class_name) : dtype;
  return String(policy ?? "");
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** @param groups how many of each class there were before; undefined for an operator, which has no weights */
function placeIn(
  outer: Place,
  className: string,
  name: string,
  { trainable }: Config,
  groups: Map<string, number> | undefined,
  position: number,
): Place {
  const group = groupOf(className);
  const number = groups?.get(group) ?? 0;
  groups?.set(group, number + 1);
  const trained = trainable !== false;
  return {
    path: `${outer.path === "" ? "" : `${outer.path}/`}layers/${number === 0 ? group : `${group}_${number}`}`,
    names: [...outer.names, name],
    trained: outer.trained && trained,
    outerTrained: outer.names.length === 0 ? trained : outer.outerTrained,
    position,
  };
}

const isLink = (value: unknown): value is [string, number, number] =>
  Array.isArray(value) &&
  typeof value[0] === "string" &&
  Number.isSafeInteger(value[1]) &&
  Number.isSafeInteger(value[2]);

/** ["name", 0, 0], a list of such, or a record. */
function linksOf(value: unknown): Link[] {
  if (isLink(value)) return [new Link(value[0], value[1], value[2])];
  const list = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return list.map((item) => {
    if (!isLink(item)) throw damaged(`${show(item)} is no output of a layer, ["name", 0, 0]`);
    return new Link(item[0], item[1], item[2]);
  });
}

/** A call of a layer, of an entry of inbound_nodes. */
function callOf(node: unknown): Call {
  if (isObject(node)) {
    const { args = [], kwargs } = node;
    const own = isObject(kwargs) ? kwargs : {};
    const links = Object.entries(own).filter(([, value]) => holdsLink(value));
    return {
      operands: [...([args].flat() as unknown[]), ...links.map(([, value]) => value)].map(operandOf),
      named: own,
    };
  }
  // Keras 2: [["name", 0, 0, {}], ...], of one input ["name", 0, 0, {}].
  if (!Array.isArray(node)) throw damaged(`an entry of inbound_nodes is ${show(node)}`);
  const parts: unknown[] = typeof node[0] === "string" ? [node] : node;
  const kwargs = parts.flatMap((part) => (Array.isArray(part) && isObject(part[3]) ? [part[3]] : []));
  const named = Object.assign({}, ...kwargs) as Config;
  return {
    operands: [
      ...parts.map((part) => {
        if (Array.isArray(part) && part[0] === "_CONSTANT_VALUE") return part[2] as Operand;
        if (!isLink(part)) throw damaged(`a layer takes ${show(part)}, expected ["name", 0, 0, {}]`);
        return new Link(part[0], part[1], part[2]);
      }),
      // What an operator of TensorFlow is told beside: y of x + y.
      ...["x", "y"]
        .filter((key) => key in named)
        .map((key) => (isLink(named[key]) ? linksOf(named[key])[0]! : (named[key] as Operand))),
    ],
    named,
  };
}

function holdsLink(value: unknown): boolean {
  return Array.isArray(value)
    ? value.some(holdsLink)
    : isObject(value) && value.class_name === "__keras_tensor__";
}

function operandOf(value: unknown): Link | Operand | readonly Link[] {
  if (Array.isArray(value)) return value.map(operandOf) as unknown as readonly Link[];
  if (!isObject(value)) return value as Operand;
  const { class_name, config } = value;
  if (class_name === "__keras_tensor__" && isObject(config) && isLink(config.keras_history)) {
    const [layer, node, tensor] = config.keras_history;
    return new Link(layer, node, tensor);
  }
  // An array of one number is that number.
  if (isObject(config) && "value" in config) return [config.value].flat(8) as unknown as Operand;
  return null;
}

/** What a link leads to, where that is there. */
function found(
  members: ReadonlyMap<string, Member>,
  given: ReadonlyMap<string, readonly (readonly Value[])[]>,
  { layer, node, tensor }: Link,
  counted: (member: Member) => number,
): Value | undefined {
  const member = members.get(layer);
  if (!member) throw damaged(`a layer takes what ${quoted(layer)} gives, which is no layer of the model`);
  const calls = given.get(layer);
  if (!calls) return undefined;
  // A model within the model has a call of its own, which is counted at times.
  const own = member.inner ? Math.min(Math.max(node - counted(member), 0), member.calls.length - 1) : node;
  return calls[own]?.[tensor];
}

function resolved(
  members: ReadonlyMap<string, Member>,
  given: ReadonlyMap<string, readonly (readonly Value[])[]>,
  operand: Link | Operand | readonly Link[],
  counted: (member: Member) => number,
): Operand | readonly Value[] | undefined {
  if (operand instanceof Link) return found(members, given, operand, counted);
  if (!Array.isArray(operand)) return operand as Operand;
  const items = operand.map((item) => resolved(members, given, item as Link, counted));
  return items.includes(undefined) ? undefined : (items as readonly Value[]);
}
