import { ModelError } from "../../compiler/errors.ts";
import { type Checked, checkOptions } from "../../options/check.ts";
import { callable, flag, isOptions, needed, type OptionsOf, some, type Table } from "../../options/kinds.ts";
import { LAYERS } from "./index.ts";
import { COMMON, type LayerDefinition, type LayerOptions, layer } from "./layer.ts";
import type { Layer } from "./types.ts";

const DEFINE: Checked = {
  call: "defineLayer(*)",
  table: {
    type: needed(
      some<string>(
        "a name of letters and digits",
        (value) => typeof value === "string" && /^[A-Za-z]\w*$/.test(value),
      ),
      "mine",
    ),
    options: some<Table>("a table of options", isOptions, {}),
    merges: flag,
    lower: needed(callable("a function that adds ops to a graph")),
  },
  error: (problem, who) => new ModelError(`${who}: ${problem}`),
};

/** Types of layers that users defined, by name. */
const OWN = new Map<string, LayerDefinition>();

/** A function that makes layers of a type of one's own. */
export type LayerFunction<T extends Table> =
  Record<string, never> extends OptionsOf<T>
    ? (options?: LayerOptions & OptionsOf<T>) => Layer
    : (options: LayerOptions & OptionsOf<T>) => Layer;

/**
 * A type of layer of your own: its name, the table of its options (see `kinds`), and the ops that it adds to a graph. The
 * function that makes such layers, which check their options as all do; models that have some are saved, loaded and
 * trained in workers as any, once the type is defined where they are loaded. Defined again, the later definition counts.
 *
 *     const scaled = defineLayer({
 *       type: "scaled",
 *       options: { units: kinds.needed(kinds.whole(), 10) },
 *       lower: (graph, name, inputs, { units }) => dense({ units }).lower(graph, name, inputs),
 *     });
 *
 * Throws ModelError where the type is built-in, or the definition lacks something.
 */
export function defineLayer<const T extends Table = Record<never, never>>(
  definition: Omit<LayerDefinition<T>, "options"> & { readonly options?: T },
): LayerFunction<T> {
  checkOptions(DEFINE, definition);
  const { type, options = {} as T } = definition;
  if (Object.hasOwn(LAYERS, type))
    throw new ModelError(`defineLayer: there is a layer type '${type}' already; call yours otherwise`);
  for (const key of ["type", "from", "again", ...Object.keys(COMMON)])
    if (Object.hasOwn(options, key))
      throw new ModelError(
        `defineLayer: option '${key}' of '${type}' means something for all layers; call it otherwise`,
      );
  const made = { ...definition, options } as LayerDefinition<T>;
  OWN.set(type, made as unknown as LayerDefinition);
  return ((given = {} as LayerOptions & OptionsOf<T>) => layer(made, given)) as LayerFunction<T>;
}

/** A built-in type of layer, or one that was defined; undefined where there is none of that name. */
export function layerDefinition(type: string): LayerDefinition | undefined {
  return Object.hasOwn(LAYERS, type) ? LAYERS[type] : OWN.get(type);
}

/** Names of all types. */
export function layerTypes(): string[] {
  return [...Object.keys(LAYERS), ...OWN.keys()];
}
