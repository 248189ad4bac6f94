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
  globalAveragePooling2d,
  input,
  maxPooling2d,
  multiply,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { adam } from "../../src/optim/index.ts";
import type { CompileOptions } from "../../src/train/compiled-options.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { createModel } from "../../src/train/named.ts";
import type { Samples } from "../../src/train/samples.ts";
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
  /** Of a net with two inputs and two outputs: the second of each. Losses by step: of either output, not weighted. */
  second?: {
    input: { shape: [number, number]; seed: number };
    targets: { seed: number; size: number };
    weight: number;
    outputsAtStart: Values;
    outputsAtEnd: Values;
    losses: [number, number][];
  };
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

/** The net of two inputs and two outputs, as test/fixtures/make_graphs.py has it. */
function towers(): Model {
  const tanh = (x: SymbolicTensor) => activation({ activation: "tanh" }).apply(x);
  const [x, v] = [input({ shape: [7, 6, 3] }), input({ shape: [4] })];
  const conv = conv2d({ name: "first", filters: 4, kernelSize: 3, padding: "same", useBias: false });
  const a = tanh(batchNormalization({ name: "normed" }).apply(conv.apply(x)));
  const shared = dense({ units: 6, name: "shared" });
  const once = shared.apply(globalAveragePooling2d().apply(a));
  const both = concatenate().apply([tanh(once), shared.apply(tanh(v))]);
  const kind = dense({ units: 5, activation: "softmax", name: "kind" }).apply(both);
  const angle = dense({ units: 2, name: "angle" }).apply(concatenate().apply([kind, once]));
  return model({ inputs: [x, v], outputs: [kind, angle] });
}

const NETS = { resnet20: () => createModel("resnet20", [16, 16, 3], 10), branches, towers };

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
  const { second } = fixture;
  const images = fixtureValues(count * shape[0]! * shape[1]! * shape[2]!, fixture.input.seed, 1);
  const labels = fixtureLabels(count, fixture.labels.seed, fixture.labels.classes);
  const samples: Samples = second
    ? {
        images: [images, fixtureValues(count * second.input.shape[1], second.input.seed, 1)],
        labels: [labels, undefined],
        targets: [undefined, fixtureValues(count * second.targets.size, second.targets.seed, 1)],
        shape: [shape, second.input.shape.slice(1)],
        count,
      }
    : { images, labels, shape, count };
  const losses: CompileOptions = second
    ? {
        loss: { kind: "categoricalCrossentropy", angle: "meanSquaredError" },
        lossWeights: { angle: second.weight },
      }
    : {};
  /** Outputs, beside those of the fixture. */
  async function expectOutputs(net: Model, when: "AtStart" | "AtEnd"): Promise<void> {
    const outputs = await net.predict<Float32Array[]>(samples);
    const list = second ? outputs : [outputs as unknown as Float32Array];
    expectNear(list[0]!, fixture[`outputs${when}`], `outputs ${when}`);
    if (second) expectNear(list[1]!, second[`outputs${when}`], `second outputs ${when}`);
  }

  test.each(BACKENDS)(
    "build %s: outputs, losses, every gradient, moving statistics, weights after 10 steps of Adam, evaluation",
    async (backend) => {
      const net = build();
      await net.compile({
        backend,
        threads: 1,
        optimizer: adam({ learningRate: fixture.learningRate }),
        ...losses,
      });
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
      await expectOutputs(net, "AtStart");
      const gradients = new Map<string, Float32Array>();
      for (let step = 0; step < 10; step++) {
        const { loss, outputs } = net.session.trainStep(samples, all(samples));
        const own = outputs.map(({ meanLoss }) => meanLoss[0]!);
        const limit = TIMES * fixture.losses.f32 + 1e-5;
        expect(Math.abs(loss - fixture.losses.values[step]!), `loss ${step}`).toBeLessThan(limit);
        for (const [i, expected] of (second?.losses[step] ?? []).entries())
          expect(Math.abs(own[i]! - expected), `loss ${step} of output ${i}`).toBeLessThan(limit);
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
      await expectOutputs(net, "AtEnd");
      const after = await net.evaluate(samples);
      const limit = TIMES * fixture.losses.f32 + 1e-5;
      expect(Math.abs(after.loss - fixture.losses.values[10]!)).toBeLessThan(limit);
      if (second) {
        expect(Math.abs(after.kind_loss! - second.losses[10]![0])).toBeLessThan(limit);
        expect(Math.abs(after.angle_loss! - second.losses[10]![1])).toBeLessThan(limit);
      }
    },
  );

  test("1, 2, 3 and 8 threads: the same bits", async () => {
    const hashes = new Set<string>();
    for (const threads of [1, 2, 3, 8]) {
      const net = build();
      await net.compile({ threads, seed: 5, ...losses });
      onTestFinished(() => net.dispose());
      for (let step = 0; step < 3; step++) net.session.trainStep(samples, all(samples));
      hashes.add(await net.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  });
});
