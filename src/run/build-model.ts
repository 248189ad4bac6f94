import { ModelError } from "../compiler/errors.ts";
import type { Shape } from "../compiler/graph.ts";
import type { Layer } from "../model/layers/layer.ts";
import { isGraphConfig, layersFromConfig, type ModelConfig } from "../model/model-json.ts";
import { counted } from "../options/counted.ts";
import { isObject } from "../options/kinds.ts";
import { modelFromConfig } from "../train/functional.ts";
import type { Model } from "../train/model.ts";
import { Sequential } from "../train/sequential.ts";

/**
 * Builds a model for images of this shape; a chain's first layer may leave inputShape out. `classes` undefined: with as many
 * outputs as it says. Throws ModelError where it does not fit.
 */
export type ModelBuilder = (inputShape: Shape | undefined, classes: number | undefined) => Model;

const DEFAULT_SHAPE: Shape = [28, 28, 1];

/**
 * Reads a model that is given as plain data, a chain's layers alone or all of it.
 * Throws ModelError on what is no model.
 * @param name in place of the data's own
 */
export function modelOfData(data: unknown, name?: string): ModelBuilder {
  const config = Array.isArray(data) ? { layers: data } : data;
  const own = name ?? (isObject(config) ? (config as Partial<ModelConfig>).name : undefined);
  if (isGraphConfig(config)) {
    const { name: _, ...unnamed } = config as ModelConfig;
    const model = modelFromConfig(own === undefined ? unnamed : { ...unnamed, name: own });
    return (inputShape, classes) => fitting(model, inputShape, classes);
  }
  const layers = layersFromConfig(config);
  return (inputShape, classes) => chain(layers, own, inputShape, classes);
}

/**
 * A model like that one as plain data, for images of any shape that its layers take, and for other classes: its last dense layer has
 * as many units.
 */
export function modelLike(model: Model, classes: number): ModelConfig {
  const config = model.toConfig();
  const { length } = model.outputShape;
  const fits =
    length === 1 && (model.outputShape[0] === classes || (model.outputShape[0] === 1 && classes === 2));
  const head = fits ? -1 : config.layers.findLastIndex(({ type }) => type === "dense");
  const layers = config.layers.map((layer, i) => {
    const own = i === head ? { ...layer, units: classes } : layer;
    if (i > 0 || isGraphConfig(config)) return own;
    const { inputShape: _, ...others } = own as { readonly inputShape?: unknown } & typeof own;
    return others as typeof own;
  });
  return { ...config, layers };
}

/** Throws ModelError on a model of several inputs or outputs: datasets are of images and their classes. */
export function requireOneOfEach({ inputs, outputs }: Model): void {
  if (inputs.length > 1 || outputs.length > 1)
    throw new ModelError(
      `the model has ${counted(inputs.length, "input")} and ${counted(outputs.length, "output")}, expected one of each: datasets are of images and their classes; train others in code, with model.fit()`,
    );
}

/** A graph says itself what it takes: it is checked against the images. */
function fitting(model: Model, inputShape: Shape | undefined, classes: number | undefined): Model {
  if (inputShape || classes !== undefined) requireOneOfEach(model);
  if (inputShape && model.inputShape.join() !== inputShape.join())
    throw new ModelError(
      `its input has shape ${sizes(model.inputShape)}, expected ${sizes(inputShape)}, that of the images; change the shape of layer '${model.rows[0]!.name}'`,
    );
  if (classes !== undefined) checkOutputs(model, classes);
  return model;
}

function chain(
  [first, ...rest]: readonly Layer[],
  name: string | undefined,
  inputShape: Shape | undefined,
  classes: number | undefined,
): Model {
  const given = first!.inputShape;
  if (given && inputShape && given.join() !== inputShape.join())
    throw new ModelError(
      `its first layer has inputShape ${sizes(given)}, but the images are ${sizes(inputShape)}; change inputShape, or leave it out to take the images'`,
    );
  const shaped = { ...first!, inputShape: given ?? inputShape ?? DEFAULT_SHAPE };
  const model = new Sequential([shaped, ...rest], { name });
  if (classes !== undefined) checkOutputs(model, classes);
  return model;
}

/** Throws ModelError unless there is one output a class, or a single one for two classes. */
function checkOutputs(model: Model, classes: number): void {
  const outputs = model.outputShape;
  if (outputs.length === 1 && (outputs[0] === classes || (outputs[0] === 1 && classes === 2))) return;
  const last = model.rows.at(-1)!.name;
  const flat = outputs.length === 1;
  const mend = isGraphConfig(model.toConfig())
    ? `let it be a dense layer of ${classes} units with softmax${flat ? "" : ", of flat input"}`
    : `end the model with ${flat ? "" : '{"type": "flatten"}, '}{"type": "dense", "units": ${classes}, "activation": "softmax"}`;
  throw new ModelError(
    `its last layer '${last}' gives ${outputs.length === 1 ? `${outputs[0]} outputs` : `an output of shape ${sizes(outputs)}`}, but the dataset has ${classes} classes; ${mend}`,
  );
}

/** 28x28x1. */
export function sizes(shape: Shape): string {
  return shape.join("x");
}
