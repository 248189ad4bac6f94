import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { conv2d, dense, flatten, type Layer, maxPooling2d } from "../../src/model/layers/index.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { namedModel } from "../../src/model/models.ts";
import { adam, rmsprop, sgd } from "../../src/optim/index.ts";
import { sequential } from "../../src/train/sequential.ts";
import { strayWrites } from "../support/bounds.ts";
import { chains } from "../support/chains.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";

function samplesFor(layers: readonly Layer[], count: number) {
  const { inputShape, outputShape } = sequential(layers);
  const size = elements(inputShape);
  const labels = fixtureLabels(count, 2, Math.max(2, outputShape[0]!));
  return { images: fixtureValues(count * size, 1, 1), count, shape: inputShape, labels };
}

/** What Winograd's, the fused and the direct paths are chosen by: channels, padding, pooling, odd sizes. */
const CONVOLUTIONS: [
  H: number,
  W: number,
  C: number,
  OC: number,
  options: object,
  pool: object | undefined,
][] = [
  [9, 7, 8, 8, { kernelSize: 3 }, undefined],
  [6, 6, 8, 17, { kernelSize: 3, padding: "same" }, undefined],
  [13, 14, 17, 9, { kernelSize: 3 }, { poolSize: 2 }],
  [11, 11, 32, 33, { kernelSize: 3, padding: "same" }, { poolSize: 2 }],
  [12, 10, 16, 16, { kernelSize: 3, padding: "same" }, { poolSize: 3, strides: 2 }],
  [23, 22, 9, 16, { kernelSize: 3 }, { poolSize: 2, padding: "same" }],
  [10, 9, 3, 5, { kernelSize: [2, 3] }, { poolSize: 2 }],
  [12, 12, 1, 32, { kernelSize: 3 }, { poolSize: 2 }],
  [12, 13, 2, 6, { kernelSize: 5, padding: "same" }, { poolSize: 2 }],
  [11, 10, 5, 18, { kernelSize: 3, strides: 2 }, undefined],
  [11, 10, 4, 19, { kernelSize: 3, dilationRate: 2, padding: "same" }, undefined],
  [7, 8, 20, 20, { kernelSize: 1 }, undefined],
  // Products: outputs are shared out for the filter gradient; columns are; x is gathered; strides leave cells between.
  [17, 16, 5, 21, { kernelSize: 1 }, undefined],
  [3, 2, 34, 150, { kernelSize: 1 }, undefined],
  [6, 5, 128, 9, { kernelSize: 1 }, undefined],
  [9, 8, 19, 20, { kernelSize: 1, strides: 2 }, undefined],
  [7, 11, 20, 5, { kernelSize: 1, strides: [1, 3] }, undefined],
];

/** And the build with its vectors in pairs, whose bits want no 256-bit lanes. */
const BUILDS = [
  ...BACKENDS.map((backend) => [backend, { backend }] as const),
  ["wide", { backend: "simd", wasm: new URL("../../build/wide.wasm", import.meta.url) }] as const,
];

describe.each(BUILDS)("calls write only what is theirs, build %s:", (_, build) => {
  test.each(CONVOLUTIONS)("%i x %i x %i to %i channels, %o, pool %o", async (H, W, C, OC, options, pool) => {
    const layers = (before: "tanh" | "relu" = "tanh"): Layer[] => [
      // A layer before it, so that gradients reach the convolution's input.
      conv2d({ filters: C, kernelSize: 1, activation: before, inputShape: [H, W, 2] }),
      conv2d({ filters: OC, kernelSize: 3, activation: "relu", ...options }),
      ...(pool ? [maxPooling2d(pool)] : []),
      flatten(),
      dense({ units: 3, activation: "softmax" }),
    ];
    for (const count of [1, 5])
      expect(await strayWrites(layers(), "train", samplesFor(layers(), count), build)).toEqual([]);
    expect(await strayWrites(layers(), "predict", samplesFor(layers(), 3), build)).toEqual([]);
    // Zeros have ways of their own.
    expect(await strayWrites(layers("relu"), "train", samplesFor(layers(), 3), build)).toEqual([]);
  });

  test.each([
    ["keras-mnist", [28, 28, 1], 2],
    ["lenet5", [28, 28, 1], 3],
  ])("%s of %j", async (name, shape, count) => {
    const layers = namedModel(name, shape, 10);
    expect(
      await strayWrites(layers, "train", samplesFor(layers, count), { ...build, optimizer: adam() }),
    ).toEqual([]);
  });

  test("random chains, every optimizer, clipping", async () => {
    const optimizers = [
      sgd({ momentum: 0.9, clipNorm: 1 }),
      rmsprop({ clipValue: 0.1, centered: true }),
      adam({ globalClipNorm: 1 }),
    ];
    await fc.assert(
      fc.asyncProperty(
        chains,
        fc.constantFrom(...optimizers),
        fc.integer({ min: 1, max: 4 }),
        async ({ layers }, optimizer, count) => {
          const of = () => layersFromConfig({ layers });
          const loss = "meanSquaredError";
          const options = { ...build, optimizer, loss } as const;
          expect(await strayWrites(of(), "train", samplesFor(of(), count), options)).toEqual([]);
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  });
});
