import { ModelError } from "../compiler/errors.ts";
import {
  elements,
  type Graph,
  GraphBuilder,
  isTrained,
  type Parameter,
  type Shape,
  type Value,
} from "../compiler/graph.ts";
import { MAX_LAYERS } from "../compiler/limits.ts";
import { quoted } from "../options/show.ts";
import type { Inputs, Layer } from "./layers/layer.ts";
import type { LayerApplication, SymbolicTensor } from "./layers/types.ts";
import { layerToConfig, type ModelConfig } from "./model-config.ts";
import { lowerLayer } from "./symbolic.ts";

/** One row of the layer table. */
export interface LayerRow {
  readonly name: string;
  readonly type: string;
  readonly outputShape: Shape;
  readonly parameters: number;
  /** Those of the parameters that training changes. */
  readonly trained: number;
  /** Where its inputs come from: names of layers, `name:2` for what a shared layer's second call gives. */
  readonly from: readonly string[];
}

/** Layers turned into a graph, and what the layer table shows. */
export interface BuiltModel {
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
}

/** Keras's automatic names: the type, with a number from the second layer of that type on. */
function nameLayers(layers: readonly Layer[]): string[] {
  const taken = new Set<string>();
  for (const { name } of layers) {
    if (name === undefined) continue;
    if (taken.has(name)) throw new ModelError(`two layers are named ${quoted(name)}: names must differ`);
    taken.add(name);
  }
  /** By type: the number to try next. Those before it are taken, and stay so. */
  const numbers = new Map<string, number>();
  return layers.map(({ name, type }) => {
    if (name !== undefined) return name;
    let number = numbers.get(type) ?? 0;
    const numbered = () => (number === 0 ? type : `${type}_${number}`);
    while (taken.has(numbered())) number++;
    const found = numbered();
    taken.add(found);
    numbers.set(type, number + 1);
    return found;
  });
}

/** Throws ModelError above MAX_LAYERS. */
export function requireLayerCount(count: number): void {
  if (count > MAX_LAYERS)
    throw new ModelError(
      `a model of ${count.toLocaleString("en-US")} layers, expected at most ${MAX_LAYERS.toLocaleString("en-US")}`,
    );
}

/** Lowers a chain of layers, whose options were checked. Throws ModelError, with the layer's name, where one does not fit. */
export function buildChain(layers: readonly Layer[]): BuiltModel {
  const first = layers[0];
  if (!first) throw new ModelError("a model needs at least one layer");
  requireLayerCount(layers.length);
  const names = nameLayers(layers);
  const at = layers.findIndex(({ type }) => type === "input");
  if (at >= 0)
    throw new ModelError(
      "a list of layers has no inputs: give the first one inputShape, or use model({ inputs, outputs })",
      names[at],
    );
  if (!first.inputShape)
    throw new ModelError("the first layer needs inputShape: [height, width, channels]", names[0]);
  const builder = new GraphBuilder();
  let value = builder.input(first.inputShape);
  const rows = layers.map((layer, i): LayerRow => {
    const name = names[i]!;
    const before = builder.parameters.length;
    value = lowerCall(builder, layer, name, [value]);
    return rowOf(layer, name, value.shape, builder.parameters.slice(before), i > 0 ? [names[i - 1]!] : []);
  });
  requireParameters(builder);
  return { graph: builder.build([value]), rows };
}

/** A model of layers that were applied to each other, and what its file says of it. */
export interface BuiltFunctional extends BuiltModel {
  readonly config: Pick<ModelConfig, "layers" | "inputs" | "outputs">;
}

/** What a layer gives when it is called for the n-th time. */
const called = (name: string, n: number) => (n === 1 ? name : `${name}:${n}`);

/** Throws ModelError where a layer of a graph has a name that a layer's further call has. */
export function requireGraphName(name: string): void {
  if (/:\d+$/.test(name))
    throw new ModelError(
      "ends in : and a number, as a further call of a layer is called; layers of a graph need another name",
      name,
    );
}

/**
 * Lowers all that leads from the inputs to the outputs. Throws ModelError, with the layer's name, where a layer does not
 * fit, and where an output needs an input that is not among the inputs.
 */
