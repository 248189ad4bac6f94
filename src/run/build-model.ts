import { ModelError } from "../compiler/errors.ts";
import type { Shape } from "../compiler/graph.ts";
import type { LoadedModel } from "../formats/model-file.ts";
import type { LossData, LossName } from "../losses/names.ts";
import { type Ending, endingOf, IMAGE_MODELS } from "../model/image-models.ts";
import type { Layer } from "../model/layers/layer.ts";
import { isGraphConfig, layersFromConfig, type ModelConfig } from "../model/model-json.ts";
import { fittingModels } from "../model/models.ts";
import { counted } from "../options/counted.ts";
import { isObject } from "../options/kinds.ts";
import { modelFromConfig } from "../train/functional.ts";
import type { Model } from "../train/model.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import { createModel } from "../train/named.ts";
import { Sequential } from "../train/sequential.ts";

/** What a model is to give for an image. */
export interface Wanted {
  /** One number a class; of images one for each pixel and class, or channel. */
  readonly outputs: Shape;
  /** Whether they are numbers, and no classes. */
  readonly numbers: boolean;
  /** Of numbers what the usual model ends with, so that it can reach them. Default "sigmoid": they lie from 0 to 1. */
  readonly ending?: Ending;
}

/**
 * Builds a model for images of this shape; a chain's first layer may leave inputShape out. `wanted`: so many classes, or what else;
 * undefined: with as many outputs as it says. Throws ModelError where it does not fit.
 */
export type ModelBuilder = (inputShape: Shape | undefined, wanted: Wanted | number | undefined) => Model;

/** A model by name for the images of a dataset. Throws ModelError where it does not fit. */
export function modelByName(name: string, inputShape: Shape, wanted: Wanted): Model {
  const { outputs, numbers } = wanted;
  const images = Object.hasOwn(IMAGE_MODELS, name);
  const ending = numbers || images ? usualEnding(wanted) : undefined;
  const model = createModel(name, inputShape, outputs.at(-1)!, ending);
  if (fits(model.outputShape, outputs)) return model;
  const gives = images ? `an image of ${sizes(model.outputShape)}` : "a class";
  throw new ModelError(
    `model ${name} gives ${gives} for an image, but the answers are ${described({ outputs, numbers })}${adviceOn(inputShape, { outputs, numbers })}`,
  );
}

const usualEnding = ({ outputs, numbers, ending }: Wanted): Ending =>
  numbers ? (ending ?? "sigmoid") : endingOf(outputs.at(-1)!);

type LayerData = ModelConfig["layers"];
const isActivation = (type: string) => type === "activation" || type === "softmax";
/** The layer that gives an output its numbers: those after it, but for one of an activation, move them. */
const endIn = (layers: LayerData) =>
  layers.findLastIndex(
    ({ type }) => isActivation(type) || type === "dense" || /^(conv|separable)/i.test(type),
  );

/** What layers end with. */
function activationAtEnd(layers: LayerData): unknown {
  const { type, activation = "linear" } = (layers[endIn(layers)] ?? {}) as Record<string, unknown>;
  return type === "softmax" ? type : activation;
}

/** Layers with another activation at their end. */
function withEnding(layers: LayerData, activation: Ending): LayerData {
  const end = endIn(layers);
  return layers.map((layer, i) => {
    if (i !== end) return layer;
    return { ...layer, ...(layer.type === "softmax" && { type: "activation" }), activation };
  });
}

/** What to write where a model by name gives something else. */
function adviceOn(inputShape: Shape, { outputs, numbers }: Wanted): string {
  if (outputs.length === 1 && !numbers)
    return `. Write: {"targets": "images"} or {"targets": "masks"}, on the command line --targets images`;
  const named = outputs.length === 3 && sizes(outputs.slice(0, 2)) === sizes(inputShape.slice(0, 2));
  if (outputs.length === 1) {
    // Models of classes give lists of numbers as well.
    const [fitting] = fittingModels(inputShape, outputs[0]!);
    return `. Write: {"model": "${fitting}"}, on the command line --model ${fitting}`;
  }
  if (!named) return `; give layers that end with an output of shape ${sizes(outputs)}`;
  const other = numbers ? "autoencoder" : "unet";
  return `. Write: {"model": "${other}"}, on the command line --model ${other}`;
}

function described({ outputs, numbers }: Wanted): string {
  if (outputs.length === 1)
    return numbers ? counted(outputs[0]!, "number") : counted(outputs[0]!, "class", "classes");
  return numbers
    ? `images of ${sizes(outputs)}`
    : `masks of ${sizes(outputs.slice(0, -1))} with ${outputs.at(-1)} classes`;
}

/** Whether a model gives that; for two classes a single output is enough. */
function fits(given: Shape, wanted: Shape): boolean {
  const [last, most] = [given.at(-1)!, wanted.at(-1)!];
  return (
    sizes(given.slice(0, -1)) === sizes(wanted.slice(0, -1)) && (last === most || (last === 1 && most === 2))
  );
}

