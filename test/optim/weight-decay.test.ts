import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { activation, batchNormalization, dense } from "../../src/model/layers/index.ts";
import { adamw } from "../../src/optim/index.ts";
import { sequential } from "../../src/train/sequential.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";

/** What torch.optim.AdamW makes of two groups of parameters, see test/fixtures/make_graphs.py. */
const fixture = JSON.parse(readFileSync(new URL("../fixtures/graphs/decay.json", import.meta.url), "utf8"));
const [count, size] = fixture.input.shape;
const samples = {
  images: fixtureValues(count * size, fixture.input.seed, 1),
  targets: fixtureValues(count * fixture.targets.size, fixture.targets.seed, 1),
  shape: [size],
  count,
};

/** Weights after ten steps. */
async function trained(backend: (typeof BACKENDS)[number], excludeFromWeightDecay: string[]) {
  const net = sequential([
    dense({ units: 5, name: "hidden", inputShape: [size] }),
    batchNormalization({ name: "normed" }),
    activation({ activation: "tanh" }),
    dense({ units: fixture.targets.size, name: "last" }),
  ]);
  const { learningRate, weightDecay } = fixture;
  const optimizer = adamw({ learningRate, weightDecay, epsilon: 1e-12, excludeFromWeightDecay });
  await net.compile({ backend, threads: 1, optimizer, loss: "meanSquaredError" });
  onTestFinished(() => net.dispose());
  type Start = { name: string; shape: number[]; seed: number; scale: number; offset: number };
  net.setWeights(
    fixture.parameters.map(({ name, shape, seed, scale, offset }: Start) => ({
      name,
      shape,
      data: fixtureValues(
        shape.reduce((a, b) => a * b),
        seed,
        scale,
      ).map((v) => v + offset),
    })),
  );
  await net.fit(samples, { epochs: 10, batchSize: count });
  return net.getWeights();
}

test.each(BACKENDS)(
  "build %s: biases, gammas and betas that do not decay, as in PyTorch's groups",
  async (backend) => {
    for (const [i, { name, data }] of (await trained(backend, ["bias", "gamma", "beta"])).entries()) {
      expect(name).toBe(fixture.parameters[i].name);
      // The bias before a normalization has a gradient of rounding errors alone, and Adam makes steps of any gradient.
      if (name === "hidden/bias") continue;
      // So do moving statistics, which follow that bias.
      if (name.startsWith("normed/moving")) continue;
      expectClose(data, Float64Array.from(fixture.parameters[i].afterStep10), { atol: 2e-4, rtol: 1e-4 });
    }
  },
);

test("where all decay, others come out", async () => {
  const weights = await trained("simd", []);
  const gamma = weights.find(({ name }) => name === "normed/gamma")!;
  const at = fixture.parameters.findIndex(({ name }: { name: string }) => name === "normed/gamma");
  const off = gamma.data.map((value, k) => Math.abs(value - fixture.parameters[at].afterStep10[k]));
  expect(Math.max(...off)).toBeGreaterThan(0.01);
});