export function buildFunctional(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): BuiltFunctional {
  const calls = callsBetween(inputs, outputs);
  const layers = [...new Set(calls.map(({ layer }) => layer))];
  // A layer that takes many values becomes many ops.
  requireLayerCount(calls.reduce((sum, call) => sum + Math.max(1, call.inputs.length - 1), 0));
  const names = new Map(nameLayers(layers).map((name, i) => [layers[i]!, name]));
  for (const name of names.values()) requireGraphName(name);
  const builder = new GraphBuilder();
  // The model's inputs are in the order in which they were given, whatever the order in which they were made.
  const given = new Map(inputs.map(({ from, shape }) => [from, builder.input(shape)]));
  const values = new Map<LayerApplication, Value>();
  const references = new Map<LayerApplication, string>();
  const counts = new Map<Layer, number>();
  const reference = ({ from }: SymbolicTensor) => references.get(from)!;
  const valueFor = ({ from }: SymbolicTensor) => values.get(from)!;
  const rows = new Map<Layer, LayerRow>();
  const entries: ModelConfig["layers"][number][] = [];
  for (const call of calls) {
    const { layer } = call;
    const name = names.get(layer)!;
    const count = (counts.get(layer) ?? 0) + 1;
    counts.set(layer, count);
    references.set(call, called(name, count));
    const before = builder.parameters.length;
    const value =
      given.get(call) ??
      lowerCall(builder, layer, name, call.inputs.map(valueFor) as unknown as Inputs, called(name, count));
    values.set(call, value);
    const from = call.inputs.map(reference);
    const row = rows.get(layer);
    rows.set(
      layer,
      row
        ? { ...row, from: [...row.from, ...from] }
        : rowOf(layer, name, value.shape, builder.parameters.slice(before), from),
    );
    entries.push(
      count === 1
        ? { ...layerToConfig(layer, name), ...(from.length > 0 && { from }) }
        : { type: layer.type, again: name, from },
    );
  }
  requireParameters(builder);
  return {
    graph: builder.build(outputs.map(valueFor)),
    rows: [...rows.values()],
    config: { layers: entries, inputs: inputs.map(reference), outputs: outputs.map(reference) },
  };
}

/** The applications that outputs come from, in the order in which they were made: each after its inputs. */
function callsBetween(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): LayerApplication[] {
  const known = new Set(inputs.map(({ from }) => from));
  const found = new Set<LayerApplication>(known);
  const left = outputs.map(({ from }) => from);
  for (let call = left.pop(); call; call = left.pop()) {
    if (found.has(call)) continue;
    found.add(call);
    if (call.inputs.length === 0)
      throw new ModelError(
        `the outputs need input '${call.layer.name ?? call.layer.type}', which is not among the model's inputs`,
      );
    for (const { from } of call.inputs) left.push(from);
  }
  return [...found].sort((a, b) => a.order - b.order);
}

/** Lowers one call of a layer; `reference` is what later layers call it. */
function lowerCall(
  builder: GraphBuilder,
  layer: Layer,
  name: string,
  inputs: Inputs,
  reference = name,
): Value {
  const output = lowerLayer(builder, layer, name, inputs);
  builder.calls.push({ name: reference, type: layer.type, output });
  return output;
}

function rowOf(
  { type }: Layer,
  name: string,
  outputShape: Shape,
  own: readonly Parameter[],
  from: readonly string[],
): LayerRow {
  const count = (parameters: readonly Parameter[]) =>
    parameters.reduce((sum, { shape }) => sum + elements(shape), 0);
  return { name, type, outputShape, parameters: count(own), trained: count(own.filter(isTrained)), from };
}

function requireParameters({ parameters }: GraphBuilder): void {
  if (parameters.length === 0) throw new ModelError("the model has no parameters: there is nothing to train");
}

/** Whether the layers are a chain: each takes what the one before it gives. */
function isChain(rows: readonly LayerRow[]): boolean {
  return rows.every(({ from }, i) => (i === 0 ? from.length === 0 : from.join() === rows[i - 1]!.name));
}

/** The layer table, as Keras prints it; where it is no chain, with what each layer is connected to. */
export function summaryTable(title: string, rows: readonly LayerRow[]): string {
  const connected = !isChain(rows);
  const cells = [
    ["Layer (type)", "Output shape", "Parameters", ...(connected ? ["Connected to"] : [])],
    ...rows.map(({ name, type, outputShape, parameters, from }) => [
      `${name} (${type})`,
      `(batch, ${outputShape.join(", ")})`,
      count(parameters),
      ...(connected ? [from.join(", ") || "-"] : []),
    ]),
  ];
  const widths = cells[0]!.map((_, column) =>
    cells.reduce((widest, row) => Math.max(widest, row[column]!.length), 0),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  const total = rows.reduce((sum, { parameters }) => sum + parameters, 0);
  const trained = rows.reduce((sum, row) => sum + row.trained, 0);
  return [
    `Model: ${title}`,
    rule,
    lines[0],
    rule,
    ...lines.slice(1),
    rule,
    `Total parameters: ${count(total)} (${size(total)})`,
    ...(trained === total
      ? []
      : [
          `Trainable parameters: ${count(trained)} (${size(trained)})`,
          `Non-trainable parameters: ${count(total - trained)} (${size(total - trained)})`,
        ]),
  ].join("\n");
}

const count = (numbers: number) => numbers.toLocaleString("en-US");

/** Bytes of so many numbers. */
function size(numbers: number): string {
  const kibibytes = (4 * numbers) / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}
