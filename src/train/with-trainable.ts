import { type Graph, isTrained, type Op, type Parameter } from "../compiler/graph.ts";
import type { LayerRow } from "../model/build.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { isOptions } from "../options/kinds.ts";
import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import type { KeptModel } from "./keep-state.ts";

/** What changes of a model. */
export interface Parts {
  readonly config: ModelConfig & { readonly name: string };
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
}

/**
 * A model of which training changes other layers. The graph differs in nothing else, but that batch normalization of a frozen layer uses
 * its moving statistics.
 *
 * Throws TypeError on what is no name of a layer and no flag, RangeError where no layer has a name.
 */
export function withTrainable<T extends Parts>(
  parts: T,
  layers: string | readonly string[],
  trainable: boolean,
): T {
  const names = ([] as string[]).concat(layers);
  if (names.length === 0 || names.some((name) => typeof name !== "string") || typeof trainable !== "boolean")
    throw new TypeError(
      `setTrainable: got ${show(layers)} and ${show(trainable)}, expected names of layers, and true or false. Write: await model.setTrainable(${show(parts.rows[0]!.name)}, false)`,
    );
  const known = parts.rows.map(({ name }) => name);
  for (const name of names)
    if (!known.includes(name))
      throw new RangeError(`setTrainable: no layer is called ${quoted(name)}: ${adviceOn(name, known)}`);
  const graph = graphWith(parts.graph, new Set(names), trainable);
  const config = configWith(parts.config, new Set(names), trainable);
  return { ...parts, graph, config, rows: parts.rows.map((row) => rowOf(row, graph.parameters)) };
}

/** What a model begins with after that: what the optimizer keeps of parameters that are trained from now on begins at 0. */
export function carriedOver(
  { weights, optimizer }: KeptModel,
  { gradientAccumulationSteps = 1, useEma }: Optimizer["options"],
): KeptModel {
  const { vectors } = optimizer;
  const average = useEma ? vectors.length - (gradientAccumulationSteps > 1 ? 2 : 1) : -1;
  return {
    weights,
    optimizer: {
      ...optimizer,
      // At 0 it would draw weights there: an average begins with them.
      vectors: vectors.map((vector, i) => (i === average ? [...weights, ...vector] : vector)),
    },
  };
}

const layerOf = ({ name }: Parameter) => name.slice(0, name.lastIndexOf("/"));

function graphWith(graph: Graph, layers: ReadonlySet<string>, trainable: boolean): Graph {
  const replaced = new Map<unknown, Parameter>(
    graph.parameters.map((parameter) => [
      parameter,
      layers.has(layerOf(parameter)) ? { ...parameter, trainable } : parameter,
    ]),
  );
  /** Attributes name parameters, too: those of normalizations. */
  const within = (value: unknown): unknown => {
    if (replaced.has(value)) return replaced.get(value);
    if (Array.isArray(value)) return value.map(within);
    return isOptions(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(inner)]))
      : value;
  };
  const ops = graph.ops.map((op) => {
    const parameters = op.parameters.map(within);
    const own = within(op.attributes) as object;
    const attributes = op.kind === "batchNorm" && layers.has(op.layer) ? { ...own, frozen: !trainable } : own;
    return { ...op, parameters, attributes } as Op;
  });
  return { ...graph, ops, parameters: [...replaced.values()] };
}

function configWith(
  config: Parts["config"],
  names: ReadonlySet<string>,
  trainable: boolean,
): Parts["config"] {
  const layers = config.layers.map((layer): ModelConfig["layers"][number] => {
    if (!names.has(layer.name as string)) return layer;
    const { type, name, inputShape, trainable: _, ...options } = layer;
    return {
      type,
      name,
      ...(inputShape !== undefined && { inputShape }),
      ...(!trainable && { trainable }),
      ...options,
    };
  });
  return { ...config, layers };
}

function rowOf(row: LayerRow, parameters: readonly Parameter[]): LayerRow {
  const trained = parameters.filter((parameter) => layerOf(parameter) === row.name && isTrained(parameter));
  return { ...row, trained: trained.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0) };
}
