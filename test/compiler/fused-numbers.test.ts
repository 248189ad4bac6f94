import { describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  flatten,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import type { Pair } from "../../src/model/window.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Session } from "../../src/train/session.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, outputsOf, quarters, sessionOf } from "../support/sessions.ts";

const KERNELS: Pair[] = [1, 3, 5, [3, 2]];
const POOLS: [poolSize: Pair, strides: Pair, padding: "valid" | "same"][] = [
  [2, 2, "valid"],
  [3, 3, "valid"],
  [3, 2, "valid"], // overlapping
  [2, 3, "valid"], // cells between the windows
  [2, 2, "same"],
  [3, 2, "same"],
  [[1, 3], [2, 1], "valid"],
];
// What follows is dealt out over the cases: lengths without a common factor, so that the mixes differ.
const STRIDES: Pair[] = [1, 1, 2, 1, [1, 2]];
const CHANNELS = [1, 3, 5, 16, 17, 32, 2] as const;
const FILTERS = [3, 1, 16, 5, 17, 32, 33, 8] as const;
const BATCHES = [1, 2, 3, 4, 5] as const;
const IMAGE = [13, 12, 2];

interface Case {
  image: number[];
  kernelSize: Pair;
  padding: "valid" | "same";
  pool: (typeof POOLS)[number];
  strides: Pair;
  channels: number;
  filters: number;
  batch: number;
  relu: boolean;
  useBias: boolean;
  /** The convolution reads the input itself: it passes on no gradient. */
  first?: boolean;
}

const deal = <T>(list: readonly T[], i: number) => list[i % list.length]!;
const CASES = KERNELS.flatMap((kernelSize) =>
  (["valid", "same"] as const).flatMap((padding) => POOLS.map((pool) => ({ kernelSize, padding, pool }))),
).map(
  (shape, i): Case => ({
    ...shape,
    image: IMAGE,
    strides: deal(STRIDES, i),
    channels: deal(CHANNELS, i + Math.floor(i / 7)),
    filters: deal(FILTERS, i + Math.floor(i / 8)),
    batch: deal(BATCHES, i + Math.floor(i / 5)),
    relu: i % 3 !== 0,
    useBias: i % 4 !== 1,
  }),
);

const LARGE: Case = {
  image: [28, 28, 1],
  kernelSize: 3,
  padding: "valid",
  pool: [2, 2, "valid"],
  strides: 1,
  channels: 32,
  filters: 64,
  batch: 3,
  relu: true,
  useBias: true,
};
CASES.push(
  LARGE,
  // Rows so wide that pooled rows are computed in several blocks.
  { ...LARGE, image: [21, 70, 2], channels: 1, filters: 9 },
  { ...LARGE, image: [21, 70, 2], channels: 3, filters: 20, padding: "same", pool: [3, 2, "same"] },
  { ...LARGE, image: [30, 51, 3], kernelSize: 5, channels: 4, filters: 16, pool: [3, 3, "valid"] },
);

// First layers have few channels, and kernels of their own.
for (const [i, pool] of POOLS.entries())
  for (const padding of ["valid", "same"] as const) {
    const channels = deal([1, 3, 2, 4], i);
    const image = [deal([28, 13, 20], i), deal([28, 15, 9], i), channels];
    const filters = deal([32, 5, 8, 17], i);
    CASES.push({ ...LARGE, first: true, image, padding, pool, channels, filters, relu: i % 2 === 0 });
  }

/** A convolution first, so that the one under test has to pass on a gradient. */
function layersOf({ image, channels, pool, relu, first, ...options }: Case) {
  const { filters, kernelSize, padding, strides, useBias } = options;
  const tested = { filters, kernelSize, padding, strides, useBias };
  return [
    ...(first
      ? [conv2d({ ...tested, inputShape: image })]
      : [conv2d({ filters: channels, kernelSize: 1, inputShape: image }), conv2d(tested)]),
    ...(relu ? [activation({ activation: "relu" })] : []),
    maxPooling2d({ poolSize: pool[0], strides: pool[1], padding: pool[2] }),
    flatten(),
    dense({ units: 3, activation: "softmax" }),
  ];
}

