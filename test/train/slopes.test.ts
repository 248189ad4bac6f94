import { describe, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { LOSSES, type LossData, type LossName } from "../../src/losses/names.ts";
import * as layers from "../../src/model/layers/index.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { between, kernel, NETS, SHAPE } from "../support/layer-nets.ts";
import { all, sessionOf, type TestSessionOptions } from "../support/sessions.ts";
import { expectSlopes } from "../support/slopes.ts";

// Every layer, loss, regularizer: the gradients of a net with it against central differences of the loss that it has.

const COUNT = 6;
const common = { images: fixtureValues(COUNT * elements(SHAPE), 1, 1), shape: SHAPE, count: COUNT };
const labelled: Samples = { ...common, labels: fixtureLabels(COUNT, 2, 3) };

async function expectNet(net: Model, samples: Samples, options: TestSessionOptions): Promise<void> {
  const session = await sessionOf(net, { preprocessing: { scale: 1, offset: 0 }, seed: 3, ...options });
  session.trainStep(samples, all(samples));
  expectSlopes(session, samples, all(samples));
}

const { conv2d, dense, flatten } = layers;

/** These are refused behind what is trained (test/model/augmentation.test.ts): there is no gradient to pass. */
const VARYING = /^random|mixUp|cutMix/;

describe.each(Object.keys(LAYERS).filter((type) => !VARYING.test(type)))("%s", (type) => {
  test.each(BACKENDS)("build %s", async (backend) => {
    await expectNet(NETS[type]!(), labelled, { backend });
  });
});

/** Targets from 0 to 1 of each loss that takes numbers, or from -1 to 1. */
const targets = (low: number) => ({
  ...common,
  targets: fixtureValues(COUNT * 3, 4, 1).map((v) => (low < 0 ? v : (v + 1) / 2)),
});
const CLASSES = ["categorical", "sparse"];
const net = (activation: "softmax" | "sigmoid" | "linear") =>
  sequential([
    conv2d({ ...kernel, activation: "tanh", inputShape: SHAPE }),
    flatten(),
    dense({ units: 3, activation }),
  ]);

/** What each loss is asked for beside its defaults. */
const OPTIONS: { readonly [L in LossName]?: readonly Omit<LossData, "name">[] } = {
  categoricalCrossentropy: [{ labelSmoothing: 0.2 }],
  sparseCategoricalCrossentropy: [{ labelSmoothing: 0.2 }],
  binaryCrossentropy: [{ labelSmoothing: 0.2 }],
  categoricalFocalCrossentropy: [{ gamma: 1.5, alpha: 0.6, labelSmoothing: 0.1 }],
  binaryFocalCrossentropy: [{ gamma: 3, alpha: 0.3, applyClassBalancing: true }],
  huber: [{ delta: 0.4 }],
};

describe.each(LOSSES)("%s", (name) => {
  const takesClasses = CLASSES.some((kind) => name.startsWith(kind)) && name !== "categoricalHinge";
  const binary = name.startsWith("binary");
  const last = takesClasses
    ? "softmax"
    : binary || /klDivergence|poisson|Logarithmic/.test(name)
      ? "sigmoid"
      : "linear";
  const samples = takesClasses
    ? labelled
    : targets(/hinge|cosine|huber|Error$/i.test(name) && last === "linear" ? -1 : 0);
  const asked = [{}, ...(OPTIONS[name] ?? [])].flatMap((options) =>
    takesClasses || binary ? [options, { ...options, fromLogits: true }] : [options],
  );
  describe.each(asked)("%j", (options) => {
    test.each(BACKENDS)("build %s", async (backend) => {
      const fromLogits = "fromLogits" in options;
      for (const fuse of [true, false])
        await expectNet(net(fromLogits ? "linear" : last), samples, {
          backend,
          fuse,
          loss: { name, ...options },
        });
    });
  });
});

test.each(BACKENDS)("what large weights, biases and activations cost, build %s", async (backend) => {
  const { l1, l2, l1l2 } = layers;
  const costs = [l1({ l1: 0.05 }), l2({ l2: 0.04 }), l1l2({ l1: 0.02, l2: 0.03 })];
  for (const cost of costs) {
    const limited = {
      kernelRegularizer: cost,
      biasRegularizer: cost,
      activityRegularizer: cost,
      biasInitializer: "randomNormal",
    } as const;
    await expectNet(between(conv2d({ ...kernel, ...limited }), dense({ units: 3, ...limited })), labelled, {
      backend,
    });
  }
});
