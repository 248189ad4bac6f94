import { nearest } from "../options/names.ts";
import { show } from "../options/show.ts";
import { buildChain } from "./build.ts";
import { ModelError } from "./errors.ts";
import type { Shape } from "./graph.ts";
import {
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  type Layer,
  maxPooling2d,
} from "./layers/index.ts";

/** A model by name: a function of what it is to classify. */
export interface NamedModel {
  readonly description: string;
  layers(inputShape: Shape, classes: number): Layer[];
}

export const MODELS: Readonly<Record<string, NamedModel>> = {
  "keras-mnist": {
    description: "the Keras MNIST notebook's CNN: two 3x3 convolutions with max pooling, dense 64",
    layers: (inputShape, classes) => [
      conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 64, activation: "relu" }),
      dense({ units: classes, activation: "softmax" }),
    ],
  },
  lenet5: {
    description:
      "LeNet-5 (LeCun et al. 1998): two 5x5 convolutions with tanh and average pooling, dense 120 and 84",
    layers: (inputShape, classes) => [
      conv2d({ filters: 6, kernelSize: 5, padding: "same", activation: "tanh", inputShape }),
      averagePooling2d({ poolSize: 2 }),
      conv2d({ filters: 16, kernelSize: 5, activation: "tanh" }),
      averagePooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 120, activation: "tanh" }),
      dense({ units: 84, activation: "tanh" }),
      dense({ units: classes, activation: "softmax" }),
    ],
  },
  mlp: {
    description: "two dense layers of 128 with dropout: no convolution, for comparison",
    layers: (inputShape, classes) => [
      flatten({ inputShape }),
      dense({ units: 128, activation: "relu" }),
      dropout({ rate: 0.2 }),
      dense({ units: 128, activation: "relu" }),
      dense({ units: classes, activation: "softmax" }),
    ],
  },
  vgg: {
    description: "VGG-like: pairs of 3x3 `same` convolutions with 32, 64 and 128 filters, dense 256",
    layers: (inputShape, classes) => [
      ...[32, 64, 128].flatMap((filters, i) => [
        conv2d({
          filters,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          ...(i === 0 && { inputShape }),
        }),
        conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu" }),
        maxPooling2d({ poolSize: 2 }),
      ]),
      flatten(),
      dense({ units: 256, activation: "relu" }),
      dense({ units: classes, activation: "softmax" }),
    ],
  },
  "conv-gap": {
    description: "all-convolutional: strided 3x3 convolutions and global average pooling, few parameters",
    layers: (inputShape, classes) => [
      conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu", inputShape }),
      conv2d({ filters: 32, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }),
      conv2d({ filters: 64, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }),
      globalAveragePooling2d(),
      dense({ units: classes, activation: "softmax" }),
    ],
  },
};

/**
 * The layers of a model by name. Throws ModelError naming the models there are, or those that take inputs of this shape
 * where this one does not.
 */
export function namedModel(name: string, inputShape: Shape, classes: number): Layer[] {
  const names = Object.keys(MODELS);
  const model = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (!model) {
    const near = nearest(name, names);
    const meant = near === undefined ? "" : `. Did you mean ${near}?`;
    throw new ModelError(`no model is named ${show(name)}: expected one of ${names.join(", ")}${meant}`);
  }
  const layers = model.layers(inputShape, classes);
  const problem = misfit(layers);
  if (!problem) return layers;
  const fitting = fittingModels(inputShape, classes);
  if (fitting.length === 0) throw problem;
  throw new ModelError(
    `model ${name} cannot take inputs of ${inputShape.join("x")}; those that can: ${fitting.join(", ")}`,
  );
}

/** Names of the models that take inputs of this shape. */
export function fittingModels(inputShape: Shape, classes: number): string[] {
  return Object.entries(MODELS).flatMap(([name, { layers }]) =>
    misfit(layers(inputShape, classes)) ? [] : [name],
  );
}

/** Why the layers make no model, if they do not. */
function misfit(layers: readonly Layer[]): ModelError | undefined {
  try {
    buildChain(layers);
    return undefined;
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}
