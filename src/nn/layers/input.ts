import { checkOptions } from "../../options/check.ts";
import { needed, type OptionsOf } from "../../options/kinds.ts";
import { ModelError } from "../errors.ts";
import { applied } from "../symbolic.ts";
import { COMMON, defineLayer, makeLayer } from "./layer.ts";
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
  return inputOf(given as unknown as Record<string, unknown>);
}

/** The input of options that are known to be right. */
export function inputOf(given: Readonly<Record<string, unknown>>): SymbolicTensor {
  const layer = makeLayer(INPUT as unknown as Parameters<typeof makeLayer>[0], given);
  return applied(layer, [], [given.shape as readonly number[]])[0]!;
}
