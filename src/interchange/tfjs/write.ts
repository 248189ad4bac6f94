import { littleEndian } from "../../safetensors/write-safetensors.ts";
import { joined } from "../joined.ts";
import { BESIDE, writeBeside } from "../keras/beside.ts";
import { readActivation } from "../keras/values.ts";
import { KERAS_VERSIONS } from "../keras/versions.ts";
import { type Dialect, writeModelConfig } from "../keras/write-model.ts";
import type { Files, PortableModel, Writer } from "../portable.ts";
import { writeTraining } from "./training.ts";

/** What converters cut weights into: browsers keep files of that size. */
const SHARD = 4 * 2 ** 20;

/** Classes of TensorFlow.js 4. */
const CLASSES = new Set(
  (
    "Activation Add Average AveragePooling1D AveragePooling2D BatchNormalization CenterCrop Concatenate Conv1D Conv2D " +
    "Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dropout ELU Flatten GaussianDropout GaussianNoise " +
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D LayerNormalization LeakyReLU " +
    "MaxPooling1D MaxPooling2D Maximum Minimum Multiply PReLU Permute ReLU Rescaling Reshape SeparableConv2D Softmax " +
    "UpSampling2D ZeroPadding2D"
  ).split(" "),
);

const ACTIVATIONS = new Set(
  "linear relu relu6 elu selu sigmoid tanh softmax softplus softsign swish mish gelu".split(" "),
);

/** Initializers that it has, or has of another name. */
const INITIALIZERS: Readonly<Record<string, string>> = {
  LecunNormal: "LeCunNormal",
  LecunUniform: "LeCunUniform",
};

type Config = Record<string, unknown>;

const identity = (common: Config) => ({
  className: "Activation",
  config: { ...common, activation: "linear" },
});

const DIALECT: Dialect = {
  version: 2,
  title: "TensorFlow.js",
  classes: CLASSES,
  adapt({ type, className, config, input, output }, lacking) {
    const own: Config = { ...config };
    for (const [key, value] of Object.entries(own)) {
      const made = value as { class_name?: string; config?: Config } | null;
      if (key.endsWith("_initializer") && made?.class_name)
        own[key] = { ...made, class_name: INITIALIZERS[made.class_name] ?? made.class_name };
    }
    const { activation } = own;
    if (typeof activation === "string" && !ACTIVATIONS.has(activation)) {
      const read = readActivation(activation, 3);
      const name = "value" in read ? read.value : activation;
      lacking(
        `${className} with the activation ${name}`,
        name === "leakyRelu" ? "leakyRelu() as a layer" : "relu6",
      );
    }
    const needs = (key: string, value: unknown, nearest: string) => {
      if (JSON.stringify(own[key]) !== JSON.stringify(value))
        lacking(`${className}, whose ${key} is ${JSON.stringify(own[key])}`, nearest);
      delete own[key];
    };
    const common = { name: own.name, trainable: own.trainable, dtype: "float32" };
    switch (type) {
      case "conv2d":
        needs(
          "groups",
          1,
          own.groups === undefined ? "1" : "depthwiseConv2d, where each channel has filters of its own",
        );
        break;
      case "conv2dTranspose":
        needs("output_padding", null, "without outputPadding");
        needs("dilation_rate", [1, 1], "1");
        break;
      case "depthwiseConv2d":
        // It passes over it.
        needs("dilation_rate", [1, 1], "1");
        break;
      case "conv1d":
        if (own.padding === "causal") lacking("Conv1D, whose padding is causal", "valid");
        break;
      case "relu":
        if (own.threshold !== 0) lacking("ReLU with a threshold", "relu without");
        if (own.negative_slope !== 0 && own.max_value !== null)
          lacking("ReLU with a slope and a greatest value", "relu with one of them");
        if (own.negative_slope !== 0)
          return { className: "LeakyReLU", config: { ...common, alpha: own.negative_slope } };
        return {
          className,
          config: { ...common, ...(own.max_value !== null && { max_value: own.max_value }) },
        };
      case "globalAveragePooling1d":
      case "globalAveragePooling2d":
      case "globalMaxPooling1d":
      case "globalMaxPooling2d":
        needs("keepdims", false, "reshape() behind it");
        break;
      case "normalization": {
        const { axis: _, invert: __, mean: ___, variance: ____, ...rest } = own;
        return {
          className: "BatchNormalization",
          config: {
            ...rest,
            trainable: false,
            axis: -1,
            epsilon: 1e-14,
            momentum: 0.99,
            center: false,
            scale: false,
          },
        };
      }
      case "spatialDropout2d":
        return { className: "Dropout", config: { ...common, trainable: true, rate: own.rate } };
      case "flatten":
        // Of what is flat already it takes none.
        if (input.length === 1) return identity(common);
        break;
      case "reshape":
        return { className, config: { ...common, target_shape: [...output] } };
      case "elu":
        if (own.alpha !== 1) lacking(`ELU, whose alpha is ${own.alpha}`, "1");
        break;
      case "upSampling2d":
        if (own.interpolation !== "nearest")
          lacking("UpSampling2D, whose interpolation is bilinear, which is another there", "nearest");
        break;
      case "randomCrop": {
        const cropping = [0, 1].map((axis) => {
          const spare = input[axis]! - output[axis]!;
          return [Math.floor(spare / 2), spare - Math.floor(spare / 2)];
        });
        return { className: "Cropping2D", config: { ...common, cropping, data_format: "channels_last" } };
      }
      case "mixUp":
      case "cutMix":
        return identity(common);
    }
    // What does nothing outside of training, and what it has not.
    if (type.startsWith("random")) return identity(common);
    return { className, config: own };
  },
};

