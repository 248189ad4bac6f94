import { INITIALIZERS } from "../../nn/initializers.ts";
import { ACTIVATIONS } from "../../nn/layers/layer.ts";

/** A layer as plain data, without inputShape: its type, and the options that differ from their defaults. */
export interface LayerSpec {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** How an option is edited. `size`: a whole number, or two as 3x5. `share`: 0 <= x < 1. */
export type OptionKind =
  | { readonly kind: "count" | "size" | "share" | "slope" | "flag" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export type LayerOption = OptionKind & {
  readonly key: string;
  readonly label: string;
  /** What the layer takes where the option is left out; undefined where it must be given, unless it is hidden. */
  readonly default?: unknown;
  /** Not in the editor, but model files may have it, and it is kept. */
  readonly hidden?: boolean;
};

export interface LayerType {
  readonly label: string;
  readonly options: readonly LayerOption[];
  /** What a layer of this type is when it is added. */
  readonly start: LayerSpec;
}

const strides: LayerOption = { key: "strides", label: "Strides", kind: "size", default: 1 };
const padding: LayerOption = {
  key: "padding",
  label: "Padding",
  kind: "choice",
  choices: ["valid", "same"],
  default: "valid",
};
const activation: LayerOption = {
  key: "activation",
  label: "Activation",
  kind: "choice",
  choices: ACTIVATIONS,
  default: "linear",
};
const weights: readonly LayerOption[] = [
  {
    key: "kernelInitializer",
    label: "Initial weights",
    kind: "choice",
    choices: INITIALIZERS,
    default: "glorotUniform",
  },
  {
    key: "biasInitializer",
    label: "Initial bias",
    kind: "choice",
    choices: INITIALIZERS,
    default: "zeros",
    hidden: true,
  },
  { key: "useBias", label: "Bias", kind: "flag", default: true },
];
/** Strides of a pooling layer are its pool size where they are left out. */
const pooling: readonly LayerOption[] = [
  { key: "poolSize", label: "Pool size", kind: "size", default: 2 },
  padding,
  { key: "strides", label: "Strides", kind: "size", hidden: true },
];
const alpha = (value: number): LayerOption => ({
  key: "alpha",
  label: "Slope below 0",
  kind: "slope",
  default: value,
});

/** Every layer type of model files, in the order of the menu. */
export const LAYER_TYPES: Readonly<Record<string, LayerType>> = {
  conv2d: {
    label: "Convolution",
    options: [
      { key: "filters", label: "Filters", kind: "count" },
      { key: "kernelSize", label: "Kernel size", kind: "size" },
      activation,
      strides,
      padding,
      { key: "dilationRate", label: "Dilation", kind: "size", default: 1 },
      ...weights,
    ],
    start: { type: "conv2d", filters: 32, kernelSize: 3, activation: "relu" },
  },
  maxPooling2d: { label: "Max pooling", options: pooling, start: { type: "maxPooling2d" } },
  averagePooling2d: { label: "Average pooling", options: pooling, start: { type: "averagePooling2d" } },
  globalAveragePooling2d: {
    label: "Global average pooling",
    options: [],
    start: { type: "globalAveragePooling2d" },
  },
  flatten: { label: "Flatten", options: [], start: { type: "flatten" } },
  dense: {
    label: "Dense",
    options: [{ key: "units", label: "Units", kind: "count" }, activation, ...weights],
    start: { type: "dense", units: 64, activation: "relu" },
  },
  dropout: {
    label: "Dropout",
    options: [{ key: "rate", label: "Rate", kind: "share" }],
    start: { type: "dropout", rate: 0.25 },
  },
  activation: {
    label: "Activation",
    options: [{ ...activation, default: undefined }],
    start: { type: "activation", activation: "relu" },
  },
  leakyRelu: { label: "Leaky ReLU", options: [alpha(0.3)], start: { type: "leakyRelu" } },
  elu: { label: "ELU", options: [alpha(1)], start: { type: "elu" } },
};

/** The layer without what says nothing: options at their defaults, pooling strides that equal the pool, its name. */
export function withoutDefaults({ type, ...options }: LayerSpec): LayerSpec {
  const known = LAYER_TYPES[type]?.options ?? [];
  const kept = Object.entries(options).filter(([key, value]) => {
    if (value === undefined || key === "name" || key === "inputShape") return false;
    if (key === "strides" && "poolSize" in options) return !same(value, options.poolSize);
    const option = known.find((candidate) => candidate.key === key);
    return !(option && option.default !== undefined && same(option.default, value));
  });
  return { type, ...Object.fromEntries(kept) };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is wrong with an option's value; undefined where nothing is. */
export function optionProblem(option: LayerOption, value: unknown): string | undefined {
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 1;
  if (value === undefined && (option.default !== undefined || option.hidden)) return undefined;
  switch (option.kind) {
    case "count":
      return whole(value) ? undefined : "expected a whole number from 1";
    case "size":
      return whole(value) || (Array.isArray(value) && value.length === 2 && value.every(whole))
        ? undefined
        : "expected a whole number from 1, or two, as 3x5";
    case "share":
      return typeof value === "number" && value >= 0 && value < 1 ? undefined : "expected 0 or more, below 1";
    case "slope":
      return typeof value === "number" && Number.isFinite(value) && value >= 0
        ? undefined
        : "expected a number from 0";
    case "choice":
      return option.choices.includes(value as string)
        ? undefined
        : `expected one of ${option.choices.join(", ")}`;
    case "flag":
      return typeof value === "boolean" ? undefined : "expected true or false";
  }
}

/** Text as an option's value; NaN where it is none, which optionProblem() tells. */
export function parseOption({ kind }: LayerOption, text: string): unknown {
  const trimmed = text.trim();
  if (kind === "choice") return trimmed;
  if (kind === "flag") return trimmed === "true" ? true : trimmed === "false" ? false : Number.NaN;
  const number = (part: string) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN);
  const pair = kind === "size" ? /^(\d+)\s*[x×]\s*(\d+)$/i.exec(trimmed) : null;
  return pair ? [number(pair[1]!), number(pair[2]!)] : number(trimmed);
}

/** An option's value as text that parseOption() reads. */
export function optionText(value: unknown): string {
  if (Array.isArray(value)) return value.join("x");
  return typeof value === "number" && Number.isNaN(value) ? "" : String(value ?? "");
}

/** A layer in a few words: "32 filters 3×3, relu". */
export function layerText({ type, ...options }: LayerSpec): string {
  const size = (value: unknown) => (Array.isArray(value) ? value.join("×") : `${value}×${value}`);
  const parts: (string | false)[] = [
    "filters" in options && `${options.filters} filters ${size(options.kernelSize)}`,
    "units" in options && `${options.units} units`,
    type.endsWith("Pooling2d") && type !== "globalAveragePooling2d" && size(options.poolSize ?? 2),
    "rate" in options && `${100 * (options.rate as number)} %`,
    "alpha" in options && `slope ${options.alpha}`,
    typeof options.activation === "string" && options.activation,
    options.strides !== undefined && `strides ${size(options.strides)}`,
    options.padding === "same" && "same padding",
    options.dilationRate !== undefined && `dilation ${size(options.dilationRate)}`,
    options.useBias === false && "no bias",
    typeof options.kernelInitializer === "string" && options.kernelInitializer,
  ];
  return parts.filter(Boolean).join(", ");
}
