import { LAYERS } from "../../model/layers/index.ts";
import { initializer, isConstant } from "../../model/layers/initializer.ts";
import { INPUT } from "../../model/layers/input.ts";
import type { LayerDefinition } from "../../model/layers/layer.ts";
import { isOptions, type Kind } from "../../options/kinds.ts";

/**
 * A layer as plain data, without inputShape: its type, the options that differ from their defaults, and of one that does not take what
 * the one before it gives, `from`: see branches.ts.
 */
export interface LayerSpec {
  readonly type: string;
  readonly from?: readonly number[];
  readonly [option: string]: unknown;
}

/**
 * How an option is edited. `size`: a whole number, or two as 3x5. `share`: 0 <= x < 1. `fraction`: 0 < x < 1. `numbers`: any
 * that the option takes, several as 7x7x64.
 */
export type OptionKind =
  | { readonly kind: "count" | "size" | "share" | "fraction" | "slope" | "flag" }
  | { readonly kind: "numbers"; readonly takes: (value: unknown) => boolean; readonly expected: string }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export type LayerOption = OptionKind & {
  readonly key: string;
  readonly label: string;
  /** What the layer takes where the option is left out. */
  readonly default?: unknown;
  /** Whether it can be left out though it has no default. */
  readonly optional?: boolean;
  /** Folded away: what is seldom changed. */
  readonly rare?: boolean;
  /** Not in the editor, but model files may have it, and it is kept. */
  readonly hidden?: boolean;
};

export interface LayerType {
  readonly label: string;
  /** Whether it takes what two or more others give. */
  readonly merges: boolean;
  readonly options: readonly LayerOption[];
  /** What a layer of this type is when it is added. */
  readonly start: LayerSpec;
}

/** What the page calls layers and options where their own names, taken apart, would say it worse. */
const LABELS: Readonly<Record<string, string>> = {
  conv1d: "Convolution, 1-D",
  conv2d: "Convolution",
  conv2dTranspose: "Transposed convolution",
  depthwiseConv2d: "Depthwise convolution",
  separableConv2d: "Separable convolution",
  mixUp: "MixUp",
  cutMix: "CutMix",
  leakyRelu: "Leaky ReLU",
  elu: "ELU",
  prelu: "PReLU",
  relu: "ReLU",
  kernelInitializer: "Initial weights",
  biasInitializer: "Initial bias",
  useBias: "Bias",
  dilationRate: "Dilation",
  "elu alpha": "Slope below 0",
  "leakyRelu alpha": "Slope below 0",
  dims: "Axes in order",
  keepdims: "Keep the axes",
  stddev: "Standard deviation",
  upSampling2d: "Upsampling",
  earlyStopping: "Stop early",
  reduceLROnPlateau: "Lower the learning rate",
  terminateOnNaN: "End at a loss that is no number",
  monitor: "What is watched",
  patience: "Patience, in epochs",
  minDelta: "Least improvement",
  restoreBestWeights: "Take back the best weights",
  raiseError: "As an error",
  minLr: "Lowest rate",
  initialLearningRate: "First rate",
  endLearningRate: "Last rate",
  decaySteps: "Steps of the decay",
  firstDecaySteps: "Steps of the first decay",
  warmupSteps: "Steps of the warm-up",
  warmupTarget: "Rate after the warm-up",
  "warmUp schedule": "Rate after the warm-up",
  "oneCycle warmUp": "Share in which it rises",
  "oneCycle start": "First rate, as a share",
  "cosineDecay alpha": "Last rate, as a share",
  "cosineDecayRestarts alpha": "Last rate, as a share",
  tMul: "Each decay longer by",
  mMul: "Each first rate times",
};

/** What only model files say: the editor leaves it alone, and keeps it. Strides of pools are the pool's own size. */
const HIDDEN = /^biasInitializer|^(alpha|beta|gamma|moving\w+)Initializer|^(max|average)Pooling[12]d strides/;

