import { ModelError } from "../compiler/errors.ts";
import { optionProblem } from "../options/check.ts";
import { isObject, needed, some, type Table, text } from "../options/kinds.ts";
import { adviceOn, nearest } from "../options/names.ts";
import { show, written } from "../options/show.ts";
import { requireGraphName, requireLayerCount } from "./build.ts";
import { INPUT, inputOf } from "./layers/input.ts";
import { type Layer, layerTable, makeLayer } from "./layers/layer.ts";
import { layerDefinition, layerTypes } from "./layers/own.ts";
import type { SymbolicTensor } from "./layers/types.ts";
import { applyLayer } from "./symbolic.ts";

export { layersToConfig, type ModelConfig } from "./model-config.ts";

type Entry = Record<string, unknown>;

const names = () =>
  some<readonly string[]>(
    "a list of names of layers",
    (value) => Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string"),
  );
const MODEL: Table = {
  name: text,
  inputs: names(),
  outputs: names(),
  layers: needed(
    some<readonly unknown[]>("a list of layers", (value) => Array.isArray(value) && value.length > 0),
  ),
};
/** A further call of a layer. */
const AGAIN: Table = { type: needed(text), again: needed(text), from: names() };
const EXAMPLE = '{"layers": [{"type": "flatten"}, {"type": "dense", "units": 10, "activation": "softmax"}]}';

/** Layers of a chain from plain data. Throws ModelError that names the layer, the option, what was got and what to write. */
export function layersFromConfig(config: unknown): Layer[] {
  const { layers, inputs } = checkModel(config);
  if (inputs)
    throw new ModelError("the model is a graph of layers, not a list of them: use modelFromConfig(config)");
  return layers.map(layerOf);
}

/** Whether plain data describes a graph, in which layers name what they take, and no chain. */
export function isGraphConfig(config: unknown): boolean {
  return isObject(config) && config.inputs !== undefined;
}

/** The inputs and outputs of a graph from plain data. Throws ModelError as layersFromConfig() does. */
export function tensorsFromConfig(config: unknown): {
  inputs: SymbolicTensor[];
  outputs: SymbolicTensor[];
} {
  const model = checkModel(config);
  const layers = new Map<string, Layer>();
  const counts = new Map<string, number>();
  /** What each name stands for. */
  const given = new Map<string, SymbolicTensor>();
  const find = (name: string, where: string): SymbolicTensor => {
    const found = given.get(name);
    if (found) return found;
    const advice = adviceOn(name, [...given.keys()]);
    throw new ModelError(`takes ${show(name)}, which no layer before it gives: ${advice}`, where);
  };
  const from = (value: unknown, where: string): SymbolicTensor[] => {
    const kind = names();
    if (!kind.accepts(value))
      throw new ModelError(
        `from is ${value === undefined ? "missing" : show(value)}, expected ${kind.expected}, whose outputs it takes. Write: "from": ["name"]`,
        where,
      );
    return value.map((name) => find(name, where));
  };
  model.layers.forEach((entry, i) => {
    const where = `number ${i + 1}`;
    if (isObject(entry) && entry.again !== undefined) {
      const problem = optionProblem(AGAIN, entry, (right) => written(right, true));
      if (problem !== undefined) throw new ModelError(problem, where);
      const { type, again } = entry as { type: string; again: string };
      const layer = layers.get(again);
      if (layer?.type !== type) {
        const known = [...layers.entries()].filter(([, other]) => other.type === type).map(([name]) => name);
        throw new ModelError(
          `calls ${show(again)} again, and no layer of type ${show(type)} before it has that name: ${adviceOn(again, known)}`,
          where,
        );
      }
      const count = (counts.get(again) ?? 1) + 1;
      counts.set(again, count);
      given.set(`${again}:${count}`, applyLayer(layer, from(entry.from, where)));
      return;
    }
    const { from: sources, ...plain } = isObject(entry) ? entry : { from: undefined };
    const layer = layerOf(isObject(entry) ? plain : entry, i);
    const { name } = layer;
    if (name === undefined) throw new ModelError("has no name: each layer of a graph needs one", where);
    requireGraphName(name);
    if (given.has(name)) throw new ModelError(`two layers are named ${show(name)}: names must differ`, where);
    if (layer.type === INPUT.type) {
      if (sources !== undefined) throw new ModelError("is an input and takes nothing: leave out from", where);
      given.set(name, inputOf(layer));
    } else {
      layers.set(name, layer);
      given.set(name, applyLayer(layer, from(sources, where)));
    }
  });
  return {
    inputs: model.inputs!.map((name) => find(name, "inputs")),
    outputs: model.outputs!.map((name) => find(name, "outputs")),
  };
}

function checkModel(config: unknown): {
  layers: readonly unknown[];
  inputs?: readonly string[];
  outputs?: readonly string[];
} {
  const problem = optionProblem(MODEL, config, () => EXAMPLE);
  if (problem !== undefined) throw new ModelError(`the model file does not fit: ${problem}`);
  const model = config as ReturnType<typeof checkModel>;
  if (model.inputs && !model.outputs)
    throw new ModelError(
      'the model file does not fit: it names inputs and no outputs. Write: "outputs": ["name"]',
    );
  if (model.outputs && !model.inputs)
    throw new ModelError(
      'the model file does not fit: it names outputs and no inputs. Write: "inputs": ["name"]',
    );
  // A layer that takes many values becomes many ops.
  const parts = (entry: unknown) => (isObject(entry) && Array.isArray(entry.from) ? entry.from.length : 1);
  requireLayerCount(model.layers.reduce<number>((sum, entry) => sum + Math.max(1, parts(entry) - 1), 0));
  return model;
}

function layerOf(entry: unknown, i: number): Layer {
  const number = `number ${i + 1}`;
  if (!isObject(entry) || typeof entry.type !== "string")
    throw new ModelError(
      `${isObject(entry) ? `type is ${show(entry.type)}` : `got ${show(entry)}`}, expected a layer. Write: {"type": "dense", "units": 10}`,
      number,
    );
  const { type, ...options } = entry;
  const where = `${number} (${type.slice(0, 40)})`;
  const definition = layerDefinition(type);
  if (!definition) {
    const names = layerTypes();
    const near = nearest(type, names);
    const line = near === undefined ? "" : ` Write: ${written({ type: near, ...options }, true)}`;
    throw new ModelError(
      `no layer type has that name: ${adviceOn(type, names)}${line}${near === undefined ? "; one of your own is known once defineLayer() has run" : ""}`,
      where,
    );
  }
  const write = (right: Entry) => written({ type, ...right }, true);
  const problem = optionProblem(layerTable(definition), options, write);
  if (problem !== undefined) throw new ModelError(problem, where);
  return makeLayer(definition, options);
}
