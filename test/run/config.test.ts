import { describe, expect, test } from "vitest";
import { checkRunConfig, RunConfigError, type RunOptions } from "../../src/run/config.ts";

describe("the configuration of a run", () => {
  test("of nothing is all defaults, and plain data", () => {
    const config = checkRunConfig({});
    expect(config).toEqual({
      dataset: "digits",
      model: "keras-mnist",
      epochs: 10,
      batchSize: 32,
      optimizer: {
        name: "adam",
        learningRate: 0.001,
        weightDecay: 0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
      },
      loss: "categoricalCrossentropy",
      validationSplit: 0.2,
      validationFrom: "last",
      seed: 1,
      backend: "auto",
      shuffle: true,
      preprocessing: { scale: 1 / 255, offset: 0 },
      restoreBest: "val_accuracy",
    });
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  test.each<[string, RunOptions]>([
    ["defaults", {}],
    ["a recipe", { recipe: "fast" }],
    ["a recipe with epochs of its own", { recipe: "fast", epochs: 3, validationSplit: 0.1 }],
    ["an optimizer", { optimizer: { name: "sgd", momentum: 0.9, globalClipNorm: 1 } }],
    ["images of one's own", { dataset: "some/folder", model: [{ type: "flatten" }], trainLimit: 10 }],
    ["digits", { digitsCount: 50, digitsTestCount: 10, validationSplit: 0, restoreBest: "loss" }],
  ])("of %s is the same when it is checked again, or read out of a result", (_, options) => {
    const config = checkRunConfig(options);
    expect(checkRunConfig(config as RunOptions)).toEqual(config);
    expect(checkRunConfig({ seed: 7, configuration: config } as RunOptions)).toEqual(config);
  });

  test("follows from what it names: validation from its images, the best figure from validation", () => {
    expect(checkRunConfig({ dataset: "mnist" }).validationFrom).toBe("last");
    expect(checkRunConfig({ dataset: "folder" }).validationFrom).toBe("stratified");
    expect(checkRunConfig({ dataset: "folder", validationFrom: "shuffled" }).validationFrom).toBe("shuffled");
    const without = checkRunConfig({ validationSplit: 0, validationFrom: "last" });
    expect(without).not.toHaveProperty("validationFrom");
    expect(without.restoreBest).toBe("none");
  });

  test("takes epochs, batches, validation and the optimizer from a recipe", () => {
    expect(checkRunConfig({ recipe: "fast", epochs: 5 })).toMatchObject({
      epochs: 5,
      batchSize: 64,
      validationSplit: 0,
      optimizer: { name: "adam", learningRate: expect.stringContaining("oneCycle"), beta1: 0.9 },
    });
  });

  test.each<[object, string]>([
    [{ epochs: 0 }, 'epochs is 0, expected a whole number from 1 to 1,000,000. Write: {"epochs": 10}'],
    [
      { epochs: 2, batchsize: "64" },
      'no option is called "batchsize": did you mean batchSize? Write: {"batchSize": 64}',
    ],
    [{ lr: 0.1 }, 'no option is called "lr": it belongs into adam({ learningRate: 0.001 })'],
    [
      { optimizer: "sdg" },
      'optimizer is "sdg", expected one of sgd, rmsprop, adam, adamw, or { name, … } with its options. Write: {"optimizer": "sgd"}',
    ],
    [{ optimizer: { name: "adam", momentum: 0.9 } }, 'optimizer: adam: no option is called "momentum"'],
    [{ loss: "mse" }, 'Write: {"loss": "meanSquaredError"}'],
    [{ validationSplit: 1 }, "validationSplit is 1, expected a number from 0 to below 1"],
    [{ preprocessing: { scale: 1 } }, "preprocessing: offset is missing, expected a finite number"],
    [{ seed: -1 }, "seed is -1, expected a whole number from 0"],
    [
      { dataset: "mnist", digitsCount: 5 },
      "digitsCount is for the generated dataset 'digits', not for 'mnist'",
    ],
    [{ dataDir: "here" }, "dataDir is for datasets that have files of their own"],
    [
      { validationSplit: 0, restoreBest: "val_loss" },
      "restoreBest is val_loss, but validationSplit 0 leaves nothing",
    ],
    [{ recipe: "fast", optimizer: "sgd" }, "optimizer is given beside recipe fast, which brings its own"],
    [[], "got [], expected an object of options"],
  ])("%j is refused: what was got, what was expected, what to write", (given, message) => {
    let error: unknown;
    try {
      checkRunConfig(given as RunOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RunConfigError);
    expect((error as Error).message).toContain(message);
  });

  test("of a slip shows the line to write, not the whole file again", () => {
    const long = { ...checkRunConfig({}), epochs: "many" };
    expect(() => checkRunConfig(long as unknown as RunOptions)).toThrow(/Write: \{"epochs": 10\}$/);
  });
});
