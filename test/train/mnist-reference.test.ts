import { describe, expect, test } from "vitest";
import { loadDataset } from "../../src/data/node.ts";
import { namedModel } from "../../src/model/models.ts";
import { sgd } from "../../src/optim/index.ts";
import { permutation } from "../../src/train/shuffle.ts";
import { lossAndGradients } from "../support/reference/backprop.ts";
import { sessionOf } from "../support/sessions.ts";

// Real images are full of zeros and of equal patches, where an algorithm's rounding could open relu's gate or choose another
// winner of a pooling window: whole gradients would be wrong, not their last digits. So real images are held to f64.

const dataDir = process.env.WASMGRAD_DATA;
const why = dataDir === undefined ? " (needs MNIST: set WASMGRAD_DATA)" : "";
const long = process.env.WASMGRAD_TESTS === "all";
const BATCH = 32;

/** The greatest difference, as a share of the greatest number expected. */
function worst(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  of: ArrayLike<number> = expected,
): number {
  let [error, greatest] = [0, 0];
  for (let k = 0; k < expected.length; k++) {
    error = Math.max(error, Math.abs(actual[k]! - expected[k]!));
    greatest = Math.max(greatest, Math.abs(of[k]!));
  }
  return error / greatest;
}

/**
 * Steps of SGD on MNIST's first images, here and in f64: errors of losses, of moves, and of each step's gradients beside
 * those of double precision at the very weights of that step.
 */
async function compare(backend: "scalar" | "simd", seed: number, steps: number) {
  const { train } = await loadDataset("mnist", { dataDir: dataDir!, offline: true });
  const layers = namedModel("keras-mnist", [28, 28, 1], 10);
  const [learningRate, momentum] = [0.02, 0.9];
  const session = await sessionOf(layers, { backend, seed, optimizer: sgd({ learningRate, momentum }) });
  const w = [...session.weights()].map(({ data }) => Float64Array.from(data));
  const begin = w.map((values) => values.slice());
  const velocity = w.map((values) => new Float64Array(values.length));
  const order = permutation(48_000, seed, 0);
  const scale = Math.fround(1 / 255);
  let lossError = 0;
  let gradientError = 0;
  for (let step = 0; step < steps; step++) {
    const indices = order.slice(step * BATCH, (step + 1) * BATCH);
    const own = [...session.weights()].map(({ data }) => Float64Array.from(data));
    const { loss } = session.trainStep(train, indices);
    const x = new Float64Array(BATCH * 784);
    for (const [i, at] of indices.entries())
      for (let p = 0; p < 784; p++) x[i * 784 + p] = Math.fround(train.images[at * 784 + p]! * scale);
    const labels = Uint8Array.from(indices, (at) => train.labels[at]!);
    const reference = lossAndGradients(layers, w, x, labels);
    lossError = Math.max(lossError, Math.abs(loss - reference.loss));
    const there = step === 0 ? reference : lossAndGradients(layers, own, x, labels);
    for (const [i, { data }] of [...session.gradients()].entries())
      gradientError = Math.max(gradientError, worst(data, there.gradients[i]!));
    for (const [i, values] of w.entries())
      for (let k = 0; k < values.length; k++) {
        velocity[i]![k] = momentum * velocity[i]![k]! - learningRate * reference.gradients[i]![k]!;
        values[k]! += velocity[i]![k]!;
      }
  }
  const moves = w.map((values, i) => values.map((value, k) => value - begin[i]![k]!));
  const weightErrors = [...session.weights()].map(({ data }, i) => worst(data, w[i]!, moves[i]!));
  return { lossError, gradientError, weightErrors };
}

describe.skipIf(dataDir === undefined)(`keras-mnist on real images, beside double precision${why}`, () => {
  test.each(["scalar", "simd"] as const)("first gradients, build %s", async (backend) => {
    for (const seed of [1, 2]) {
      const { gradientError } = await compare(backend, seed, 1);
      expect(gradientError).toBeLessThan(1e-5);
    }
  });

  // Which way a window falls whose outputs are as near as f32 tells weights apart, f32 and f64 need not agree on: then
  // the two trainings part, though every gradient is right. Of the seeds 1 to 20 that happens to 3 in the simd build, 2 in
  // the scalar one, and 4 in PyTorch's f32. Seeds 2 and 4 stay together; seed 1 does not.
  test.skipIf(!long).each([
    ["simd", 1, false],
    ["simd", 2, true],
    ["scalar", 4, true],
  ] as const)(
    "40 steps with momentum, build %s, seed %i (in test:all)",
    { timeout: 300_000 },
    async (backend, seed, together) => {
      const { lossError, gradientError, weightErrors } = await compare(backend, seed, 40);
      expect(gradientError).toBeLessThan(1e-5);
      if (!together) return;
      expect(lossError).toBeLessThan(1e-5);
      for (const error of weightErrors) expect(error).toBeLessThan(1e-5);
    },
  );
});
