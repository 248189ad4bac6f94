import { ModelError } from "../compiler/errors.ts";
import type { Shape } from "../compiler/graph.ts";
import { nearest } from "../options/names.ts";
import { show } from "../options/show.ts";
import { buildChain } from "./build.ts";
import { type Ending, IMAGE_MODELS } from "./image-models.ts";
import {
  activation,
  add,
  averagePooling2d,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  input,
  type Layer,
  maxPooling2d,
} from "./layers/index.ts";
import type { SymbolicTensor } from "./layers/types.ts";

/** A model by name: a function of what it is to classify, and of what it ends with. A chain gives its layers, a graph its inputs and outputs. */
export type NamedModel = { readonly description: string } & (
  | { layers(inputShape: Shape, classes: number, activation?: Ending): Layer[] }
  | { graph(inputShape: Shape, classes: number, activation?: Ending): Tensors }
);

/** Names of the models that are chains of layers. */
export function chainNames(): string[] {
  return Object.keys(MODELS).filter((name) => "layers" in MODELS[name]!);
}

/** What a graph of layers lies between. */
export interface Tensors {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
}

export const MODELS: Readonly<Record<string, NamedModel>> = {
  "keras-mnist": {
    description: "the Keras MNIST notebook's CNN: two 3x3 convolutions with max pooling, dense 64",
    layers: (inputShape, classes, activation = "softmax") => [
      conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 64, activation: "relu" }),
      dense({ units: classes, activation }),
    ],
  },
  lenet5: {
    description:
      "LeNet-5 (LeCun et al. 1998): two 5x5 convolutions with tanh and average pooling, dense 120 and 84",
    layers: (inputShape, classes, activation = "softmax") => [
      conv2d({ filters: 6, kernelSize: 5, padding: "same", activation: "tanh", inputShape }),
      averagePooling2d({ poolSize: 2 }),
      conv2d({ filters: 16, kernelSize: 5, activation: "tanh" }),
      averagePooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 120, activation: "tanh" }),
      dense({ units: 84, activation: "tanh" }),
      dense({ units: classes, activation }),
    ],
  },
  mlp: {
    description: "two dense layers of 128 with dropout: no convolution, for comparison",
    layers: (inputShape, classes, activation = "softmax") => [
      flatten({ inputShape }),
      dense({ units: 128, activation: "relu" }),
      dropout({ rate: 0.2 }),
      dense({ units: 128, activation: "relu" }),
      dense({ units: classes, activation }),
    ],
  },
  vgg: {
    description: "VGG-like: pairs of 3x3 `same` convolutions with 32, 64 and 128 filters, dense 256",
    layers: (inputShape, classes, activation = "softmax") => [
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
      dense({ units: classes, activation }),
    ],
  },
  "conv-gap": {
    description: "all-convolutional: strided 3x3 convolutions and global average pooling, few parameters",
    layers: (inputShape, classes, activation = "softmax") => [
      conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu", inputShape }),
      conv2d({ filters: 32, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }),
      conv2d({ filters: 64, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }),
      globalAveragePooling2d(),
      dense({ units: classes, activation }),
    ],
  },
  resnet20: {
    description:
      "ResNet-20 (He et al. 2015, for small images): nine residual blocks of 16, 32 and 64 filters, batch normalization",
    graph: (inputShape, classes, activation) => resnet(inputShape, classes, 3, activation),
  },
  resnet8: {
    description: "ResNet-8: ResNet-20's way with one residual block at each size, three in all",
    graph: (inputShape, classes, activation) => resnet(inputShape, classes, 1, activation),
  },
  inception: {
    description:
      "Inception-like (Szegedy et al. 2014, small): two modules of 1x1, 3x3, 5x5 convolutions and pooling side by side",
    graph: (inputShape, classes, activation = "softmax") => {
      const image = input({ shape: inputShape });
      const convolved = (x: SymbolicTensor, filters: number, kernelSize: number) =>
        conv2d({ filters, kernelSize, padding: "same", activation: "relu" }).apply(x);
      const inception = (x: SymbolicTensor, filters: number) =>
        concatenate().apply([
          convolved(x, filters, 1),
          convolved(convolved(x, filters, 1), 2 * filters, 3),
          convolved(convolved(x, filters / 2, 1), filters, 5),
          convolved(maxPooling2d({ poolSize: 3, strides: 1, padding: "same" }).apply(x), filters, 1),
        ]);
      const halved = (x: SymbolicTensor) => maxPooling2d({ poolSize: 2 }).apply(x);
      const x = inception(halved(inception(halved(convolved(image, 16, 3)), 8)), 16);
      const y = globalAveragePooling2d().apply(x);
      return { inputs: [image], outputs: [dense({ units: classes, activation }).apply(y)] };
    },
  },
};

