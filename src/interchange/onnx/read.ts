import { ModelError } from "../../compiler/errors.ts";
import type { Shape } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { input } from "../../model/layers/index.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import { optionProblem } from "../../options/check.ts";
import type { Table } from "../../options/kinds.ts";
import { quoted, show } from "../../options/show.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import { SAVE } from "../../train/save-options.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Files, type Lack, onlyFile, type PortableModel, unsupported } from "../portable.ts";
import { Attributes } from "./attributes.ts";
import { canFold, fold, wholes } from "./fold.ts";
import { channelsLast, type Entry, type Given, Importer, inOrder, isFlow, Lacking } from "./importer.ts";
import { decodeModel, type OnnxModel, type OnnxNode, type OnnxValueInfo } from "./messages.ts";
import { isKnown, KNOWN, operate } from "./operators.ts";
import { type Constant, constantOf } from "./tensors.ts";

type Graph = NonNullable<OnnxModel["graph"]>;

/** The latest operator set whose forms are known; of later ones, too, most nodes are the same. */
const STANDARD = ["", "ai.onnx"];
/** Numbers that nodes of constants may make beside those that the file holds. */
const MOST_MADE = 2 ** 22;

/**
 * A model of an ONNX file: what its nodes compute, in layers of here. Images that have their channels first there have them last here.
 * Throws ModelFileError that lists every node there is no layer for.
 */
export async function read(files: Files, options: LoadModelOptions): Promise<PortableModel> {
  const model = decodeModel(onlyFile(files));
  const { graph } = model;
  if (!graph) throw new ModelFileError("damaged", "the ONNX file holds no graph");
  if (graph.sparseInitializer.length > 0)
    throw new ModelFileError("unsupported", "the ONNX file holds sparse weights: write them in full");
  const opset = model.opsetImport.find(({ domain = "" }) => STANDARD.includes(domain))?.version ?? 1;
  const constants = new Map<string, Constant>();
  let held = 0;
  for (const tensor of graph.initializer) {
    const constant = constantOf(tensor, files);
    held += constant.data.length;
    constants.set(tensor.name ?? "", constant);
  }
  const { importer, values, inputs, first } = begin(graph, constants, options);
  let left = MOST_MADE + 4 * held;
  const spend = (count: number) => {
    left -= count;
    if (!(left >= 0))
      throw new ModelFileError(
        "too-large",
        "the ONNX file computes constants that are larger than all that it holds",
      );
  };
  const lacks = follow(graph, values, importer, { opset, spend, files });
  const outputs = outputsOf(graph, values, importer, lacks, first);
  if (lacks.size > 0) throw unsupported(listed([...lacks.values()]), KNOWN);
  const { config, tensors } = assembled(importer, inputs, outputs, graph.name);
  return { config, tensors, metadata: metadataOf(model) };
}

/** Nodes of one kind that a message names. */
const MOST_NAMED = 10;
/** Nodes that it names in all. */
const MOST_LINES = 200;

/** What is lacking, kind by kind: of many nodes of one the first ones. */
function listed(lacks: readonly Lack[]): Lack[] {
  const kinds = new Map<string, Lack[]>();
  for (const lack of lacks) {
    const all = kinds.get(lack.uses);
    if (all) all.push(lack);
    else kinds.set(lack.uses, [lack]);
  }
  const lines = [...kinds.values()].flatMap((all) => {
    const named = all.slice(0, MOST_NAMED);
    const more = all.length - named.length;
    return more > 0 ? [...named, { ...named[0]!, layer: `${more} more` }] : named;
  });
  return lines.slice(0, MOST_LINES);
}

/** The inputs as layers, and the values that are there before any node. */
function begin(graph: Graph, constants: ReadonlyMap<string, Constant>, { inputShape }: LoadModelOptions) {
  const uses = new Map<string, number>();
  const count = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const { input } of graph.node) input.forEach(count);
  for (const { name = "" } of graph.output) count(name);
  // Old files name weights among the inputs, too.
  const given = graph.input.filter(({ name = "" }) => !constants.has(name));
  const sizes = given.map((info) => sizesOf(info));
  const batches = new Set(sizes.map(([batch]) => batch).filter((batch) => batch !== undefined));
  if (batches.size > 1)
    throw new ModelFileError(
      "unsupported",
      `the ONNX file's inputs are of different numbers of samples, ${[...batches].join(" and ")}: expected their first axes to be the batch's`,
    );
  const [batch = 1] = batches;
  const importer = new Importer(uses, batch);
  const values = new Map<string, Given>(constants);
  const readers = readersOf(graph);
  let first = false;
  const inputs = given.map((info, i) => {
    const name = info.name ?? "";
    const rank = sizes[i]!.length;
    if (rank < 2)
      throw new ModelFileError(
        "unsupported",
        `the ONNX file's input ${quoted(name)} has ${rank} axes, expected a batch and what a sample has`,
      );
    const moved = isChannelsFirst(info, sizes[i]!, readers);
    first ||= moved && rank === 4;
    const order = moved ? channelsLast(rank) : inOrder(rank);
    const own = order.map((axis) => sizes[i]![axis]);
    const flow = importer.input(name, symbolic(name, shapeOf(name, own, inputShape)), order);
    values.set(name, flow);
    return flow.real().entry;
  });
  return { importer, values, inputs, first };
}