/**
 * A layers model of TensorFlow.js: model.json with Keras 2's config, which is what it reads, and the weights in files of 4 MiB.
 * Augmentation, which it has not, is left out; where a model is trained it is as Keras 2's.
 */
export async function write(model: PortableModel, { warn }: Parameters<Writer["write"]>[1]): Promise<Files> {
  const { className, config, layers } = writeModelConfig(model, DIALECT);
  const weights = layers.flatMap((layer) =>
    layer.weights.map(({ name, tensor }) => ({ name: `${layer.name}/${name}`, tensor })),
  );
  const training = writeTraining(model, layers, warn);
  const kept = training?.variables ?? [];
  const bytes = joined([
    ...weights.map(({ tensor }) => littleEndian(tensor.data)),
    // The first is a whole number.
    ...kept.map(({ data }, i) =>
      littleEndian(i === 0 ? new Float32Array(Int32Array.from(data).buffer) : data),
    ),
  ]);
  const count = Math.max(1, Math.ceil(bytes.length / SHARD));
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const beside = writeBeside(model.metadata);
  const json = {
    format: "layers-model",
    generatedBy: "wasmgrad",
    convertedBy: null,
    modelTopology: {
      keras_version: KERAS_VERSIONS[2],
      backend: "tensorflow",
      model_config: { class_name: className, config },
    },
    weightsManifest: [
      {
        paths,
        weights: [
          ...weights.map(({ name, tensor }) => ({ name, shape: tensor.shape, dtype: "float32" })),
          ...kept.map(({ name, shape }, i) => ({
            name,
            shape,
            dtype: i === 0 ? "int32" : "float32",
            group: "optimizer",
          })),
        ],
      },
    ],
    ...(training && { trainingConfig: training.config }),
    ...(beside && { userDefinedMetadata: { [BESIDE]: beside } }),
  };
  return {
    "model.json": new TextEncoder().encode(JSON.stringify(json)),
    ...Object.fromEntries(paths.map((path, i) => [path, bytes.slice(i * SHARD, (i + 1) * SHARD)])),
  };
}
