import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { activation, conv2d, dense, flatten, maxPooling2d } from "../../src/model/layers/index.ts";
import type { Session } from "../../src/train/session.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, outputsOf, sessionOf } from "../support/sessions.ts";

// A 3x3 convolution is a 5x5 one with a ring of zeros around the filter. The first takes Winograd's products,
// the second does not. With weights of few bits both are exact, and see the same winners of each pool.

interface Case {
  size: [number, number];
  channels: number;
  filters: number;
  padding: "valid" | "same";
  relu: boolean;
  pool: { poolSize: number; strides?: number; padding?: "valid" | "same" } | undefined;
}

const pool = { poolSize: 2 };
const CASES: Case[] = [
  { size: [13, 13], channels: 32, filters: 64, padding: "valid", relu: true, pool },
  { size: [8, 8], channels: 16, filters: 16, padding: "same", relu: true, pool },
  { size: [7, 9], channels: 17, filters: 19, padding: "same", relu: true, pool: undefined },
  { size: [8, 5], channels: 16, filters: 33, padding: "valid", relu: false, pool: undefined },
  {
    size: [9, 6],
    channels: 20,
    filters: 16,
    padding: "valid",
    relu: true,
    pool: { poolSize: 3, strides: 2 },
  },
  {
    size: [6, 7],
    channels: 31,
    filters: 17,
    padding: "same",
    relu: false,
    pool: { poolSize: 2, padding: "same" },
  },
  { size: [3, 3], channels: 16, filters: 18, padding: "valid", relu: true, pool: undefined },
  { size: [4, 3], channels: 16, filters: 16, padding: "same", relu: true, pool: { poolSize: 2, strides: 1 } },
  { size: [5, 40], channels: 24, filters: 16, padding: "same", relu: true, pool },
];
const COUNT = 3;

function layersOf(c: Case, kernelSize: 3 | 5, border: number) {
  const inputShape = [c.size[0] + 2 * border, c.size[1] + 2 * border, 2];
  return [
    conv2d({ filters: c.channels, kernelSize: 1, useBias: false, inputShape }),
    conv2d({ filters: c.filters, kernelSize, padding: c.padding }),
    ...(c.relu ? [activation({ activation: "relu" })] : []),
    ...(c.pool ? [maxPooling2d(c.pool)] : []),
    flatten(),
    dense({ units: 3, activation: "softmax" }),
  ];
}

/** The middle 3x3 of a 5x5 kernel. */
function middle(kernel: ArrayLike<number>, pairs: number): Float32Array {
  return Float32Array.from({ length: 9 * pairs }, (_, i) => {
    const position = Math.floor(i / pairs);
    const outer = (Math.floor(position / 3) + 1) * 5 + (position % 3) + 1;
    return kernel[outer * pairs + (i % pairs)]!;
  });
}

/** A 3x3 kernel inside of a ring of zeros. */
function ringed(kernel: Float32Array, pairs: number): Float32Array {
  return Float32Array.from({ length: 25 * pairs }, (_, i) => {
    const [row, column] = [Math.floor(i / pairs / 5) - 1, (Math.floor(i / pairs) % 5) - 1];
    if (row < 0 || row > 2 || column < 0 || column > 2) return 0;
    return kernel[(row * 3 + column) * pairs + (i % pairs)]!;
  });
}

const kernelsOf = (session: Session) =>
  session
    .plan({ batch: COUNT, mode: "train", inputs: ["floats"], targets: ["labels"] })
    .plan.calls.map((c) => c.kernel);

describe.each(BACKENDS)("Winograd's products against direct ones, build %s", (backend) => {
  test.each(CASES)("%j", async (c) => {
    // With valid padding, the larger kernel needs a larger image: a border of zeros, which it multiplies by zeros.
    const border = c.padding === "valid" ? 1 : 0;
    const [three, five] = [
      await sessionOf(layersOf(c, 3, 0), { backend }),
      await sessionOf(layersOf(c, 5, border), { backend }),
    ];
    expect(kernelsOf(three)).toContain("winogradFilter");
    expect(kernelsOf(five)).not.toContain("winogradFilter");

    const pairs = c.channels * c.filters;
    const [first, kernel, bias, ...rest] = [...three.weights()].map(({ data, parameter }, i) => {
      const values = fixtureValues(data.length, i, parameter.name.startsWith("conv") ? 0.3 : 0.1);
      data.set(values);
      return values;
    });
    const same = [first!, ringed(kernel!, pairs), bias!, ...rest];
    for (const [i, { data }] of [...five.weights()].entries()) data.set(same[i]!);

    const [H, W] = c.size;
    const images = fixtureValues(COUNT * H * W * 2, 9, 1);
    const [H5, W5] = [H + 2 * border, W + 2 * border];
    const framed = new Float32Array(COUNT * H5 * W5 * 2);
    for (let i = 0; i < images.length; i++) {
      const [n, row, column] = [
        Math.floor(i / (H * W * 2)),
        Math.floor(i / (W * 2)) % H,
        Math.floor(i / 2) % W,
      ];
      framed[((n * H5 + row + border) * W5 + column + border) * 2 + (i % 2)] = images[i]!;
    }
    const labels = fixtureLabels(COUNT, 8, 3);
    const samples = { images, count: COUNT, shape: [H, W, 2], labels };
    const framedSamples = { images: framed, count: COUNT, shape: [H5, W5, 2], labels };

    expectClose(outputsOf(three, samples), outputsOf(five, framedSamples), { atol: 1e-6, rtol: 2e-5 });
    const a = three.trainStep(samples, all(samples));
    const b = five.trainStep(framedSamples, all(samples));
    expectClose([a.loss], [b.loss], { atol: 0, rtol: 2e-5 });
    const expected = [...five.gradients()].map(({ data }, i) => (i === 1 ? middle(data, pairs) : data));
    for (const [i, { parameter, data }] of [...three.gradients()].entries()) {
      const reference = expected[i]!;
      const largest = reference.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      expect(largest, parameter.name).toBeGreaterThan(0);
      // Winograd's sums round otherwise: by how much, test/kernels/winograd.test.ts tells.
      expectClose(data, reference, { atol: 5e-5 * largest, rtol: 0, shape: parameter.shape });
    }
  });
});
