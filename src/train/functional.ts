import { ModelError } from "../compiler/errors.ts";
import { buildFunctional } from "../model/build.ts";
import { INPUT } from "../model/layers/input.ts";
import type { SymbolicTensor } from "../model/layers/types.ts";
import { isGraphConfig, layersFromConfig, type ModelConfig, tensorsFromConfig } from "../model/model-json.ts";
import { isSymbolic } from "../model/symbolic.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { needed, some, type TableOf, text } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import type { Loaded } from "./compiled-options.ts";
import { Model } from "./model.ts";
import { Sequential } from "./sequential.ts";

export interface FunctionalOptions {
  /** What input() gave: one, or a list. */
  inputs: SymbolicTensor | readonly SymbolicTensor[];
  /** What layers' apply() gave: one, or a list. */
  outputs: SymbolicTensor | readonly SymbolicTensor[];
  /** Default "functional". */
  name?: string | undefined;
}

const tensors = (example: string) => needed(some<SymbolicTensor>("", () => true, example));
const FUNCTIONAL: Checked = {
  call: "model(*)",
  table: (): TableOf<FunctionalOptions> => ({ inputs: tensors("x"), outputs: tensors("y"), name: text }),
  error: (problem, who) => new ModelError(`${who}: ${problem}`),
};

/**
 * A model of layers that were applied to each other, with branches, skips and shared layers: Keras's functional API. Samples
 * for several inputs or outputs hold lists, in their order; see Samples.
 *
 *     const x = input({ shape: [32, 32, 3] });
 *     const y = dense({ units: 10, activation: "softmax" }).apply(flatten().apply(x));
 *     const net = model({ inputs: x, outputs: y });
 *
 * Throws ModelError, naming the layer, where something does not fit.
 */
export function model(options: FunctionalOptions): Model {
  checkOptions(FUNCTIONAL, options);
  const { name = "functional" } = options;
  return functional(listOf("inputs", options.inputs), listOf("outputs", options.outputs), name, undefined);
}

function functional(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
  name: string,
  loaded: Loaded | undefined,
): Model {
  const { graph, rows, config } = buildFunctional(inputs, outputs);
  return new Model({ config: { name, ...config }, graph, rows, loaded });
}

/** The tensors that were given. Throws ModelError where one is none, and where an input is what a layer gives. */
function listOf(what: "inputs" | "outputs", given: unknown): SymbolicTensor[] {
  const list = ([] as unknown[]).concat(given);
  if (list.length === 0) throw new ModelError(`model: ${what} is empty, expected at least one`);
  for (const tensor of list) {
    if (!isSymbolic(tensor))
      throw new ModelError(
        `model: among ${what} is ${show(tensor)}, expected what ${what === "inputs" ? "input()" : "layers' apply()"} gives. Write: model({ inputs: x, outputs: dense({ units: 10 }).apply(x) })`,
      );
    if (what === "inputs" && tensor.from.layer.type !== INPUT.type)
      throw new ModelError(
        `model: among inputs is what layer ${show(tensor.from.layer.name ?? tensor.from.layer.type)} gives, expected what input() gives`,
      );
  }
  if (what === "inputs" && new Set(list).size < list.length)
    throw new ModelError("model: an input is given twice, expected each once");
  return list as SymbolicTensor[];
}

/**
 * The model that plain data describes: a chain of layers or a graph, as Model.toConfig() gives it.
 * Throws ModelError that names the layer, the option, what was got and what to write.
 */
export function modelFromConfig(config: ModelConfig): Model {
  return buildModel(config, undefined);
}

/** The same, with what the model's file holds beside its architecture. */
export function buildModel(config: ModelConfig, loaded: Loaded | undefined): Model {
  if (isGraphConfig(config)) {
    const { inputs, outputs } = tensorsFromConfig(config);
    const { name = "functional" } = config;
    return functional(listOf("inputs", inputs), listOf("outputs", outputs), name, loaded);
  }
  const layers = layersFromConfig(config);
  return new Sequential(layers, { name: config.name }, loaded);
}