function symbolic(name: string, shape: Shape) {
  try {
    return input({ shape });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelFileError("architecture", `the ONNX file's input ${quoted(name)}: ${error.message}`, {
      cause: error,
    });
  }
}

/** An input's sizes, the batch in front; undefined for those that are left open. */
function sizesOf({ name = "", type }: OnnxValueInfo): (number | undefined)[] {
  const shape = type?.tensorType?.shape;
  if (!shape)
    throw new ModelFileError(
      "unsupported",
      `the ONNX file says nothing of the shape of its input ${quoted(name)}`,
    );
  return shape.dim.map(({ dimValue }) => (dimValue !== undefined && dimValue > 0 ? dimValue : undefined));
}

/** A sample's shape here, with what the file leaves open from what was told. */
function shapeOf(name: string, own: readonly (number | undefined)[], told: Shape | undefined): number[] {
  const open = own.includes(undefined);
  const text = `[${own.map((size) => size ?? "?").join(", ")}]`;
  const fits = told?.length === own.length && own.every((size, i) => size === undefined || size === told[i]);
  if (told && !fits && open)
    throw new ModelFileError(
      "architecture",
      `inputShape is ${show(told)}, but the ONNX file's input ${quoted(name)} is of shape ${text} here`,
    );
  if (told && fits) return [...told];
  if (open)
    throw new ModelFileError(
      "architecture",
      `the ONNX file leaves sizes of its input ${quoted(name)} open, ${text} here. Write: loadModel(bytes, { inputShape: [${own.map((size) => size ?? 224).join(", ")}] }); in the command line --input-shape`,
    );
  return own as number[];
}

const CHANNELS_FIRST =
  /^(Conv|ConvTranspose|MaxPool|AveragePool|Global\w+|BatchNormalization|InstanceNormalization|GroupNormalization|LRN|Resize|Upsample|DepthToSpace|SpaceToDepth|PRelu)$/;
const PASSING =
  /^(Identity|Cast|Add|Sub|Mul|Div|Relu|Clip|Pad|Sigmoid|Tanh|Dropout|Neg|Pow|Sqrt|Exp|LeakyRelu|Concat|Max|Min)$/;

function readersOf({ node }: Graph): ReadonlyMap<string, readonly OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const one of node)
    for (const name of new Set(one.input)) {
      const known = readers.get(name);
      if (known) known.push(one);
      else readers.set(name, [one]);
    }
  return readers;
}

/** Whether an input has its channels in front: by what the file says of it, by what reads it, or else by its sizes. */
function isChannelsFirst(
  { name = "", type }: OnnxValueInfo,
  sizes: readonly (number | undefined)[],
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
): boolean {
  const dims = type?.tensorType?.shape?.dim ?? [];
  const told = dims.findIndex(({ denotation }) => denotation === "DATA_CHANNEL");
  if (told > 0) return told === 1;
  const rank = sizes.length;
  if (rank < 3) return false;
  const seen = new Set<string>([name]);
  for (const value of seen)
    for (const { opType = "", output, attribute } of readers.get(value) ?? []) {
      if (CHANNELS_FIRST.test(opType)) return true;
      if (opType === "Transpose") {
        const perm = attribute.find((one) => one.name === "perm")?.ints ?? [];
        // To channels in front, from behind.
        return perm[1] !== rank - 1;
      }
      if (PASSING.test(opType)) for (const next of output) seen.add(next);
    }
  const few = (size: number | undefined) => size !== undefined && [1, 3, 4].includes(size);
  return rank === 4 && !(few(sizes[3]) && !few(sizes[1]));
}

interface Following {
  readonly opset: number;
  readonly files: Files;
  spend(count: number): void;
}