/** Three stages of residual blocks; where a stage halves the image, a 1x1 convolution brings the skip to its shape. */
function resnet(inputShape: Shape, classes: number, blocks: number, ending: Ending = "softmax"): Tensors {
  const convolved = (x: SymbolicTensor, filters: number, kernelSize: number, strides = 1) =>
    batchNormalization().apply(
      conv2d({
        filters,
        kernelSize,
        strides,
        padding: "same",
        useBias: false,
        kernelInitializer: "heNormal",
      }).apply(x),
    );
  const relu = (x: SymbolicTensor) => activation({ activation: "relu" }).apply(x);
  const image = input({ shape: inputShape });
  let x = relu(convolved(image, 16, 3));
  for (const [stage, filters] of [16, 32, 64].entries())
    for (let block = 0; block < blocks; block++) {
      const narrows = stage > 0 && block === 0;
      const strides = narrows ? 2 : 1;
      const y = convolved(relu(convolved(x, filters, 3, strides)), filters, 3);
      x = relu(add().apply([y, narrows ? convolved(x, filters, 1, strides) : x]));
    }
  const y = dense({ units: classes, activation: ending }).apply(globalAveragePooling2d().apply(x));
  return { inputs: [image], outputs: [y] };
}

/**
 * The layers of a model by name, a chain. Throws ModelError naming the models there are, or those that take inputs of this
 * shape where this one does not; and where the model is no chain.
 */
export function namedModel(name: string, inputShape: Shape, classes: number): Layer[] {
  const model = findNamed(name, inputShape, classes, chainNames());
  if (Array.isArray(model)) return model;
  throw new ModelError(
    `model ${name} is a graph of layers, not a list of them. Write: createModel("${name}", [${inputShape.join(", ")}], ${classes})`,
  );
}

/**
 * A model by name, of images, too: its layers, or what its graph lies between. Throws ModelError naming the models there are, or those of
 * `others` that take inputs of this shape where this one does not.
 */
export function findNamed(
  name: string,
  inputShape: Shape,
  classes: number,
  others: readonly string[] = Object.keys(MODELS),
  activation?: Ending,
): Layer[] | Tensors {
  const all: Readonly<Record<string, NamedModel>> = { ...MODELS, ...IMAGE_MODELS };
  const names = Object.keys(all);
  const model = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!model) {
    const near = nearest(name, names);
    const meant = near === undefined ? "" : `. Did you mean ${near}?`;
    throw new ModelError(`no model is named ${show(name)}: expected one of ${names.join(", ")}${meant}`);
  }
  const made = attempt(model, inputShape, classes, activation);
  if (!(made instanceof ModelError)) return made;
  const fitting = fittingModels(inputShape, classes).filter((other) => others.includes(other));
  if (fitting.length === 0) throw made;
  throw new ModelError(
    `model ${name} cannot take inputs of ${inputShape.join("x")}; those that can: ${fitting.join(", ")}`,
  );
}

/** Names of the models that take inputs of this shape. */
export function fittingModels(inputShape: Shape, classes: number): string[] {
  return Object.keys(MODELS).filter(
    (name) => !(attempt(MODELS[name]!, inputShape, classes) instanceof ModelError),
  );
}

/** The model's layers or graph, or why the input makes none of it. */
function attempt(
  model: NamedModel,
  inputShape: Shape,
  classes: number,
  activation?: Ending,
): Layer[] | Tensors | ModelError {
  try {
    if ("graph" in model) return model.graph(inputShape, classes, activation);
    const layers = model.layers(inputShape, classes, activation);
    buildChain(layers);
    return layers;
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}
