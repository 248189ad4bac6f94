import { optionProblem } from "../options/check.ts";
import { isObject, needed, some, type Table, text } from "../options/kinds.ts";
import { adviceOn, nearest } from "../options/names.ts";
import { show, written } from "../options/show.ts";
import { requireLayerCount } from "./build.ts";
import { ModelError } from "./errors.ts";
import { INPUT, inputOf } from "./layers/input.ts";
import { type Layer, layerTable, makeLayer } from "./layers/layer.ts";
import { LAYERS } from "./layers/registry.ts";
import type { SymbolicTensor } from "./layers/types.ts";
import type { ModelConfig } from "./model-config.ts";
import { applyAll } from "./symbolic.ts";

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
const EXAMPLE = '{"layers": [{"type": "flatten"}, {"type": "dense", "units": 10, "activation": "softmax"}]}';

/** Layers of a chain from plain data. Throws ModelError that names the layer, the option, what was got and what to write. */
export function layersFromConfig(config: unknown): Layer[] {
  const { layers, inputs } = checkModel(config);
  if (inputs)
    throw new ModelError("the model is a graph of layers, not a list of them: use modelFromConfig(config)");
  return layers.map(layerOf);
}

/** Whether plain data describes a graph, in which layers name what they take, and no chain. */
export function isGraphConfig(config: ModelConfig): boolean {
  return config.inputs !== undefined;
}

/** The inputs and outputs of a graph from plain data. Throws ModelError as layersFromConfig() does. */
export function tensorsFromConfig(config: unknown): {
  inputs: SymbolicTensor[];
  outputs: SymbolicTensor[];
} {
  const model = checkModel(config);
  const layers = new Map<string, Layer>();
  /** What each name stands for. */
  const given = new Map<string, readonly SymbolicTensor[]>();
  const find = (reference: unknown, where: string): SymbolicTensor => {
    const [, name, index = "1"] = /^(.*?)(?:@(\d+))?$/s.exec(String(reference))!;
    const found = given.get(name!)?.[Number(index) - 1];
    if (found) return found;
    const known = [...given.keys()];
    throw new ModelError(
      `takes ${show(reference)}, which no layer before it gives: ${adviceOn(String(reference), known)}`,
      where,
    );
  };
  const counts = new Map<string, number>();
  model.layers.forEach((entry, i) => {
    const { again, from, ...plain } = isObject(entry) ? entry : { again: undefined, from: undefined };
    const where = `number ${i + 1}`;
    if (from !== undefined && !Array.isArray(from))
      throw new ModelError(`from is ${show(from)}, expected a list of names of layers`, where);
    if (again !== undefined) {
      const layer = layers.get(String(again));
      if (!layer)
        throw new ModelError(
          `calls ${show(again)} again, which no layer before it is called: ${adviceOn(String(again), [...layers.keys()])}`,
          where,
        );
      const count = (counts.get(String(again)) ?? 1) + 1;
      counts.set(String(again), count);
      given.set(
        `${again}:${count}`,
        applyAll(
          layer,
          (from ?? []).map((name: unknown) => find(name, where)),
        ),
      );
      return;
    }
    const layer = layerOf(isObject(entry) ? plain : entry, i);
    const { name } = layer;
    if (name === undefined) throw new ModelError("has no name: each layer of a graph needs one", where);
    if (given.has(name)) throw new ModelError(`two layers are named ${show(name)}: names must differ`, where);
    layers.set(name, layer);
    if (layer.type === INPUT.type) {
      if (from !== undefined) throw new ModelError("is an input and takes nothing: leave out from", where);
      given.set(name, [inputOf({ ...layer.config, name })]);
    } else {
      if (from === undefined)
        throw new ModelError('lacks from: ["name", …], the layers whose outputs it takes', where);
      given.set(
        name,
        applyAll(
          layer,
          from.map((reference) => find(reference, where)),
        ),
      );
    }
  });
  return {
    inputs: model.inputs!.map((name) => find(name, "inputs")),
    outputs: (model.outputs ?? []).map((name) => find(name, "outputs")),
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
  requireLayerCount(model.layers.length);
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
  const definition = Object.hasOwn(LAYERS, type) ? LAYERS[type] : undefined;
  if (!definition) {
    const names = Object.keys(LAYERS);
    const near = nearest(type, names);
    const line = near === undefined ? "" : ` Write: ${written({ type: near, ...options }, true)}`;
    throw new ModelError(`no layer type has that name: ${adviceOn(type, names)}${line}`, where);
  }
  const write = (right: Entry) => written({ type, ...right }, true);
  const problem = optionProblem(layerTable(definition), options, write);
  if (problem !== undefined) throw new ModelError(problem, where);
  return makeLayer(definition, options);
}
