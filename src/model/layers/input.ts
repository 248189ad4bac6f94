import { ModelError } from "../../compiler/errors.ts";
import type { Shape } from "../../compiler/graph.ts";
import { checkOptions } from "../../options/check.ts";
import { needed, type OptionsOf } from "../../options/kinds.ts";
import { applied } from "../symbolic.ts";
import { COMMON, defineLayer, type Layer, type LayerDefinition, makeLayer } from "./layer.ts";
import type { SymbolicTensor } from "./types.ts";

const options = {
  /** One sample's shape: `[height, width, channels]` for images. */
  shape: needed(COMMON.inputShape),
};

export interface InputOptions extends OptionsOf<typeof options> {
  /** Default "input", numbered from the second on: what samples of several inputs are named by. */
  name?: string | undefined;
}

export const INPUT = defineLayer({
  type: "input",
  options,
  lower: (graph, _name, _inputs, { shape }) => graph.input(shape),
});

/** Where numbers enter a model: what layers are applied to, for model({ inputs, outputs }). */
export function input(given: InputOptions): SymbolicTensor {
  const table = { ...options, name: COMMON.name };
  const error = (problem: string, who: string) => new ModelError(`${who}: ${problem}`);
  checkOptions({ call: "input(*)", table, error }, given);
  return inputOf(makeLayer(INPUT as unknown as LayerDefinition, given as unknown as Record<string, unknown>));
}

/** What an input layer gives. */
export function inputOf(layer: Layer): SymbolicTensor {
  return applied(layer, [], layer.config.shape as Shape);
}
