import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  gaussianDropout,
  gaussianNoise,
  type Layer,
  spatialDropout2d,
} from "../../src/model/layers/index.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { all, type TestSessionOptions } from "../support/sessions.ts";
import { dotSamples, dotSession, resultsOf, shifted } from "../support/shifted.ts";
import { uniform } from "../support/values.ts";

const COUNT = 3;
const SHAPE = [20, 13, 7];
const SIZE = 20 * 13 * 7;
const ones = new Float32Array(COUNT * SIZE).fill(1);

/** What a step of training makes of inputs, and its gradient summed over the samples for outputs' gradients of `dy`. */
async function trained(
  layer: Layer,
  images: Float32Array = ones,
  dy: Float32Array = ones,
  options: TestSessionOptions = {},
  steps = 1,
) {
  const session = await dotSession(shifted(layer, [SHAPE]), COUNT, options);
  const samples = dotSamples([images], [SHAPE], dy, COUNT);
  const plan = session.plan({ batch: COUNT, mode: "train", inputs: ["floats"], targets: ["floats"] });
  let y: Float32Array = ones;
  for (let step = 0; step < steps; step++) {
    session.trainStep(samples, all(samples));
    y = session.engine.f32(plan.outputs[0]!, COUNT * SIZE).slice();
  }
  const [gradient] = [...session.gradients()].map(({ data }) => data.slice());
  return { y, gradient: gradient! };
}

const LAYERS: readonly [string, () => Layer][] = [
  ["spatialDropout2d", () => spatialDropout2d({ rate: 0.4 })],
  ["gaussianNoise", () => gaussianNoise({ stddev: 0.3 })],
  ["gaussianDropout", () => gaussianDropout({ rate: 0.2 })],
];

describe.each(LAYERS)("%s", (_, layer) => {
  test("does nothing outside of training", async () => {
    const session = await dotSession(shifted(layer(), [SHAPE]), COUNT);
    const images = uniform(COUNT * SIZE, 1);
    expectSame(resultsOf(session, dotSamples([images], [SHAPE], ones, COUNT)).y, images);
  });

  test("the same bits for scalar and simd and any number of threads; others by step and seed", async () => {
    const images = uniform(COUNT * SIZE, 1);
    const reference = await trained(layer(), images);
    // What the relaxed build multiplies and adds in one differs by the machine: by a little.
    for (const backend of BACKENDS)
      for (const threads of [1, 3]) {
        const { y } = await trained(layer(), images, ones, { backend, threads });
        if (backend === "relaxed") expectClose(y, reference.y, { atol: 1e-5, rtol: 1e-5 });
        else expect(y).toEqual(reference.y);
      }
    expect((await trained(layer(), images, ones, {}, 2)).y).not.toEqual(reference.y);
    expect((await trained(layer(), images, ones, { seed: 2 })).y).not.toEqual(reference.y);
  });
});

test("spatialDropout2d drops whole channels of samples, that share of them, and their gradients", async () => {
  let dropped = 0;
  let channels = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const { y, gradient } = await trained(spatialDropout2d({ rate: 0.4 }), ones, ones, { seed });
    const sums = new Float64Array(7);
    for (let b = 0; b < COUNT; b++)
      for (let c = 0; c < 7; c++) {
        const first = y[b * SIZE + c]!;
        expect(first === 0 || Math.abs(first - 1 / 0.6) < 1e-6).toBe(true);
        for (let i = c; i < SIZE; i += 7) expect(y[b * SIZE + i]).toBe(first);
        sums[c]! += first;
        dropped += Number(first === 0);
        channels++;
      }
    expectClose(
      gradient,
      Float64Array.from({ length: SIZE }, (_, i) => sums[i % 7]!),
      { atol: 1e-6, rtol: 1e-6 },
    );
  }
  expect(Math.abs(dropped / channels - 0.4)).toBeLessThan(4 * Math.sqrt(0.24 / channels));
});

/** Mean, standard deviation and kurtosis of numbers. */
function moments(values: Float32Array) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const power = (k: number) => values.reduce((sum, v) => sum + (v - mean) ** k, 0) / values.length;
  return { mean, stddev: Math.sqrt(power(2)), kurtosis: power(4) / power(2) ** 2 };
}

test("gaussianNoise adds normal numbers of that deviation, and passes gradients on", async () => {
  const images = uniform(COUNT * SIZE, 1);
  const dy = uniform(COUNT * SIZE, 2);
  const { y, gradient } = await trained(gaussianNoise({ stddev: 0.3 }), images, dy);
  const { mean, stddev, kurtosis } = moments(y.map((v, i) => v - images[i]!));
  const n = COUNT * SIZE;
  expect(Math.abs(mean)).toBeLessThan((4 * 0.3) / Math.sqrt(n));
  expect(Math.abs(stddev - 0.3)).toBeLessThan((4 * 0.3) / Math.sqrt(2 * n));
  expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / n));
  const sum = Float64Array.from({ length: SIZE }, (_, i) => dy[i]! + dy[SIZE + i]! + dy[2 * SIZE + i]!);
  expectClose(gradient, sum, { atol: 1e-6, rtol: 1e-6 });
});

test("gaussianDropout scales by normal numbers of mean 1, and gradients by the same", async () => {
  const images = uniform(COUNT * SIZE, 1, 0.5, 1);
  const dy = uniform(COUNT * SIZE, 2);
  const { y, gradient } = await trained(gaussianDropout({ rate: 0.2 }), images, dy);
  const factors = y.map((v, i) => v / images[i]!);
  const { mean, stddev, kurtosis } = moments(factors);
  const n = COUNT * SIZE;
  expect(Math.abs(mean - 1)).toBeLessThan((4 * 0.5) / Math.sqrt(n));
  expect(Math.abs(stddev - 0.5)).toBeLessThan((4 * 0.5) / Math.sqrt(2 * n));
  expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / n));
  const sum = new Float64Array(SIZE);
  for (const [i, v] of factors.entries()) sum[i % SIZE]! += v * dy[i]!;
  expectClose(gradient, sum, { atol: 1e-5, rtol: 1e-5 });
});
