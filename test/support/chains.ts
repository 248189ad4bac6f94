import fc from "fast-check";
import { INITIALIZERS } from "../../src/compiler/initializers.ts";

export type LayerConfig = Record<string, unknown> & { type: string };

/** A random chain of layers that fit each other, as a model file spells them, and what each must come to. */
export interface Chain {
  readonly layers: LayerConfig[];
  readonly rows: { outputShape: number[]; parameters: number }[];
}

/** How many windows of `extent` cells fit, counted one by one. */
function countWindows(size: number, extent: number, stride: number, padding: unknown): number {
  let count = 0;
  for (let first = 0; padding === "same" ? first < size : first + extent <= size; first += stride) count++;
  return count;
}

const small = fc.integer({ min: 1, max: 4 });
const pair = fc.oneof(small, fc.tuple(small, small));
const padding = fc.constantFrom("valid", "same");
const activation = fc.constantFrom("linear", "relu", "leakyRelu", "elu", "sigmoid", "tanh");
/** What any shape can start as. */
const initializer = fc.constantFrom(
  ...INITIALIZERS.filter((name) => name !== "identity" && name !== "orthogonal"),
  { type: "constant", value: 0.25 },
  { type: "truncatedNormal", stddev: 0.5 },
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const weights = {
  activation: maybe(activation),
  useBias: maybe(fc.boolean()),
  kernelInitializer: maybe(initializer),
  biasInitializer: maybe(initializer),
};
const pooling = { poolSize: maybe(pair), strides: maybe(pair), padding: maybe(padding) };
const alpha = maybe(fc.double({ min: 0, max: 3, noNaN: true }));

const onImages: fc.Arbitrary<LayerConfig> = fc.oneof(
  fc.record({
    type: fc.constant("conv2d"),
    filters: small,
    kernelSize: pair,
    strides: maybe(pair),
    padding: maybe(padding),
    dilationRate: maybe(fc.oneof(fc.constant(1), pair)),
    ...weights,
  }),
  fc.record({ type: fc.constant("maxPooling2d"), ...pooling }),
  fc.record({ type: fc.constant("averagePooling2d"), ...pooling }),
);
const onAnything: fc.Arbitrary<LayerConfig> = fc.oneof(
  fc.record({ type: fc.constant("dropout"), rate: fc.double({ min: 0, max: 0.9, noNaN: true }) }),
  fc.record({ type: fc.constant("activation"), activation }),
  fc.record({ type: fc.constant("leakyRelu"), alpha }),
  fc.record({ type: fc.constant("elu"), alpha }),
);
const toFlat: fc.Arbitrary<LayerConfig> = fc.constantFrom(
  { type: "flatten" },
  { type: "globalAveragePooling2d" },
);
const onFlat: fc.Arbitrary<LayerConfig> = fc.oneof(
  fc.record({ type: fc.constant("dense"), units: fc.integer({ min: 1, max: 8 }), ...weights }),
  fc.constant({ type: "flatten" }),
);

const asPair = (value: unknown, fallback: unknown): [number, number] => {
  const given = value ?? fallback;
  return (Array.isArray(given) ? given : [given, given]) as [number, number];
};

/** What a layer makes of a shape, or undefined where it does not fit. */
function follow(
  layer: LayerConfig,
  shape: number[],
): { outputShape: number[]; parameters: number } | undefined {
  const bias = layer.useBias === false ? 0 : 1;
  switch (layer.type) {
    case "conv2d":
    case "maxPooling2d":
    case "averagePooling2d": {
      const conv = layer.type === "conv2d";
      const kernel = asPair(conv ? layer.kernelSize : layer.poolSize, 2);
      const strides = asPair(layer.strides, conv ? 1 : kernel);
      const dilation = asPair(layer.dilationRate, 1);
      const positions = kernel.map((size, i) =>
        countWindows(shape[i]!, (size - 1) * dilation[i]! + 1, strides[i]!, layer.padding),
      );
      if (positions.includes(0)) return undefined;
      const filters = layer.filters as number;
      return {
        outputShape: [...positions, conv ? filters : shape[2]!],
        parameters: conv ? filters * (kernel[0]! * kernel[1]! * shape[2]! + bias) : 0,
      };
    }
    case "dense": {
      const units = layer.units as number;
      return { outputShape: [units], parameters: units * (shape[0]! + bias) };
    }
    case "flatten":
      return { outputShape: [shape.reduce((a, b) => a * b, 1)], parameters: 0 };
    case "globalAveragePooling2d":
      return { outputShape: [shape[2]!], parameters: 0 };
    default:
      return { outputShape: shape, parameters: 0 };
  }
}

/** Chains on images of up to 12 x 12 x 3; the last layer is dense. */
export const chains: fc.Arbitrary<Chain> = fc
  .tuple(
    fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 3 }),
    ),
    fc.array(fc.oneof({ weight: 3, arbitrary: onImages }, onAnything), { maxLength: 4 }),
    toFlat,
    fc.array(fc.oneof(onFlat, onAnything), { maxLength: 3 }),
    fc.record({ type: fc.constant("dense"), units: small, activation: fc.constantFrom("linear", "softmax") }),
  )
  .map(([inputShape, images, middle, flat, last]) => {
    const layers: LayerConfig[] = [];
    const rows: Chain["rows"] = [];
    let shape: number[] = inputShape;
    for (const layer of [...images, middle, ...flat, last]) {
      const row = follow(layer, shape);
      if (!row) continue;
      const given = Object.entries(layer).filter(([, value]) => value !== undefined);
      layers.push(Object.fromEntries(given) as LayerConfig);
      rows.push(row);
      shape = row.outputShape;
    }
    layers[0]!.inputShape = inputShape;
    return { layers, rows };
  });
