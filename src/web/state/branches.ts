// Which layers take what others give. A layer of the list without `from` takes what the one before it gives; `from` has the
// numbers of those that it takes, counted from 1, and 0 for the image.
import type { ModelConfig } from "../../model/model-config.ts";
import { LAYER_TYPES, type LayerSpec, variesPictures, withoutDefaults } from "./layers.ts";

/** The number of the image, where layers are counted from 1. */
export const IMAGE = 0;

/** Numbers of what a layer takes, by its place in the list. */
export function sourcesOf(layers: readonly LayerSpec[], at: number): readonly number[] {
  return layers[at]!.from ?? [at];
}

/** Whether each layer takes what the one before it gives, and that alone. */
export function isChain(layers: readonly LayerSpec[]): boolean {
  return layers.every(({ from }, at) => from === undefined || isPrevious(from, at));
}

const isPrevious = (from: readonly number[], at: number) => from.length === 1 && from[0] === at;

export function mergesInputs(type: string): boolean {
  return LAYER_TYPES[type]?.merges === true;
}

/** Whether `from` of a link names layers before that one, and as many as it can take. */
export function canTake(layers: readonly LayerSpec[], at: number): boolean {
  const from = sourcesOf(layers, at);
  return (
    from.length > 0 &&
    from.every((number) => Number.isInteger(number) && number >= IMAGE && number <= at) &&
    (from.length === 1 || mergesInputs(layers[at]!.type))
  );
}

/** "5. Convolution", or "the image". */
export function calledLayer(layers: readonly LayerSpec[], number: number): string {
  if (number === IMAGE) return "the image";
  const { type } = layers[number - 1]!;
  return `${number}. ${LAYER_TYPES[type]?.label ?? type}`;
}

/** A layer, and the layers that it takes: numbers would change with each edit. undefined: the image. */
interface Node {
  readonly spec: LayerSpec;
  from: readonly (Node | undefined)[];
}

function nodesOf(layers: readonly LayerSpec[]): Node[] {
  const nodes: Node[] = layers.map((spec) => ({ spec, from: [] }));
  for (const [at, node] of nodes.entries())
    node.from = sourcesOf(layers, at).map((number) => nodes[number - 1]);
  return nodes;
}

function listOf(nodes: readonly Node[]): LayerSpec[] {
  const numbers = new Map<Node | undefined, number>(nodes.map((node, at) => [node, at + 1]));
  numbers.set(undefined, IMAGE);
  return nodes.map(({ spec: { from: _, ...spec }, from }, at) => {
    const taken = from.map((node) => numbers.get(node)!);
    return isPrevious(taken, at) ? spec : { ...spec, from: taken };
  });
}

/** In place of one of those that a layer takes others; none is taken twice for that. */
function replace(node: Node, one: Node | undefined, others: readonly (Node | undefined)[]): void {
  const taken = node.from.flatMap((source) => (source === one ? others : [source]));
  node.from = taken.filter((source, i) => !others.includes(source) || taken.indexOf(source) === i);
}

/** A list after an edit, and the layers that take something else now, by their numbers in it: but for those that a chain would change, too. */
export interface Edited {
  readonly layers: LayerSpec[];
  readonly rewired: readonly number[];
}

/**
 * With a layer more, in the line: the one behind it takes it, where that took the one before. `others`: what it takes besides that;
 * `forAll`: all that took the one before take it.
 */
export function insertLayer(
  layers: readonly LayerSpec[],
  at: number,
  spec: LayerSpec,
  { others = [], forAll = false }: { readonly others?: readonly number[]; readonly forAll?: boolean } = {},
): LayerSpec[] {
  const nodes = nodesOf(layers);
  const before = nodes[at - 1];
  const node: Node = { spec, from: [before, ...others.map((number) => nodes[number - 1])] };
  const behind = forAll ? nodes.slice(at) : nodes.slice(at, at + 1);
  for (const reader of behind) if (reader.from.includes(before)) replace(reader, before, [node]);
  return listOf(nodes.toSpliced(at, 0, node));
}

/** Where a layer that varies pictures is put: behind those that do so at the beginning. */
export function placeToVary(layers: readonly LayerSpec[]): number {
  const other = layers.findIndex(({ type }, at) => !variesPictures(type) || sourcesOf(layers, at)[0] !== at);
  return other < 0 ? layers.length : other;
}

/** Without a layer: those that took it take what it took; of a layer that merges, the first. */
export function removeLayer(layers: readonly LayerSpec[], at: number): Edited {
  const nodes = nodesOf(layers);
  const [gone] = nodes.splice(at, 1) as [Node];
  const readers = nodes.filter(({ from }) => from.includes(gone));
  for (const reader of readers) replace(reader, gone, [gone.from[0]]);
  const inLine = gone.from.length === 1 && gone.from[0] === nodes[at - 1];
  return {
    layers: listOf(nodes),
    rewired: readers
      .filter((reader) => !(inLine && reader === nodes[at] && reader.from.length === 1))
      .map((reader) => nodes.indexOf(reader) + 1),
  };
}

/**
 * With a layer and the one behind it in each other's place. Where the second takes the first, so it is along the branch, too, and who
 * took the one takes what lies in its place; else they are counted the other way round, and that is all.
 */
