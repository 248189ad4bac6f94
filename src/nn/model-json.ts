import * as v from "valibot";
import { ModelError } from "./errors.ts";
import { INITIALIZERS } from "./initializers.ts";
import type { Layer } from "./layers/index.ts";
import { ACTIVATIONS } from "./layers/layer.ts";
import { CREATE, type LayerType, layerOf, type ModelConfig } from "./model-config.ts";

export { layersToConfig, type ModelConfig } from "./model-config.ts";

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const pair = v.union([positive, v.strictTuple([positive, positive])]);
const padding = v.picklist(["valid", "same"]);
const initializer = v.picklist(INITIALIZERS);
const common = { name: v.optional(v.string()), inputShape: v.optional(v.array(positive)) };
const parametric = { ...common, alpha: v.optional(v.pipe(v.number(), v.minValue(0))) };
const weights = {
  activation: v.optional(v.picklist(ACTIVATIONS)),
  useBias: v.optional(v.boolean()),
  kernelInitializer: v.optional(initializer),
  biasInitializer: v.optional(initializer),
};
const pooling = {
  ...common,
  poolSize: v.optional(pair),
  strides: v.optional(pair),
  padding: v.optional(padding),
};

/** Options of each layer type, as a model file spells them: the names and defaults of the layer functions. */
const OPTIONS: Readonly<Record<LayerType, v.GenericSchema>> = {
  conv2d: v.strictObject({
    type: v.literal("conv2d"),
    ...common,
    filters: positive,
    kernelSize: pair,
    strides: v.optional(pair),
    padding: v.optional(padding),
    dilationRate: v.optional(pair),
    ...weights,
  }),
  dense: v.strictObject({ type: v.literal("dense"), ...common, units: positive, ...weights }),
  maxPooling2d: v.strictObject({ type: v.literal("maxPooling2d"), ...pooling }),
  averagePooling2d: v.strictObject({ type: v.literal("averagePooling2d"), ...pooling }),
  globalAveragePooling2d: v.strictObject({ type: v.literal("globalAveragePooling2d"), ...common }),
  flatten: v.strictObject({ type: v.literal("flatten"), ...common }),
  dropout: v.strictObject({
    type: v.literal("dropout"),
    ...common,
    rate: v.pipe(
      v.number(),
      v.minValue(0),
      v.check((rate) => rate < 1, "expected a rate below 1"),
    ),
  }),
  activation: v.strictObject({
    type: v.literal("activation"),
    ...common,
    activation: v.picklist(ACTIVATIONS),
  }),
  leakyRelu: v.strictObject({ type: v.literal("leakyRelu"), ...parametric }),
  elu: v.strictObject({ type: v.literal("elu"), ...parametric }),
};

const MODEL = v.strictObject({
  name: v.optional(v.string()),
  layers: v.pipe(v.array(v.looseObject({ type: v.string() })), v.minLength(1)),
});

/** Layers from plain data. Throws ModelError that names the layer, the option, what was got and expected. */
export function layersFromConfig(config: unknown): Layer[] {
  const model = v.safeParse(MODEL, config);
  if (!model.success) throw new ModelError(`the model file does not fit: ${issuesText(model.issues)}`);
  return model.output.layers.map((entry, i) => {
    const where = `number ${i + 1} (${entry.type})`;
    if (!Object.hasOwn(CREATE, entry.type))
      throw new ModelError(
        `no layer type has that name: expected one of ${Object.keys(CREATE).join(", ")}`,
        where,
      );
    const options = v.safeParse(OPTIONS[entry.type as LayerType], entry);
    if (!options.success) throw new ModelError(issuesText(options.issues), where);
    return layerOf(options.output as ModelConfig["layers"][number]);
  });
}

function issuesText(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .map((issue) => `${issue.path?.map((item) => String(item.key)).join(".") ?? "it"}: ${issue.message}`)
    .join("; ");
}
