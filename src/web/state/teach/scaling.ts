// What a base takes its pixels as. Files of other frameworks do not say it: what is usual for the net of that name is proposed.

import type { ModelConfig } from "../../../model/model-config.ts";
import type { NamedTensor } from "../../../safetensors/safetensors.ts";
import { buildModel } from "../../../train/functional.ts";
import type { Base } from "./parting.ts";

/** How a byte of a picture becomes a number for the base. */
interface Scaling {
  /** For people. */
  readonly title: string;
  readonly scale: number;
  readonly offset: number;
  /** Of red, green and blue besides: what comes off each, then what each is divided by; "bgr" has blue first. */
  readonly colours?: {
    readonly mean: readonly number[];
    readonly deviation: readonly number[];
    readonly bgr: boolean;
  };
}

export const SCALINGS = {
  unit: { title: "0 to 1", scale: 1 / 255, offset: 0 },
  symmetric: { title: "-1 to 1 (MobileNet, Inception, Xception)", scale: 2 / 255, offset: -1 },
  bytes: { title: "0 to 255 (EfficientNet, MobileNetV3)", scale: 1, offset: 0 },
  imagenet: {
    title: "0 to 1, less ImageNet's mean (PyTorch)",
    scale: 1 / 255,
    offset: 0,
    colours: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225], bgr: false },
  },
  caffe: {
    title: "0 to 255, less ImageNet's mean, blue first (Keras's ResNet, VGG)",
    scale: 1,
    offset: 0,
    colours: { mean: [123.68, 116.779, 103.939], deviation: [1, 1, 1], bgr: true },
  },
} satisfies Record<string, Scaling>;

export type ScalingName = keyof typeof SCALINGS;
/** "file": as the base's file says, where that is none of the others. */
export type ScalingChoice = ScalingName | "file";

/** Names that Keras gives the nets of keras.applications, and what these take. */
const USUAL: readonly (readonly [name: RegExp, scaling: ScalingName])[] = [
  [/^(mobilenet_?v3|efficientnet|convnext|regnet)/i, "bytes"],
  [/^(mobilenet|xception|inception|nasnet|resnet\d+_?v2)/i, "symmetric"],
  [/^densenet/i, "imagenet"],
  [/^(resnet|vgg)\d+$/i, "caffe"],
];

/** What a base takes: as its file says, or what is usual where that says nothing. @param own whether it is a file of wasmgrad's, which says it */
export function scalingOf({ model, metadata }: Base, own: boolean): ScalingChoice {
  const { scale, offset } = metadata.preprocessing;
  const names = Object.keys(SCALINGS) as ScalingName[];
  const said = names.find((name) => SCALINGS[name].scale === scale && SCALINGS[name].offset === offset);
  if (own || said !== "unit") return said ?? "file";
  return USUAL.find(([name]) => name.test(model.name))?.[1] ?? "unit";
}

/** The choices that there are for a base. */
export function scalingsFor(
  { model, metadata: { preprocessing } }: Base,
  found: ScalingChoice,
): [ScalingChoice, string][] {
  const colours = model.inputShape.at(-1) === 3;
  const { scale, offset } = preprocessing;
  return [
    ...(found === "file"
      ? [["file", `as its file says: byte × ${scale} + ${offset}`] as [ScalingChoice, string]]
      : []),
    ...(Object.entries(SCALINGS) as [ScalingName, Scaling][])
      .filter((entry) => colours || !entry[1].colours)
      .map(([name, { title }]): [ScalingChoice, string] => [name, title]),
  ];
}

/**
 * The base for bytes that are scaled so. What differs by colour becomes a frozen convolution in front, so that the model that is made takes
 * pictures as all others do, in every format that it is saved in.
 */
export function scaled(base: Base, choice: ScalingChoice): Base {
  if (choice === "file") return base;
  const { scale, offset, colours }: Scaling = SCALINGS[choice];
  const metadata = { ...base.metadata, preprocessing: { scale, offset } };
  return colours ? { ...withColours(base, colours), metadata } : { ...base, metadata };
}

function withColours(
  base: Base,
  { mean, deviation, bgr }: NonNullable<Scaling["colours"]>,
): Omit<Base, "metadata"> {
  const config = base.model.toConfig();
  const taken = new Set(config.layers.map(({ name }) => name));
  let name = "pixels";
  for (let i = 1; taken.has(name); i++) name = `pixels_${i}`;
  const kernel = new Float32Array(9);
  const bias = new Float32Array(3);
  for (let out = 0; out < 3; out++) {
    const colour = bgr ? 2 - out : out;
    kernel[3 * colour + out] = 1 / deviation[colour]!;
    bias[out] = -mean[colour]! / deviation[colour]!;
  }
  const tensors: NamedTensor[] = [
    { name: `${name}/kernel`, shape: [1, 1, 3, 3], data: kernel },
    { name: `${name}/bias`, shape: [3], data: bias },
    ...base.tensors,
  ];
  const layer = { type: "conv2d", name, filters: 3, kernelSize: 1, trainable: false } as const;
  return { model: buildModel(inFront(config, layer), { tensors }), tensors };
}

type Entry = ModelConfig["layers"][number];

/** A model's layers with one in front of all others. */
function inFront(config: ModelConfig, layer: Entry & { readonly name: string }): ModelConfig {
  const { layers, inputs } = config;
  if (!inputs) {
    const [{ inputShape, ...first }, ...others] = layers as [Entry, ...Entry[]];
    return { ...config, layers: [{ ...layer, inputShape }, first as Entry, ...others] };
  }
  const [input] = inputs;
  const [at] = [layers.findIndex(({ name }) => name === input)];
  const rest = layers.toSpliced(at, 1).map((entry): Entry => {
    const from = entry.from as readonly string[] | undefined;
    return from ? { ...entry, from: from.map((name) => (name === input ? layer.name : name)) } : entry;
  });
  return { ...config, layers: [layers[at]!, { ...layer, from: [input!] }, ...rest] };
}
