import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BACKENDS, type Backend } from "../../src/engine/engine.ts";
import type { LossName } from "../../src/losses/names.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { createOptimizer } from "../../src/optim/index.ts";
import type { Samples } from "../../src/train/samples.ts";
import { type Sequential, sequential } from "../../src/train/sequential.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";

/** Values of a tensor: all, or a sample whose indices the fixture's seed fixes; see test/fixtures/README.md. */
interface Values {
  values: number[];
  sum: number;
  l2: number;
  f32Deviation: { values: number; sum: number; l2: number };
}

interface Fixture {
  inputShape: number[];
  layers: ({ type: string; outputShape: number[] } & Record<string, unknown>)[];
  loss: LossName;
  optimizer: { type: "adam"; learningRate: number; beta1: number; beta2: number; epsilon: number };
  input: { shape: number[]; seed: number; scale: number };
  target:
    | { kind: "labels"; shape: number[]; seed: number; classes: number }
    | { kind: "values"; shape: number[]; seed: number; scale: number };
  outputs: Values;
  losses: { values: number[]; f32Deviation: number };
  parameters: {
    name: string;
    shape: number[];
    seed: number;
    scale: number;
    indices?: number[];
    gradient: Values;
    afterStep1: Values;
    afterStep10: Values;
  }[];
}

/** How many times the reference's own f32 error ours may be: Winograd's 5x5 tiles alone make it about 9 times (assembly/winograd-lines.ts). */
const TOLERANCE = 16;

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function load(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`../fixtures/models/${name}.json`, import.meta.url), "utf8"));
}

/** Compares a tensor, or the fixture's sample of it, and its sum and norm. */
function expectValues(actual: Float32Array, expected: Values, what: string, indices?: readonly number[]) {
  const { f32Deviation } = expected;
  const limit = TOLERANCE * f32Deviation.values;
  let worst = 0;
  let at = 0;
  expected.values.forEach((value, i) => {
    const index = indices ? indices[i]! : i;
    const error = Math.abs(actual[index]! - value);
    if (!(error <= worst)) [worst, at] = [error, i];
  });
  const index = indices ? indices[at]! : at;
  expect(
    worst <= limit,
    `${what}: element ${index} of ${actual.length} is ${actual[index]}, expected ${expected.values[at]} +- ${limit}`,
  ).toBe(true);
  expect(expected.values.length, what).toBe(indices ? indices.length : actual.length);
  const sum = actual.reduce((a, b) => a + b, 0);
  const l2 = Math.sqrt(actual.reduce((a, b) => a + b * b, 0));
  const sumLimit = TOLERANCE * Math.max(f32Deviation.sum, Math.sqrt(actual.length) * f32Deviation.values);
  expect(Math.abs(sum - expected.sum), `${what}: sum ${sum}, expected ${expected.sum}`).toBeLessThanOrEqual(
    sumLimit,
  );
  const l2Limit = TOLERANCE * Math.max(f32Deviation.l2, f32Deviation.values);
  expect(Math.abs(l2 - expected.l2), `${what}: norm ${l2}, expected ${expected.l2}`).toBeLessThanOrEqual(
    l2Limit,
  );
}

describe.each(["seed", "strided", "bce", "mse"])("model '%s' against PyTorch", (name) => {
  describe.each(BACKENDS)("build %s", (backend: Backend) => {
    const fixture = load(name);
    let model: Sequential;

    beforeAll(async () => {
      const config = fixture.layers.map(({ outputShape: _, ...layer }, i) =>
        i === 0 ? { ...layer, inputShape: fixture.inputShape } : layer,
      );
      model = sequential(layersFromConfig({ layers: config }));
      const { type, ...settings } = fixture.optimizer;
      await model.compile({ optimizer: createOptimizer(type, settings), loss: fixture.loss, backend });
      const own = model.getWeights();
      expect(own.map(({ shape }) => shape)).toEqual(fixture.parameters.map(({ shape }) => shape));
      model.setWeights(
        fixture.parameters.map(({ shape, seed, scale }, i) => ({
          name: own[i]!.name,
          shape,
          data: fixtureValues(product(shape), seed, scale),
        })),
      );
    });
    afterAll(() => model?.dispose());

    test("output shapes, outputs, losses, every gradient, weights after 1 and 10 Adam steps", async () => {
      expect(model.rows.map((row) => row.outputShape)).toEqual(fixture.layers.map((l) => l.outputShape));
      const { input, target } = fixture;
      const count = input.shape[0]!;
      const samples: Samples = {
        images: fixtureValues(product(input.shape), input.seed, input.scale),
        count,
        shape: fixture.inputShape,
        ...(target.kind === "labels"
          ? { labels: fixtureLabels(count, target.seed, target.classes) }
          : { targets: fixtureValues(product(target.shape), target.seed, target.scale) }),
      };
      expectValues(await model.predict(samples), fixture.outputs, "outputs");
      const all = Uint32Array.from({ length: count }, (_, i) => i);
      for (let step = 0; step <= 10; step++) {
        const expected = fixture.losses.values[step]!;
        const { loss } = step === 10 ? await model.evaluate(samples) : model.session.trainStep(samples, all);
        expect(Math.abs(loss - expected), `loss ${loss} before step ${step + 1}, expected ${expected}`)
          // One rounding of the mean itself to f32 comes on top of the reference's error.
          .toBeLessThanOrEqual(TOLERANCE * fixture.losses.f32Deviation + Math.abs(expected) * 2 ** -23);
        if (step !== 0 && step !== 9) continue;
        const gradients = [...model.session.gradients()];
        const weights = model.getWeights();
        fixture.parameters.forEach((parameter, i) => {
          const { indices } = parameter;
          const where = `${parameter.name} (${weights[i]!.name})`;
          if (step === 0) {
            expectValues(
              new Float32Array(gradients[i]!.data),
              parameter.gradient,
              `gradient of ${where}`,
              indices,
            );
            expectValues(weights[i]!.data, parameter.afterStep1, `${where} after 1 step`, indices);
          } else expectValues(weights[i]!.data, parameter.afterStep10, `${where} after 10 steps`, indices);
        });
      }
    });
  });
});
