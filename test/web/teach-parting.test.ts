import { describe, expect, onTestFinished, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import type { LoadedModel } from "../../src/formats/model-file.ts";
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  flatten,
  globalAveragePooling2d,
  input,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { model as functional } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { transferModel } from "../../src/train/transfer.ts";
import { headWeights, part, usualCut, wholeWeights } from "../../src/web/state/teach/parting.ts";

const moved = {
  movingMeanInitializer: { type: "randomNormal", stddev: 0.3 },
  movingVarianceInitializer: { type: "randomUniform", minValue: 0.5, maxValue: 2 },
} as const;

/** Bases of each kind: a chain that flattens, one that pools, a graph, one that gives images. */
const BASES: Readonly<Record<string, () => Model>> = {
  "a chain that flattens": () =>
    sequential([
      conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], useBias: false }),
      batchNormalization(moved),
      activation({ activation: "relu" }),
      maxPooling2d(),
      flatten(),
      dense({ units: 6, activation: "relu" }),
      dense({ units: 4, activation: "softmax" }),
    ]),
  "a graph": () => {
    const x = input({ shape: [8, 8, 3] });
    const one = conv2d({ filters: 4, kernelSize: 3, padding: "same" }).apply(x);
    const two = batchNormalization(moved).apply(conv2d({ filters: 4, kernelSize: 1 }).apply(one));
    const y = globalAveragePooling2d().apply(
      activation({ activation: "relu" }).apply(add().apply([one, two])),
    );
    return functional({ inputs: x, outputs: dense({ units: 4, activation: "softmax" }).apply(y) });
  },
  "a backbone that gives images": () =>
    sequential([
      conv2d({ filters: 5, kernelSize: 3, activation: "relu", inputShape: [8, 8, 3] }),
      maxPooling2d(),
    ]),
};

/** Bytes that differ, and classes. */
function pictures(count: number) {
  const images = Uint8Array.from({ length: count * 192 }, (_, i) => (i * 7919 + (i % count) * 104729) % 256);
  return {
    images,
    labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
    count,
    shape: [8, 8, 3] as const,
  };
}

async function compiled(model: Model, seed: number, loss?: "meanSquaredError"): Promise<Model> {
  await model.compile({ threads: 1, seed, ...(loss && { loss }) });
  onTestFinished(() => model.dispose());
  return model;
}

describe.each(Object.keys(BASES))("%s", (name) => {
  test.each([[[8, 3]], [[3]]])(
    "a head of %j that is trained apart has the bits of transferModel()",
    async (units) => {
      const own = await compiled(BASES[name]!(), 3, "meanSquaredError");
      const base = {
        model: own,
        tensors: own.getWeights(),
        metadata: { preprocessing: { scale: 2 / 255, offset: -1 } },
      } satisfies LoadedModel;
      const FIT = { epochs: 4, batchSize: 8 };
      const { images, labels, count, shape } = pictures(40);
      const other = pictures(9);

      const expected = await compiled(transferModel(base, { freeze: "all", head: units }), 5);
      const { history } = await expected.fit(
        { images, labels, count, shape },
        { ...FIT, validationData: other },
      );

      const parted = part(base, units);
      const features = await compiled(parted.features, 1, "meanSquaredError");
      expect(parted.features.outputShape).toEqual([parted.size]);
      const drawn = headWeights(parted, (await compiled(parted.whole, 5)).getWeights());
      const head = await compiled(parted.head, 5);
      head.setWeights(drawn);
      // One by one and in heaps, as pictures come.
      const seen = new Float32Array(count * parted.size);
      for (let at = 0, n = 1; at < count; at += n, n = Math.min(n + 3, count - at))
        seen.set(await features.predict(images.subarray(at * 192, (at + n) * 192)), at * parted.size);
      const validationData = {
        images: await features.predict(other.images),
        labels: other.labels,
        count: other.count,
        shape: [parted.size],
      };
      const { history: got } = await head.fit(
        { images: seen, labels, count, shape: [parted.size] },
        { ...FIT, validationData },
      );
      expect(got.loss).toHaveLength(4);
      expect(got.loss).toEqual(history.loss);
      expect(got.val_loss).toEqual(history.val_loss);
      expect(wholeWeights(parted, base.tensors, head.getWeights())).toEqual(expected.getWeights());
      const asked = await head.predict({
        images: validationData.images,
        count: other.count,
        shape: [parted.size],
      });
      expect(asked).toEqual(await expected.predict(other.images));
    },
  );
});

test("a base is cut before its classifier; one of dense layers alone before its last", async () => {
  const cutOf = async (model: Model) => {
    const own = await compiled(model, 1, "meanSquaredError");
    const base = {
      model: own,
      tensors: own.getWeights(),
      metadata: { preprocessing: { scale: 1 / 255, offset: 0 } },
    } satisfies LoadedModel;
    return [base, () => usualCut(base)] as const;
  };
  for (const [name, cut] of [
    ["a chain that flattens", "flatten"],
    ["a graph", "globalAveragePooling2d"],
    ["a backbone that gives images", "maxPooling2d"],
  ] as const) {
    const [, of] = await cutOf(BASES[name]!());
    expect(of()).toBe(cut);
  }
  const [mlp, ofMlp] = await cutOf(
    sequential([
      flatten({ inputShape: [8, 8, 3] }),
      dense({ units: 6, activation: "relu" }),
      dense({ units: 4, activation: "softmax" }),
    ]),
  );
  expect(ofMlp()).toBe("dense");
  expect(part(mlp, [2], "dense").size).toBe(6);
  expect(() => part(mlp, [2], "flatten")).toThrow("the base: the layers up to the cut have no weights");
  const [, ofOne] = await cutOf(
    sequential([flatten({ inputShape: [8, 8, 3] }), dense({ units: 4, activation: "softmax" })]),
  );
  expect(ofOne).toThrow(ModelError);
});
