import { optionProblem } from "../options/check.ts";
import { isObject, needed, some, type Table, text } from "../options/kinds.ts";
import { adviceOn, nearest } from "../options/names.ts";
import { show, written } from "../options/show.ts";
import { requireLayerCount } from "./build.ts";
import { ModelError } from "./errors.ts";
import { type Layer, layerTable, makeLayer } from "./layers/layer.ts";
import { LAYERS } from "./model-config.ts";

export { layersToConfig, type ModelConfig } from "./model-config.ts";

type Entry = Record<string, unknown>;

const MODEL: Table = {
  name: text,
  layers: needed(
    some<readonly unknown[]>("a list of layers", (value) => Array.isArray(value) && value.length > 0),
  ),
};
const EXAMPLE = '{"layers": [{"type": "flatten"}, {"type": "dense", "units": 10, "activation": "softmax"}]}';

/** Layers from plain data. Throws ModelError that names the layer, the option, what was got and what to write. */
export function layersFromConfig(config: unknown): Layer[] {
  const problem = optionProblem(MODEL, config, () => EXAMPLE);
  if (problem !== undefined) throw new ModelError(`the model file does not fit: ${problem}`);
  const { layers } = config as { layers: readonly unknown[] };
  requireLayerCount(layers.length);
  return layers.map(layerOf);
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
