import * as v from "valibot";
import { ModelError } from "./errors.ts";
import { INITIALIZERS } from "./initializers.ts";
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  elu,
  flatten,
  globalAveragePooling2d,
  type Layer,
  leakyRelu,
  maxPooling2d,
} from "./layers/index.ts";
import { ACTIVATIONS } from "./layers/layer.ts";

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
const LAYERS = {
  conv2d: [
    v.strictObject({
      type: v.literal("conv2d"),
      ...common,
      filters: positive,
      kernelSize: pair,
      strides: v.optional(pair),
      padding: v.optional(padding),
      dilationRate: v.optional(pair),
      ...weights,
    }),
    conv2d,
  ],
  dense: [v.strictObject({ type: v.literal("dense"), ...common, units: positive, ...weights }), dense],
  maxPooling2d: [v.strictObject({ type: v.literal("maxPooling2d"), ...pooling }), maxPooling2d],
  averagePooling2d: [v.strictObject({ type: v.literal("averagePooling2d"), ...pooling }), averagePooling2d],
  globalAveragePooling2d: [
    v.strictObject({ type: v.literal("globalAveragePooling2d"), ...common }),
    globalAveragePooling2d,
  ],
  flatten: [v.strictObject({ type: v.literal("flatten"), ...common }), flatten],
  dropout: [
    v.strictObject({
      type: v.literal("dropout"),
      ...common,
      rate: v.pipe(
        v.number(),
        v.minValue(0),
        v.check((rate) => rate < 1, "expected a rate below 1"),
      ),
    }),
    dropout,
  ],
  activation: [
    v.strictObject({ type: v.literal("activation"), ...common, activation: v.picklist(ACTIVATIONS) }),
    activation,
  ],
  leakyRelu: [v.strictObject({ type: v.literal("leakyRelu"), ...parametric }), leakyRelu],
  elu: [v.strictObject({ type: v.literal("elu"), ...parametric }), elu],
} as const;

const MODEL = v.strictObject({
  name: v.optional(v.string()),
  layers: v.pipe(v.array(v.looseObject({ type: v.string() })), v.minLength(1)),
});

/** A model as plain data: what `model.safetensors` holds and `--model FILE.json` reads. */
export interface ModelConfig {
  readonly name?: string;
  readonly layers: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[];
}

/** Layers as plain data, names and defaults filled in. */
export function layersToConfig(layers: readonly Layer[], names: readonly string[]): ModelConfig["layers"] {
  return layers.map((layer, i) => ({
    type: layer.type,
    name: names[i]!,
    ...(layer.inputShape && { inputShape: [...layer.inputShape] }),
    ...layer.config,
  }));
}

/** Layers from plain data. Throws ModelError that names the layer, the option, what was got and expected. */
export function layersFromConfig(config: unknown): Layer[] {
  const model = v.safeParse(MODEL, config);
  if (!model.success) throw new ModelError(`the model file does not fit: ${issuesText(model.issues)}`);
  return model.output.layers.map((entry, i) => {
    const where = `number ${i + 1} (${entry.type})`;
    const known = Object.hasOwn(LAYERS, entry.type) ? LAYERS[entry.type as keyof typeof LAYERS] : undefined;
    if (!known)
      throw new ModelError(
        `no layer type has that name: expected one of ${Object.keys(LAYERS).join(", ")}`,
        where,
      );
    const [schema, create] = known;
    const options = v.safeParse(schema as v.GenericSchema, entry);
    if (!options.success) throw new ModelError(issuesText(options.issues), where);
    const { type: _, ...rest } = options.output as Record<string, unknown>;
    return (create as (options: Record<string, unknown>) => Layer)(rest);
  });
}

function issuesText(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .map((issue) => `${issue.path?.map((item) => String(item.key)).join(".") ?? "it"}: ${issue.message}`)
    .join("; ");
}