export function swapLayers(layers: readonly LayerSpec[], at: number): Edited {
  const nodes = nodesOf(layers);
  const [first, second] = nodes.slice(at, at + 2) as [Node, Node];
  const rewired: Node[] = [];
  if (second.from.includes(first)) {
    const others = nodes.filter((node) => node !== second);
    for (const reader of others) {
      if (!reader.from.includes(first) && !reader.from.includes(second)) continue;
      reader.from = reader.from.map((node) => (node === first ? second : node === second ? first : node));
      if (reader !== nodes[at + 2] || reader.from.length > 1) rewired.push(reader);
    }
    replace(second, first, [first.from[0]]);
    first.from = [second, ...first.from.slice(1)];
  }
  nodes.splice(at, 2, second, first);
  return { layers: listOf(nodes), rewired: rewired.map((node) => nodes.indexOf(node) + 1) };
}

/** With a layer that takes these. */
export function rewireLayer(
  layers: readonly LayerSpec[],
  at: number,
  numbers: readonly number[],
): LayerSpec[] {
  const nodes = nodesOf(layers);
  nodes[at]!.from = numbers.map((number) => nodes[number - 1]);
  return listOf(nodes);
}

/** What is told of layers that take something else after an edit, in a sentence; undefined: nothing. */
export function rewiredInWords({ layers, rewired }: Edited): string | undefined {
  if (rewired.length === 0) return undefined;
  const told = rewired.map(
    (number) =>
      `${calledLayer(layers, number)} now takes ${sourcesOf(layers, number - 1)
        .map((source) => calledLayer(layers, source))
        .join(" and ")}`,
  );
  return `${told.join("; ")}.`;
}

/** The first layer that none takes, though it is not the last: undefined where there is none. */
export function unread(layers: readonly LayerSpec[]): number | undefined {
  const taken = new Set(layers.flatMap((_, at) => sourcesOf(layers, at)));
  const found = layers.findIndex((_, at) => at < layers.length - 1 && !taken.has(at + 1));
  return found < 0 ? undefined : found;
}

/** What a model with branches calls its layers: as it does of itself. */
export function layerNames(layers: readonly LayerSpec[]): string[] {
  const seen = new Map<string, number>();
  return layers.map(({ type }) => {
    const before = seen.get(type) ?? 0;
    seen.set(type, before + 1);
    return before === 0 ? type : `${type}_${before}`;
  });
}

const INPUT = "input";

/** The layers as a model file has them, for images of that shape. */
export function modelConfig(layers: readonly LayerSpec[], shape: readonly number[]): ModelConfig {
  const plain = layers.map(({ from: _, ...spec }) => spec);
  if (isChain(layers))
    return { layers: plain.map((spec, at) => (at === 0 ? { ...spec, inputShape: [...shape] } : spec)) };
  const names = layerNames(layers);
  const nameOf = (number: number) => (number === IMAGE ? INPUT : names[number - 1]!);
  return {
    inputs: [INPUT],
    outputs: [names.at(-1)!],
    layers: [
      { type: INPUT, name: INPUT, shape: [...shape] },
      ...plain.map((spec, at) => ({
        ...spec,
        name: names[at]!,
        from: sourcesOf(layers, at).map(nameOf),
      })),
    ],
  };
}

/** The editor's layers for a model of one input and one output; undefined where it calls a layer again, which the editor cannot say. */
export function layersOfConfig({ layers, inputs, outputs }: ModelConfig): LayerSpec[] | undefined {
  if (!inputs) return layers.map((layer) => withoutDefaults(layer));
  const [first, ...rest] = layers;
  const numbers = new Map([[first?.name, IMAGE], ...rest.map(({ name }, at) => [name, at + 1] as const)]);
  const fits =
    inputs.length === 1 &&
    outputs?.length === 1 &&
    first?.type === INPUT &&
    rest.at(-1)?.name === outputs[0] &&
    rest.every(({ type, again }) => type !== INPUT && again === undefined);
  if (!fits) return undefined;
  return rest.map(({ from, ...layer }, at) => {
    const taken = (from as readonly string[]).map((name) => numbers.get(name)!);
    const spec = withoutDefaults(layer);
    return isPrevious(taken, at) ? spec : { ...spec, from: taken };
  });
}

/** A stretch of the line beside the layers: what a layer gives goes along it to layers further on. */
export interface Detour {
  /** 1 is the next to the layers. */
  readonly lane: number;
  readonly from: number;
  /** Numbers of those that take it, in order. */
  readonly to: readonly number[];
}

/** What goes past layers, each in a lane of its own while it does. */
export function detours(layers: readonly LayerSpec[]): Detour[] {
  const readers = new Map<number, number[]>();
  for (const at of layers.keys())
    for (const source of new Set(sourcesOf(layers, at)))
      if (source !== at) readers.set(source, [...(readers.get(source) ?? []), at + 1]);
  const ends: number[] = [];
  return [...readers.entries()]
    .sort(([a], [b]) => a - b)
    .map(([from, to]) => {
      const free = ends.findIndex((end) => end < from);
      const lane = free < 0 ? ends.length : free;
      ends[lane] = to.at(-1)!;
      return { lane: lane + 1, from, to };
    });
}