/** What is folded away, where it need not be said. */
const RARE =
  /Initializer$|^(dilationRate|groups|depthMultiplier|outputPadding|useBias|momentum|epsilon|center|axis|keepdims|fillMode|fillValue|valueRange)$|^\w+Normalization scale$|^random\w+ interpolation$|^(minDelta|baseline|startFromEpoch|cooldown|minLr|raiseError)$|^(earlyStopping|reduceLROnPlateau) mode$/;

const MERGING = new RegExp(
  `^(${Object.values(LAYERS)
    .filter(({ merges }) => merges)
    .map(({ type }) => type)
    .join("|")})$`,
);

/** The menu, by kind: the first of these that knows a type has it. What a picture's beginner needs comes first. */
const GROUPS: readonly (readonly [label: string, types: RegExp])[] = [
  [
    "Most used",
    /^(conv2d|maxPooling2d|averagePooling2d|globalAveragePooling2d|batchNormalization|flatten|dense|dropout|activation)$/,
  ],
  ["Pictures varied while it trains", /^random|^(mixUp|cutMix)$/],
  ["For series, not pictures", /1d$/],
  ["Where branches meet", MERGING],
  ["Convolutions", /conv/i],
  ["Pooling", /pooling/i],
  ["Activations", /elu$|^softmax$/i],
  ["Noise while it trains", /dropout|noise/i],
  ["Scales of numbers", /normalization|rescaling/i],
  ["Shapes", /./],
];

/** Whether layers of a type work on pictures as they come, in front of all others. */
export const variesPictures = (type: string) => GROUPS[1]![1].test(type);

/** Whether layers of a type take images alone. */
export const takesImages = (type: string) => /2d/i.test(type);

/** What a layer is when it is added, where what has no default is not enough. */
const STARTS: Readonly<Record<string, object>> = {
  conv2d: { activation: "relu" },
  dense: { units: 64, activation: "relu" },
  dropout: { rate: 0.25 },
  // Things have a right way up.
  randomFlip: { mode: "horizontal" },
  // As far as handwriting leans.
  randomRotation: { factor: 0.05 },
  randomCrop: { height: 24, width: 24 },
};

