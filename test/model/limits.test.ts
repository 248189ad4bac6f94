import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  add,
  conv2d,
  dense,
  flatten,
  input,
  LAYERS,
  l1,
  l1l2,
  l2,
  maxNorm,
  minMaxNorm,
  nonNeg,
  unitNorm,
} from "../../src/model/layers/index.ts";
import { makeLayer } from "../../src/model/layers/layer.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { sgd } from "../../src/optim/index.ts";
import { model as functional } from "../../src/train/functional.ts";
import { sequential } from "../../src/train/sequential.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf } from "../support/sessions.ts";

interface Fixture {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly batch: number;
  readonly inputShape: readonly number[];
  readonly seed: number;
  readonly weights: readonly (readonly number[])[];
  readonly outputs: number;
  readonly evaluated: number;
  readonly after: readonly (readonly number[])[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/layers/limits.json", import.meta.url), "utf8"),
) as { cases: Fixture[] };
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function trained({ type, options, batch, inputShape, seed, weights, outputs }: Fixture, own: object) {
  const session = await sessionOf([makeLayer(LAYERS[type]!, { ...options, inputShape }), flatten()], {
    loss: "meanSquaredError",
    metrics: [],
    optimizer: sgd({ learningRate: 0.1 }),
    preprocessing: { scale: 1, offset: 0 },
    ...own,
  });
  for (const [i, { data }] of [...session.weights()].entries())
    data.set(fixtureValues(size(weights[i]!), seed + i, 0.6));
  const samples = {
    images: fixtureValues(batch * size(inputShape), seed + 50, 1),
    shape: inputShape,
    count: batch,
    targets: fixtureValues(batch * outputs, seed + 51, 1),
  };
  const { loss } = session.evaluateStep(samples, all(samples));
  const first = session.trainStep(samples, all(samples)).loss;
  for (let step = 0; step < 2; step++) session.trainStep(samples, all(samples));
  return { loss, first, after: session.getWeights().map(({ data }) => data) };
}

describe.each(cases.map((fixture) => [JSON.stringify([fixture.type, fixture.options]), fixture] as const))(
  "%s, as Keras computes it",
  (_, fixture) => {
    test.each(BACKENDS)("build %s", async (backend) => {
      const { loss, first, after } = await trained(fixture, { backend });
      expect(loss).toBeCloseTo(fixture.evaluated, 5);
      expect(first).toBeCloseTo(loss, 6);
      expect(after.length).toBe(fixture.after.length);
      fixture.after.forEach((values, i) => {
        expectClose(after[i]!, values, { atol: 2e-6, rtol: 0 });
      });
    });

    test("the same bits on three threads", async () => {
      expect(await trained(fixture, { threads: 3 })).toEqual(await trained(fixture, { threads: 1 }));
    });
  },
);

/** Two convolutions of one image, added up; the second pays for large outputs. Of weights as they are set, loss and gradients. */
async function branches(
  activityRegularizer: boolean,
  change: [name: string, at: number, by: number] | undefined,
) {
  const image = input({ shape: [5, 5, 2] });
  const own = activityRegularizer ? { activityRegularizer: l1l2({ l1: 0.2, l2: 0.3 }) } : {};
  const left = conv2d({ filters: 3, kernelSize: 3, name: "left" }).apply(image);
  const right = conv2d({ filters: 3, kernelSize: 3, name: "right", ...own }).apply(image);
  const outputs = flatten().apply(add().apply([right, left]));
  const options = { loss: "meanSquaredError", metrics: [], preprocessing: { scale: 1, offset: 0 } } as const;
  const session = await sessionOf(functional({ inputs: image, outputs }), options);
  for (const [i, { parameter, data }] of [...session.weights()].entries()) {
    data.set(fixtureValues(data.length, i, 0.5));
    if (parameter.name === change?.[0]) data[change[1]]! += change[2];
  }
  const samples = {
    images: fixtureValues(150, 9, 1),
    shape: [5, 5, 2],
    count: 3,
    targets: new Float32Array(81),
  };
  const { loss } = session.trainStep(samples, all(samples));
  return { loss, gradients: new Map([...session.gradients()].map((g) => [g.parameter.name, g.data])) };
}

test("a penalty of activations does not reach what they are added to", async () => {
  const { gradients } = await branches(true, undefined);
  const { gradients: without } = await branches(false, undefined);
  for (const name of ["left/kernel", "left/bias"]) expectSame(gradients.get(name)!, without.get(name)!);
  for (const name of ["right/kernel", "right/bias"])
    for (const at of [0, gradients.get(name)!.length - 1]) {
      const [more, less] = [
        await branches(true, [name, at, 0.002]),
        await branches(true, [name, at, -0.002]),
      ];
      expect(gradients.get(name)![at]).toBeCloseTo((more.loss - less.loss) / 0.004, 2);
    }
});

test("are plain data in a model's file, and come back from it", () => {
  const model = sequential([
    conv2d({
      filters: 2,
      kernelSize: 3,
      inputShape: [6, 6, 1],
      kernelRegularizer: l2(),
      activityRegularizer: l1({ l1: 0.5 }),
      kernelConstraint: maxNorm({ axis: [0, 1, 2] }),
      biasConstraint: nonNeg(),
    }),
    flatten(),
    dense({
      units: 2,
      activation: "softmax",
      kernelRegularizer: l1l2({ l1: 0.1, l2: 0.2 }),
      biasRegularizer: { l2: 0.3 },
      kernelConstraint: minMaxNorm({ rate: 0.5 }),
      biasConstraint: unitNorm(),
    }),
  ]);
  const config = JSON.parse(JSON.stringify(model.toConfig()));
  expect(config.layers[0]).toMatchObject({
    kernelRegularizer: { l1: 0, l2: 0.01 },
    activityRegularizer: { l1: 0.5, l2: 0 },
    kernelConstraint: { type: "maxNorm", maxValue: 2, axis: [0, 1, 2] },
    biasConstraint: { type: "nonNeg" },
  });
  expect(sequential(layersFromConfig(config), { name: model.name }).toConfig()).toEqual(model.toConfig());
});

test.each([
  ["l2", () => dense({ units: 2, kernelRegularizer: { l2: -1 } })],
  ["a name", () => dense({ units: 2, kernelRegularizer: "l2" as never })],
  ["another key", () => dense({ units: 2, kernelRegularizer: { l3: 1 } as never })],
])("a regularizer that is none is refused: %s", (_, make) => {
  expect(make).toThrow(
    /^dense: kernelRegularizer is .*, expected l1\(\), l2\(\) or l1l2\(\), as data \{ l1, l2 \}/,
  );
});

test.each([
  ["a type", { type: "maxnorm" }],
  ["an axis that is not the first", { type: "maxNorm", axis: 1 }],
  ["a key of another", { type: "nonNeg", maxValue: 1 }],
])("a constraint that is none is refused: %s", (_, kernelConstraint) => {
  expect(() => dense({ units: 2, kernelConstraint: kernelConstraint as never })).toThrow(
    /^dense: kernelConstraint is .*, expected maxNorm\(\), minMaxNorm\(\), nonNeg\(\) or unitNorm\(\)/,
  );
});