/**
 * Convolutions get weights whose sums are exact: fused and unfused see the same numbers to the last bit, the same
 * winners of each pool, ties included, and the same closed relus. Only the sums in backward may round differently.
 * Where the products are Winograd's, which are not exact, weights leave no ties: among such, the fused kernel alone
 * decides by direct products.
 */
function setWeights(session: Session, exact: boolean): void {
  let seed = 1;
  for (const { parameter, data } of session.weights())
    data.set(
      parameter.name.startsWith("conv") && exact
        ? quarters(data.length, seed++)
        : fixtureValues(data.length, seed++, parameter.name.startsWith("conv") ? 1 : 0.1),
    );
}

function usesWinograd(session: Session, batch: number): boolean {
  const { calls } = session.plan({ batch, mode: "train", inputs: ["floats"], targets: ["labels"] }).plan;
  return calls.some(({ kernel }) => kernel === "winogradForward");
}

const kinds = (session: Session) => session.graph.ops.map((op) => op.kind);

describe.each(BACKENDS)("fused and unfused agree, build %s", (backend) => {
  test.each(CASES)(
    "image $image, kernel $kernelSize $padding strides $strides, $channels -> $filters channels, pool $pool, relu $relu, batch $batch, first $first",
    async (c) => {
      const layers = layersOf(c);
      const [fused, plain] = [
        await sessionOf(layers, { backend }),
        await sessionOf(layers, { backend, fuse: false }),
      ];
      expect(kinds(fused)).toContain("convPool");
      expect(kinds(plain)).not.toContain("convPool");
      const samples = {
        images: quarters(c.batch * elements(c.image), 7),
        count: c.batch,
        shape: c.image,
        labels: fixtureLabels(c.batch, 8, 3),
      };
      expectAgree(fused, plain, samples);
    },
  );

  test("relu in a convolution and in a dense layer, nothing pooled", async () => {
    const layers = [
      conv2d({ filters: 3, kernelSize: 1, inputShape: [7, 8, 2] }),
      conv2d({ filters: 5, kernelSize: 3, dilationRate: 2, activation: "relu" }),
      averagePooling2d(),
      flatten(),
      dense({ units: 19, activation: "relu" }),
      dense({ units: 3, activation: "softmax" }),
    ];
    const [fused, plain] = [
      await sessionOf(layers, { backend }),
      await sessionOf(layers, { backend, fuse: false }),
    ];
    expect(kinds(fused)).not.toContain("activation");
    expect(kinds(plain).filter((kind) => kind === "activation")).toHaveLength(2);
    const images = quarters(4 * 7 * 8 * 2, 7);
    expectAgree(fused, plain, { images, count: 4, shape: [7, 8, 2], labels: fixtureLabels(4, 8, 3) });
  });
});

/** Compares outputs, loss, right classes and every gradient, from the same weights. */
function expectAgree(fused: Session, plain: Session, samples: Samples): void {
  const exact = !usesWinograd(plain, samples.count);
  for (const session of [fused, plain]) setWeights(session, exact);
  expectClose(outputsOf(fused, samples), outputsOf(plain, samples), { atol: 0, rtol: 1e-6 });
  const [a, b] = [fused.trainStep(samples, all(samples)), plain.trainStep(samples, all(samples))];
  expectClose([a.loss], [b.loss], { atol: 0, rtol: 1e-6 });
  expect(a.outputs[0]!.counts[0]![0]).toBe(b.outputs[0]!.counts[0]![0]);
  const expected = [...plain.gradients()];
  for (const [i, { parameter, data }] of [...fused.gradients()].entries()) {
    const reference = expected[i]!.data;
    const largest = reference.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    expect(largest, parameter.name).toBeGreaterThan(0);
    // The same products, summed in another order: errors stay in proportion to the largest sum.
    expectClose(data, reference, { atol: 3e-6 * largest, rtol: 0, shape: parameter.shape });
  }
}