/** `kernelSize` as "Kernel size", `maxPooling2d` as "Max pooling", `maxPooling1d` as "Max pooling, 1-D". `of`: the layer's type. */
export function labelOf(name: string, of = ""): string {
  const words = name
    .replace(/2d$/, "")
    .replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`)
    .replace(/1d$/, ", 1-D");
  return LABELS[`${of} ${name}`] ?? LABELS[name] ?? words[0]!.toUpperCase() + words.slice(1);
}

/** How values of a kind are edited; undefined where a line of text cannot hold them. */
function editedAs({ names, accepts, expected }: Kind<unknown>): OptionKind | undefined {
  const takes: (value: unknown) => boolean = accepts;
  if (names) return { kind: "choice", choices: names };
  if (takes(true)) return { kind: "flag" };
  const lists = [
    [1, 2],
    [2, 1],
    [0, 0.1],
  ].some(takes);
  if (takes(1) && !takes(0) && !takes(0.5) && !takes(-1)) return { kind: takes([1, 2]) ? "size" : "count" };
  // Neither all from 0, nor some between 0 and 1.
  if (lists || takes(-1) || takes(0) > takes(0.5) || takes(1) > takes(0))
    return { kind: "numbers", takes, expected };
  if (!takes(0.5)) return undefined;
  return { kind: takes(1) ? "slope" : takes(0) ? "share" : "fraction" };
}

/** Options as they are edited. `edits`: how values of a kind are; undefined: not in a line of text. */
export function optionsOf(
  { type, options }: Pick<LayerDefinition, "type" | "options">,
  edits: (key: string, kind: Kind<unknown>) => OptionKind | undefined = (_, kind) => editedAs(kind),
): LayerOption[] {
  return Object.entries(options).flatMap(([key, kind]) => {
    const edited = edits(key, kind);
    const fallback = "default" in kind && typeof kind.default !== "function" ? kind.default : undefined;
    const hidden = !edited || HIDDEN.test(key) || HIDDEN.test(`${type} ${key}`);
    return [
      {
        key,
        label: labelOf(key, type),
        ...(edited ?? { kind: "numbers" as const, takes: kind.accepts, expected: kind.expected }),
        ...(fallback !== undefined && { default: fallback }),
        ...(!("needed" in kind) && fallback === undefined && { optional: true }),
        ...(!("needed" in kind) && (RARE.test(key) || RARE.test(`${type} ${key}`)) && { rare: true }),
        ...(hidden && { hidden }),
      },
    ];
  });
}

/** Every layer type but inputs, as the editor shows it. */
export const LAYER_TYPES: Readonly<Record<string, LayerType>> = Object.fromEntries(
  Object.values(LAYERS)
    .filter(({ type }) => type !== INPUT.type)
    .map((definition) => {
      const { type, options } = definition;
      const needed = Object.entries(options).flatMap(([key, kind]) =>
        "needed" in kind ? [[key, kind.example]] : [],
      );
      const start = { type, ...Object.fromEntries(needed), ...STARTS[type] };
      return [
        type,
        { label: labelOf(type), merges: definition.merges === true, options: optionsOf(definition), start },
      ];
    }),
);

/** The types by kind, for the menu. */
export const LAYER_GROUPS: readonly (readonly [label: string, types: readonly string[]])[] = GROUPS.map(
  ([label], i) => [
    label,
    Object.keys(LAYER_TYPES).filter((type) => GROUPS.findIndex(([, types]) => types.test(type)) === i),
  ],
);

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

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is wrong with an option's value; undefined where nothing is. */
export function optionProblem(option: LayerOption, value: unknown): string | undefined {
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 1;
  if (value === undefined && (option.default !== undefined || option.optional)) return undefined;
  switch (option.kind) {
    case "count":
      return whole(value) ? undefined : "expected a whole number from 1";
    case "size":
      return whole(value) || (Array.isArray(value) && value.length === 2 && value.every(whole))
        ? undefined
        : "expected a whole number from 1, or two, as 3x5";
    case "share":
      return typeof value === "number" && value >= 0 && value < 1 ? undefined : "expected 0 or more, below 1";
    case "fraction":
      return typeof value === "number" && value > 0 && value < 1
        ? undefined
        : "expected a number between 0 and 1";
    case "slope":
      return typeof value === "number" && Number.isFinite(value) && value >= 0
        ? undefined
        : "expected a number from 0";
    case "numbers":
      return option.takes(value)
        ? undefined
        : `expected ${option.expected}${/\[|list/.test(option.expected) ? ", written as 1x2" : ""}`;
    case "choice":
      return option.choices.includes(value as string) ||
        (option.key.endsWith("Initializer") && isOptions(value) && initializer.accepts(value))
        ? undefined
        : `expected one of ${option.choices.join(", ")}`;
    case "flag":
      return typeof value === "boolean" ? undefined : "expected true or false";
  }
}

/** Text as an option's value; NaN where it is none, which optionProblem() tells. Nothing is no value where there need be none. */
export function parseOption(option: LayerOption, text: string): unknown {
  const { kind } = option;
  const trimmed = text.trim();
  if (trimmed === "" && option.optional) return undefined;
  // Only model files and links bring one: the editor keeps it.
  const constant = /^constant (.+)$/.exec(trimmed);
  if (constant && kind === "choice") return { type: "constant", value: Number(constant[1]) };
  if (kind === "choice") return trimmed.includes(" ") ? parseNumbers(trimmed, () => false) : trimmed;
  if (kind === "flag") return trimmed === "true" ? true : trimmed === "false" ? false : Number.NaN;
  if (kind === "numbers") return parseNumbers(trimmed, option.takes);
  const number = (part: string) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN);
  const pair = kind === "size" ? /^(\d+)\s*[x×]\s*(\d+)$/i.exec(trimmed) : null;
  return pair ? [number(pair[1]!), number(pair[2]!)] : number(trimmed);
}

const signed = (part: string) => (/^-?\d+(\.\d+)?(e-?\d+)?$/i.test(part) ? Number(part) : Number.NaN);

/** Numbers with an x or a comma between them. One is itself where the option takes that; four are two pairs where it takes those. */
function parseNumbers(text: string, takes: (value: unknown) => boolean): unknown {
  // As links have what is an object in model files: "l1 0.5 l2 0.25", "maxNorm maxValue 3 axis 0x1x2".
  if (/^[a-z]/i.test(text)) {
    const words = text.split(" ");
    const object: Record<string, unknown> = words.length % 2 === 1 ? { type: words.shift() } : {};
    for (let i = 0; i < words.length; i += 2)
      object[words[i]!] = parseNumbers(words[i + 1]!, (one) => !Array.isArray(one));
    return object;
  }
  const list = text.split(/[\s,x×]+/i).map(signed);
  if (list.length === 1 && (takes(list[0]) || !takes(list))) return list[0];
  const pairs = [list.slice(0, 2), list.slice(2)];
  return list.length === 4 && takes(pairs) ? pairs : list;
}

/** An option's value as text that parseOption() reads. */
export function optionText(value: unknown): string {
  if (isConstant(value)) return `${value.type} ${value.value}`;
  if (Array.isArray(value)) return value.flat().join("x");
  if (isOptions(value)) {
    const { type, ...others } = value;
    return [...(type === undefined ? [] : [type]), ...Object.entries(others).flat().map(optionText)].join(
      " ",
    );
  }
  return typeof value === "number" && Number.isNaN(value) ? "" : String(value ?? "");
}

/** A layer in a few words: "32 filters 3×3, relu". */
export function layerText({ type, ...options }: LayerSpec): string {
  const flat = type.endsWith("1d");
  const list = (value: unknown) => (Array.isArray(value) ? value.flat().join("×") : `${value}`);
  const size = (value: unknown) => (Array.isArray(value) || flat ? list(value) : `${value}×${value}`);
  const parts: (string | false)[] = [
    "filters" in options && `${options.filters} filters ${size(options.kernelSize)}`,
    "units" in options && `${options.units} units`,
    /^(max|average)Pooling/.test(type) && size(options.poolSize ?? 2),
    type === "upSampling2d" && size(options.size ?? 2),
    type === "zeroPadding2d" && list(options.padding ?? 1),
    "cropping" in options && list(options.cropping),
    "targetShape" in options && list(options.targetShape),
    "dims" in options && list(options.dims),
    "interpolation" in options && `${options.interpolation}`,
    "scale" in options && typeof options.scale === "number" && `times ${options.scale}`,
    typeof options.offset === "number" && `plus ${options.offset}`,
    "stddev" in options && `deviation ${options.stddev}`,
    "maxValue" in options && `at most ${options.maxValue}`,
    "negativeSlope" in options && `slope ${options.negativeSlope}`,
    "threshold" in options && `above ${options.threshold}`,
    "sharedAxes" in options && `shared axes ${list(options.sharedAxes)}`,
    "rate" in options && `${100 * (options.rate as number)} %`,
    "alpha" in options && `${type === "mixUp" ? "alpha" : "slope"} ${options.alpha}`,
    "mode" in options && `${options.mode}`,
    "factor" in options && `factor ${list(options.factor)}`,
    "heightFactor" in options && `factor ${list(options.heightFactor)}`,
    type === "randomCrop" && `${options.height}×${options.width}`,
    typeof options.activation === "string" && options.activation,
    options.strides !== undefined && `strides ${size(options.strides)}`,
    (options.padding === "same" || options.padding === "causal") && `${options.padding} padding`,
    options.dilationRate !== undefined && `dilation ${size(options.dilationRate)}`,
    options.useBias === false && "no bias",
    options.kernelInitializer !== undefined && optionText(options.kernelInitializer),
  ];
  return parts.filter(Boolean).join(", ");
}