const wantedOf = (wanted: Wanted | number): Wanted =>
  typeof wanted === "number" ? { outputs: [wanted], numbers: false } : wanted;

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
    return (inputShape, wanted) => fitting(model, inputShape, wanted);
  }
  const layers = layersFromConfig(config);
  return (inputShape, wanted) => chain(layers, own, inputShape, wanted);
}

/**
 * A model like that one as plain data, for images of any shape that its layers take, and for other answers: its last dense layer has
 * as many units as there are classes; where it gives images, its last convolution as many filters. It ends with what reaches them.
 */
export function modelLike(
  { model, metadata }: Pick<LoadedModel, "model" | "metadata">,
  wanted: Wanted,
  loss: LossName | LossData,
): ModelConfig {
  const config = model.toConfig();
  const { outputs } = wanted;
  const image = outputs.length > 1;
  const as = fits(model.outputShape, outputs);
  const head = as ? -1 : config.layers.findLastIndex(({ type }) => type === (image ? "conv2d" : "dense"));
  const layers = config.layers.map((layer, i) => {
    const own = i === head ? { ...layer, [image ? "filters" : "units"]: outputs.at(-1)! } : layer;
    if (i > 0 || isGraphConfig(config)) return own;
    const { inputShape: _, ...others } = own as { readonly inputShape?: unknown } & typeof own;
    return others as typeof own;
  });
  const ending = endingLike(activationAtEnd(layers), metadata?.targets, wanted, loss);
  return { ...config, layers: ending ? withEnding(layers, ending) : layers };
}

/** What a model is to end with in place of its own activation; undefined where that is right for these answers, too. */
function endingLike(
  own: unknown,
  targets: ModelMetadata["targets"],
  wanted: Wanted,
  loss: LossName | LossData,
): Ending | undefined {
  const right = wanted.numbers
    ? // Others reach other numbers, and were chosen for them.
      own !== "softmax" && own !== "sigmoid"
    : targets === undefined || targets === "masks";
  if (right) return undefined;
  return typeof loss === "object" && loss.fromLogits ? "linear" : usualEnding(wanted);
}

/** Throws ModelError on a model of several inputs or outputs: datasets are of images and their classes. */
export function requireOneOfEach({ inputs, outputs }: Model): void {
  if (inputs.length > 1 || outputs.length > 1)
    throw new ModelError(
      `the model has ${counted(inputs.length, "input")} and ${counted(outputs.length, "output")}, expected one of each: datasets are of images and their classes; train others in code, with model.fit()`,
    );
}

/** A graph says itself what it takes: it is checked against the images. */
function fitting(model: Model, inputShape: Shape | undefined, wanted: Wanted | number | undefined): Model {
  if (inputShape || wanted !== undefined) requireOneOfEach(model);
  if (inputShape && model.inputShape.join() !== inputShape.join())
    throw new ModelError(
      `its input has shape ${sizes(model.inputShape)}, expected ${sizes(inputShape)}, that of the images; change the shape of layer '${model.rows[0]!.name}'`,
    );
  if (wanted !== undefined) checkOutputs(model, wantedOf(wanted));
  return model;
}

function chain(
  [first, ...rest]: readonly Layer[],
  name: string | undefined,
  inputShape: Shape | undefined,
  wanted: Wanted | number | undefined,
): Model {
  const given = first!.inputShape;
  if (given && inputShape && given.join() !== inputShape.join())
    throw new ModelError(
      `its first layer has inputShape ${sizes(given)}, but the images are ${sizes(inputShape)}; change inputShape, or leave it out to take the images'`,
    );
  const shaped = { ...first!, inputShape: given ?? inputShape ?? DEFAULT_SHAPE };
  const model = new Sequential([shaped, ...rest], { name });
  if (wanted !== undefined) checkOutputs(model, wantedOf(wanted));
  return model;
}

/** Throws ModelError unless there is one output a class, or a single one for two classes; or the image that is wanted. */
function checkOutputs(model: Model, wanted: Wanted): void {
  const outputs = model.outputShape;
  if (fits(outputs, wanted.outputs)) return;
  const last = model.rows.at(-1)!.name;
  const [classes] = wanted.outputs;
  if (wanted.outputs.length > 1 || wanted.numbers)
    throw new ModelError(
      `its last layer '${last}' gives an output of shape ${sizes(outputs)}, but the answers are ${described(wanted)}; end the model with one of shape ${sizes(wanted.outputs)}${wanted.outputs.length === 3 && outputs.length === 3 && sizes(outputs.slice(0, 2)) === sizes(wanted.outputs.slice(0, 2)) ? `: {"type": "conv2d", "filters": ${wanted.outputs[2]}, "kernelSize": 1, "activation": "${usualEnding(wanted)}"}` : ""}`,
    );
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
