import { LAYERS } from "../../model/layers/index.ts";

/** Classes whose names are not ours with a capital and a capital D. */
const CLASSES: Readonly<Record<string, string>> = {
  elu: "ELU",
  relu: "ReLU",
  prelu: "PReLU",
  leakyRelu: "LeakyReLU",
  input: "InputLayer",
};

/**
 * Layers that are written as another, which does the same but in training: Keras's RandomCrop leaves images whole that it
 * predicts of, so that the layers behind it do not fit.
 */
const WRITTEN_AS: Readonly<Record<string, string>> = { randomCrop: "CenterCrop" };

/** The class that a type of layer of here is written as. */
export function writtenClass(type: string): string {
  return WRITTEN_AS[type] ?? classOf(type);
}

/** What Keras calls a type of layer of here. */
export function classOf(type: string): string {
  return CLASSES[type] ?? (type[0]!.toUpperCase() + type.slice(1)).replace(/(\d)d(?=[A-Z]|$)/, "$1D");
}

/** Other names of classes, of versions of old. */
const ALIASES: Readonly<Record<string, string>> = {
  BatchNormalizationV1: "batchNormalization",
  BatchNormalizationV2: "batchNormalization",
  SyncBatchNormalization: "batchNormalization",
};

const TYPES: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ...Object.keys(LAYERS).map((type) => [classOf(type), type] as const),
  ...Object.entries(ALIASES),
]);

/** The type of layer of here that a class of Keras is; undefined where there is none. */
export function typeOf(className: string): string | undefined {
  return TYPES.get(className);
}

/** Names of the classes that there are layers of here for. */
export function knownClasses(): string[] {
  return [...TYPES.keys()];
}

/** kernelSize as kernel_size, hardSigmoid as hard_sigmoid. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** kernel_size as kernelSize. */
export function camel(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** What Keras's weights files call an object of a class: MaxPooling2D as max_pooling2d, ReLU as re_lu. */
export function groupOf(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}