/** Follows the nodes, which come after what they read. Gives what there are no layers for, by node. */
function follow(
  graph: Graph,
  values: Map<string, Given>,
  importer: Importer,
  { opset, spend, files }: Following,
): Map<string, Lack> {
  const lacks = new Map<string, Lack>();
  const known = (name: string) => name === "" || values.has(name);
  const broken = new Set<string>();
  for (const node of graph.node) {
    const [first] = node.output;
    const fail = (error: unknown) => {
      if (!(error instanceof Lacking)) throw error;
      const { lack } = error;
      lacks.set(`${lack.layer} ${lack.uses}`, lack);
      for (const name of node.output) broken.add(name);
    };
    const standard = STANDARD.includes(node.domain ?? "");
    const attributes = new Attributes(node);
    if (node.input.some((name) => broken.has(name))) {
      // Of its inputs nothing is known; of the node, whether there would be layers for it.
      if (!standard || (!isKnown(node.opType ?? "") && !canFold(node.opType ?? ""))) fail(new Lacking(node));
      for (const name of node.output) broken.add(name);
      continue;
    }
    const missing = node.input.find((name) => !known(name));
    if (missing !== undefined)
      throw new ModelFileError(
        "damaged",
        `the ONNX file is damaged: node ${quoted(node.name || first || node.opType || "")} reads ${quoted(missing)}, which nothing before it gives`,
      );
    try {
      if (!standard) throw new Lacking(node);
      const inputs = node.input.map((name) => (name === "" ? undefined : values.get(name)));
      const found = valuesOf(node, attributes, inputs, importer, { opset, spend, files });
      if (node.output.slice(found.length).some((name) => name !== "" && importer.reads(name)))
        throw new Lacking(node, "whose further outputs are read");
      for (const [i, value] of found.entries()) values.set(node.output[i] ?? "", value);
    } catch (error) {
      fail(error);
    }
  }
  return lacks;
}

/** What a node gives, by its outputs. */
function valuesOf(
  node: OnnxNode,
  attributes: Attributes,
  inputs: readonly Given[],
  importer: Importer,
  { opset, spend, files }: Following,
): readonly Given[] {
  const opType = node.opType ?? "";
  if (opType === "Constant") return [constantNode(node, attributes, files)];
  const flows = inputs.filter((one) => one !== undefined).filter(isFlow);
  if (opType === "Shape" && flows.length === 1)
    return [
      wholes(
        flows[0]!.shape.slice(attributes.int("start", 0), attributes.int("end", flows[0]!.shape.length)),
      ),
    ];
  if (opType === "Identity" && flows.length === 1) return flows;
  if (flows.length === 0) {
    const constants = inputs as readonly (Constant | undefined)[];
    const made =
      opType === "ConstantOfShape"
        ? constants[0] && filled(constants[0], attributes, spend, files)
        : fold(opType, constants, { attributes, opset, spend });
    if (!made) throw new Lacking(node, "of constants alone");
    if (made.data.length === 0 && made.shape.some((size) => size > 2 ** 20)) spend(Number.POSITIVE_INFINITY);
    return [made];
  }
  if (!isKnown(opType)) throw new Lacking(node);
  return operate(importer, { node, attributes, inputs, opset });
}

function constantNode(node: OnnxNode, attributes: Attributes, files: Files): Constant {
  const tensor = attributes.tensor("value");
  if (tensor) return constantOf(tensor, files);
  const list = (values: readonly number[], whole: boolean, shape: readonly number[]): Constant => ({
    shape,
    data: whole ? Float64Array.from(values) : Float32Array.from(values),
    whole,
  });
  if (attributes.has("value_float")) return list([attributes.float("value_float", 0)], false, []);
  if (attributes.has("value_int")) return list([attributes.int("value_int", 0)], true, []);
  const [floats, ints] = [attributes.floats("value_floats"), attributes.ints("value_ints")];
  if (floats && attributes.has("value_floats")) return list(floats, false, [floats.length]);
  if (ints && attributes.has("value_ints")) return list(ints, true, [ints.length]);
  throw new Lacking(node, "of no numbers");
}

function filled(
  { data }: Constant,
  attributes: Attributes,
  spend: (count: number) => void,
  files: Files,
): Constant {
  const tensor = attributes.tensor("value");
  const value = tensor ? constantOf(tensor, files) : undefined;
  const shape = [...data];
  const count = shape.reduce((product, size) => product * size, 1);
  spend(shape.every((size) => Number.isSafeInteger(size) && size >= 0) ? count : Number.POSITIVE_INFINITY);
  const whole = value?.whole ?? false;
  return {
    shape,
    data: (whole ? new Float64Array(count) : new Float32Array(count)).fill(value?.data[0] ?? 0),
    whole,
  };
}

