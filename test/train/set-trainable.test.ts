import { describe, expect, test } from "vitest";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import { add, batchNormalization, conv2d, dense, flatten, input } from "../../src/model/layers/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { model as functional, modelFromConfig } from "../../src/train/functional.ts";
import { expectSame } from "../support/close.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const data = halves(50, 3);
const layers = (frozen?: string) => {
  const trainable = (name: string) => (name === frozen ? { trainable: false } : {});
  return [
    conv2d({ filters: 3, kernelSize: 3, name: "c", inputShape: [6, 6, 1], ...trainable("c") }),
    batchNormalization({ name: "n", ...trainable("n") }),
    flatten(),
    dense({ units: 2, activation: "softmax", name: "d", ...trainable("d") }),
  ];
};
const fit = { epochs: 1, batchSize: 8 };
const optimizer = () => adam({ learningRate: 0.02 });

/** What the optimizer keeps, by parameter. */
function momenta({ session }: Awaited<ReturnType<typeof modelOf>>): Record<string, number[]> {
  return Object.fromEntries(
    session.trained.map(({ parameter: { name }, offset, length }) => [
      name,
      session.optimizer.vectors.flatMap((vector) => [...vector.subarray(offset, offset + length)]),
    ]),
  );
}

const named = (model: Awaited<ReturnType<typeof modelOf>>) =>
  Object.fromEntries(model.getWeights().map(({ name, data }) => [name, [...data]]));

describe("setTrainable", () => {
  test("keeps weights, step and what the optimizer keeps; a layer that is trained again begins without", async () => {
    const model = await modelOf(layers(), { optimizer: optimizer() });
    await model.fit(data, fit);
    const [weights, before, step] = [named(model), momenta(model), model.session.optimizer.step];
    await model.setTrainable("c", false);
    expect(named(model)).toEqual(weights);
    const { "c/kernel": kernel, "c/bias": bias, ...others } = before;
    expect(momenta(model)).toEqual(others);
    expect(model.session.optimizer.step).toBe(step);
    await model.fit(data, fit);
    expect(named(model)).toMatchObject({ "c/kernel": weights["c/kernel"], "c/bias": weights["c/bias"] });
    expect(named(model)["d/kernel"]).not.toEqual(weights["d/kernel"]);
    const after = momenta(model);
    await model.setTrainable(["c"], true);
    const zeros = (values: readonly number[]) => values.map(() => 0);
    expect(momenta(model)).toEqual({ ...after, "c/kernel": zeros(kernel!), "c/bias": zeros(bias!) });
    await model.fit(data, fit);
    expect(named(model)["c/kernel"]).not.toEqual(weights["c/kernel"]);
  });

  test.each(["c", "n", "d"])(
    "trains as a model that was built with '%s' frozen, and back as one without",
    async (name) => {
      const options = { optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }), seed: 4 };
      const frozen = await modelOf(layers(name), options);
      const changed = await modelOf(layers(), options);
      await changed.setTrainable(name, false);
      expect(changed.toConfig()).toEqual(frozen.toConfig());
      expect(changed.rows).toEqual(frozen.rows);
      for (const model of [frozen, changed]) await model.fit(data, { ...fit, epochs: 3 });
      expect(await changed.weightsSha256()).toBe(await frozen.weightsSha256());
      expectSame(await changed.predict(data), await frozen.predict(data));
      await changed.setTrainable(name, true);
      expect(changed.toConfig()).toEqual((await modelOf(layers())).toConfig());
      await changed.fit(data, fit);
      expect(await changed.weightsSha256()).not.toBe(await frozen.weightsSha256());
    },
  );

  test.each([[["d"]], [["c", "n", "d"]]])(
    "lets the moving average of what is trained again begin with it: %j",
    async (names) => {
      const optimizer = adam({ learningRate: 0, useEma: true });
      const model = await modelOf(layers(), { optimizer });
      await model.setTrainable(names, false);
      await model.fit(data, fit);
      const before = named(model)["d/kernel"];
      await model.setTrainable(names, true);
      await model.fit(data, fit);
      for (const [i, value] of named(model)["d/kernel"]!.entries()) expect(value).toBeCloseTo(before![i]!, 5);
    },
  );

  test("of a layer that is called twice, in a graph that was not compiled yet", async () => {
    const build = (trainable: boolean) => {
      const x = input({ shape: [6, 6, 1] });
      const shared = dense({ units: 4, name: "shared", trainable });
      const [a, b] = [shared.apply(flatten().apply(x)), shared.apply(flatten().apply(x))];
      const y = dense({ units: 2, activation: "softmax" }).apply(add().apply([a, b]));
      return functional({ inputs: x, outputs: y });
    };
    const [frozen, changed] = [build(false), build(true)];
    await changed.setTrainable("shared", false);
    for (const model of [frozen, changed]) {
      await model.compile({ seed: 3 });
      await model.fit(data, fit);
    }
    expect(await changed.weightsSha256()).toBe(await frozen.weightsSha256());
    const { model: loaded } = readModel(saveModel(changed));
    expect(loaded.toConfig()).toEqual(frozen.toConfig());
    expect(modelFromConfig(changed.toConfig()).rows).toEqual(frozen.rows);
  });

  test("a training of before refuses to go on", async () => {
    const model = await modelOf(layers());
    const training = model.training(data, fit);
    await training.step();
    await model.setTrainable("d", false);
    await expect(training.step()).rejects.toThrow(/^the model was compiled or trained otherwise since/);
  });

  test("refuses what is no layer, and what is no flag", async () => {
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    await expect(model.setTrainable("e", false)).rejects.toThrow(/^setTrainable: no layer is called 'e': /);
    await expect(model.setTrainable("flaten", false)).rejects.toThrow("did you mean flatten?");
    await expect(model.setTrainable("c", "no" as never)).rejects.toThrow(
      'setTrainable: got "c" and "no", expected names of layers, and true or false. Write: await model.setTrainable("c", false)',
    );
    await expect(model.setTrainable([], true)).rejects.toThrow(TypeError);
    let during: Promise<void> | undefined;
    const callbacks = {
      onBatchEnd: () => {
        during ??= model.setTrainable("c", false);
        during.catch(() => {});
      },
    };
    await model.fit(data, {
      ...fit,
      epochs: 3,
      callbacks: [callbacks, { onEpochEnd: () => new Promise<void>((done) => setTimeout(done, 5)) }],
    });
    await expect(during).rejects.toThrow(/^the model is training/);
    expect(await model.weightsSha256()).not.toBe(before);
  });
});
