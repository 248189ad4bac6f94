import { quoted } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import { elements, formatShape, type Graph, GraphBuilder, type Shape } from "./graph.ts";
import type { Layer } from "./layers/layer.ts";
import { MAX_LAYERS } from "./limits.ts";

/** One row of the layer table. */
export interface LayerRow {
  readonly name: string;
  readonly type: string;
  readonly outputShape: Shape;
  readonly parameters: number;
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
  if (!first.inputShape)
    throw new ModelError("the first layer needs inputShape: [height, width, channels]", names[0]);
  const builder = new GraphBuilder(first.inputShape);
  let value = builder.input;
  const rows = layers.map((layer, i): LayerRow => {
    const name = names[i]!;
    const { inputShape } = layer;
    if (i > 0 && inputShape && inputShape.join() !== value.shape.join())
      throw new ModelError(
        `inputShape is ${formatShape(inputShape)}, but the layer before it gives ${formatShape(value.shape)}`,
        name,
      );
    const before = builder.parameters.length;
    value = layer.lower(builder, name, value);
    const own = builder.parameters.slice(before);
    return {
      name,
      type: layer.type,
      outputShape: value.shape,
      parameters: own.reduce((sum, p) => sum + elements(p.shape), 0),
    };
  });
  if (builder.parameters.length === 0)
    throw new ModelError("the model has no parameters: there is nothing to train");
  return { graph: builder.build(value), rows };
}

/** The layer table, as Keras prints it. */
export function summaryTable(title: string, rows: readonly LayerRow[]): string {
  const cells = [
    ["Layer (type)", "Output shape", "Parameters"],
    ...rows.map((row) => [
      `${row.name} (${row.type})`,
      `(batch, ${row.outputShape.join(", ")})`,
      row.parameters.toLocaleString("en-US"),
    ]),
  ];
  const widths = [0, 1, 2].map((column) =>
    cells.reduce((widest, row) => Math.max(widest, row[column]!.length), 0),
  );
  const lines = cells.map((row) =>
    `${row[0]!.padEnd(widths[0]!)}  ${row[1]!.padEnd(widths[1]!)}  ${row[2]!.padStart(widths[2]!)}`.trimEnd(),
  );
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 4));
  const total = rows.reduce((sum, row) => sum + row.parameters, 0);
  return [
    `Model: ${title}`,
    rule,
    lines[0],
    rule,
    ...lines.slice(1),
    rule,
    `Total parameters: ${total.toLocaleString("en-US")} (${(total * 4) / 1024 < 1024 ? `${((total * 4) / 1024).toFixed(1)} KiB` : `${((total * 4) / 2 ** 20).toFixed(1)} MiB`})`,
  ].join("\n");
}
