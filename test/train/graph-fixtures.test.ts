import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  activation,
  add,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  flatten,
  input,
  maxPooling2d,
  multiply,
} from "../../src/nn/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { createModel } from "../../src/train/named.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all } from "../support/sessions.ts";

/** Some values of a tensor, in double precision; `f32`: how far PyTorch's float32 is from them, in units of `largest`. */
interface Values {
  at: number[];
  values: number[];
  largest: number;
  norm: number;
  f32: number;
}

interface Fixture {
  input: { shape: [number, number, number, number]; seed: number };
  labels: { seed: number; classes: number };
  learningRate: number;
  outputsAtStart: Values;
  losses: { values: number[]; f32: number };
  outputsAtEnd: Values;
  parameters: {
    name: string;
    shape: number[];
    seed: number;
    scale: number;
    offset: number;
    state: boolean;
    gradient?: Values;
    afterStep1?: Values;
    afterStep10: Values;
  }[];
}

/** The net of branches, as test/fixtures/make_graphs.py has it. */
function branches(): Model {
  const of = (kind: "tanh" | "sigmoid") => activation({ activation: kind });
  const conv = (name: string, filters: number, kernelSize = 3, useBias = true) =>
    conv2d({ name, filters, kernelSize, padding: "same", useBias });
  const x = input({ shape: [7, 6, 3] });
  const a = of("tanh").apply(
    batchNormalization({ name: "normed" }).apply(conv("first", 6, 3, false).apply(x)),
  );
  const squeezed = maxPooling2d({ poolSize: [7, 6] }).apply(a);
  const excited = multiply().apply([a, of("sigmoid").apply(conv("gate", 6, 1).apply(squeezed))]);
  const side = conv("side", 4).apply(a);
  const both = concatenate().apply([excited, side, multiply().apply([of("tanh").apply(side), side])]);
  const shared = conv("shared", 14, 1);
  const once = shared.apply(both);
  const sum = add().apply([once, shared.apply(of("tanh").apply(once))]);
  const hidden = dense({ units: 9, name: "hidden" }).apply(flatten().apply(sum));
  const last = of("tanh").apply(batchNormalization({ name: "flatNormed" }).apply(hidden));
  return model({ inputs: x, outputs: dense({ units: 5, activation: "softmax" }).apply(last) });
}

const NETS = { resnet20: () => createModel("resnet20", [16, 16, 3], 10), branches };

/** How many times PyTorch's own f32 error ours may be: Winograd's tiles make it some ten times; and what never counts. */
const TIMES = 24;
const FLOOR = 2e-6;

/** Adam divides small gradients by small roots: weights may end this far off, as a share of the way they can have gone. */
const OFF_THE_WAY = 1e-2;

function expectNear(actual: Float32Array, expected: Values, what: string, least = 0): void {
  const limit = Math.max(least, (TIMES * expected.f32 + FLOOR) * expected.largest);
  expected.at.forEach((index, i) => {
    const error = Math.abs(actual[index]! - expected.values[i]!);
    expect(
      error,
      `${what}[${index}] is ${actual[index]}, expected ${expected.values[i]} +- ${limit}`,
    ).toBeLessThanOrEqual(limit);
  });
  const norm = Math.hypot(...actual);
  expect(Math.abs(norm - expected.norm), `${what}: norm`).toBeLessThanOrEqual(
    limit * Math.sqrt(actual.length),
  );
}

describe.each(Object.entries(NETS))("%s against PyTorch", (name, build) => {
  const fixture: Fixture = JSON.parse(
    readFileSync(new URL(`../fixtures/graphs/${name}.json`, import.meta.url), "utf8"),
  );
  const [count, ...shape] = fixture.input.shape;
  const samples = {
    images: fixtureValues(count * shape[0]! * shape[1]! * shape[2]!, fixture.input.seed, 1),
    labels: fixtureLabels(count, fixture.labels.seed, fixture.labels.classes),
    shape,
    count,
  };

  test.each(BACKENDS)(
    "build %s: outputs, losses, every gradient, moving statistics, weights after 10 steps of Adam, evaluation",
    async (backend) => {
      const net = build();
      await net.compile({ backend, threads: 1, optimizer: adam({ learningRate: fixture.learningRate }) });
      onTestFinished(() => net.dispose());
      const { parameters } = fixture;
      expect(net.getWeights().map((w) => [w.name, w.shape])).toEqual(
        parameters.map((p) => [p.name, p.shape]),
      );
      net.setWeights(
        parameters.map(({ name, shape, seed, scale, offset }) => ({
          name,
          shape,
          data: fixtureValues(
            shape.reduce((a, b) => a * b, 1),
            seed,
            scale,
          ).map((v) => v + offset),
        })),
      );
      expectNear(await net.predict(samples), fixture.outputsAtStart, "outputs before training");
      const gradients = new Map<string, Float32Array>();
      for (let step = 0; step < 10; step++) {
        const { loss } = net.session.trainStep(samples, all(samples));
        const limit = TIMES * fixture.losses.f32 + 1e-5;
        expect(Math.abs(loss - fixture.losses.values[step]!), `loss ${step}`).toBeLessThan(limit);
        if (step > 0) continue;
        for (const { parameter, data } of net.session.gradients())
          gradients.set(parameter.name, data.slice());
        for (const [i, { data }] of net.getWeights().entries()) {
          const { name, gradient, afterStep1 } = parameters[i]!;
          if (gradient) expectNear(gradients.get(name)!, gradient, `${name}'s gradient`);
          if (afterStep1) expectNear(data, afterStep1, `${name} after 1 step`);
        }
      }
      for (const [i, { data }] of net.getWeights().entries())
        expectNear(
          data,
          parameters[i]!.afterStep10,
          `${parameters[i]!.name} after 10 steps`,
          OFF_THE_WAY * 10 * fixture.learningRate,
        );
      expectNear(await net.predict(samples), fixture.outputsAtEnd, "outputs after training");
    },
  );

  test("1, 2, 3 and 8 threads: the same bits", async () => {
    const hashes = new Set<string>();
    for (const threads of [1, 2, 3, 8]) {
      const net = build();
      await net.compile({ threads, seed: 5 });
      onTestFinished(() => net.dispose());
      for (let step = 0; step < 3; step++) net.session.trainStep(samples, all(samples));
      hashes.add(await net.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  });
});