/** The layers that the outputs are, images with channels last: `first`, where the file has them first. */
function outputsOf(
  graph: Graph,
  values: ReadonlyMap<string, Given>,
  importer: Importer,
  lacks: Map<string, Lack>,
  first: boolean,
): Entry[] {
  if (graph.output.length === 0) throw new ModelFileError("damaged", "the ONNX file's graph has no outputs");
  return graph.output.flatMap(({ name = "" }) => {
    const value = values.get(name);
    if (!isFlow(value)) {
      if (lacks.size > 0) return [];
      throw value
        ? new ModelFileError("unsupported", `the ONNX file's output ${quoted(name)} depends on no input`)
        : new ModelFileError("damaged", `the ONNX file is damaged: nothing gives its output ${quoted(name)}`);
    }
    const node: OnnxNode = { name, opType: "output", input: [], output: [name], attribute: [] };
    try {
      const { entry, order } = importer.plain(node, value);
      const rank = value.shape.length;
      // Of a file whose images have their channels last, those that come out may have been turned already.
      const [wanted, other] =
        first && rank === 4 ? [channelsLast(rank)] : [inOrder(rank), channelsLast(rank)];
      return [other?.join() === order.join() ? entry : importer.arranged(node, value, wanted)];
    } catch (error) {
      if (!(error instanceof Lacking)) throw error;
      lacks.set(error.lack.layer, error.lack);
      return [];
    }
  });
}

/** The layers that lead to the outputs, under names of their own. */
function assembled(
  importer: Importer,
  inputs: readonly Entry[],
  outputs: readonly Entry[],
  name: string | undefined,
) {
  const live = new Set<Entry>();
  for (const stack = [...outputs]; stack.length > 0; ) {
    const entry = stack.pop()!;
    if (live.has(entry)) continue;
    live.add(entry);
    stack.push(...entry.from);
  }
  const entries = importer.entries.filter((entry) => live.has(entry));
  const names = namesOf(entries);
  const called = name ? { name: name.slice(0, 100) } : {};
  const described = (entry: Entry) => ({ type: entry.type, name: names.get(entry)!, ...entry.options });
  const [only] = inputs;
  const isChain =
    inputs.length === 1 &&
    outputs.length === 1 &&
    outputs[0] === entries.at(-1) &&
    entries.length > 1 &&
    entries.every(({ from }, i) =>
      i === 0 ? from.length === 0 : from.length === 1 && from[0] === entries[i - 1],
    );
  const config: ModelConfig = isChain
    ? {
        ...called,
        layers: entries.slice(1).map((entry, i) => ({
          ...described(entry),
          ...(i === 0 && { inputShape: [...only!.tensor.shape] }),
        })),
      }
    : {
        ...called,
        layers: entries.map((entry) => ({
          ...described(entry),
          ...(entry.from.length > 0 && { from: entry.from.map((one) => names.get(one)!) }),
        })),
        inputs: inputs.filter((entry) => live.has(entry)).map((entry) => names.get(entry)!),
        outputs: outputs.map((entry) => names.get(entry)!),
      };
  const tensors = entries.flatMap((entry) =>
    Object.entries(entry.weights).map(
      ([key, { shape, data }]): NamedTensor => ({ name: `${names.get(entry)}/${key}`, shape, data }),
    ),
  );
  return { config, tensors };
}

/** Names that layers here may have, each its own. */
function namesOf(entries: readonly Entry[]): Map<Entry, string> {
  const taken = new Set<string>();
  /** By name: the number to try next. */
  const numbers = new Map<string, number>();
  return new Map(
    entries.map((entry) => {
      const clean = entry.hint.replace(/[/:\s]+/g, "_").slice(0, 100) || entry.type;
      let number = numbers.get(clean) ?? 0;
      const numbered = () => (number === 0 ? clean : `${clean}_${number}`);
      while (taken.has(numbered())) number++;
      const name = numbered();
      numbers.set(clean, number + 1);
      taken.add(name);
      return [entry, name];
    }),
  );
}

/** What wasmgrad's own files say of the model. */
function metadataOf({ metadataProps }: OnnxModel): ModelMetadata {
  const told: Record<string, unknown> = {};
  for (const { key = "", value = "" } of metadataProps) {
    const name = /^wasmgrad\.(\w+)$/.exec(key)?.[1];
    if (name === undefined || name.startsWith("format")) continue;
    try {
      told[name] = JSON.parse(value);
    } catch (error) {
      throw new ModelFileError("metadata", `the ONNX file's metadata ${quoted(key)} is no JSON`, {
        cause: error,
      });
    }
  }
  const problem = optionProblem((SAVE.table as () => Table)(), told, () => "");
  if (problem !== undefined)
    throw new ModelFileError("metadata", `the ONNX file's metadata does not fit: ${problem}`);
  return told as ModelMetadata;
}
