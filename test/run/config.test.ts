import "../../src/options/other-names.ts";
import { describe, expect, test } from "vitest";
import { cosineDecay, defineSchedule } from "../../src/optim/index.ts";
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
    [
      "a schedule",
      {
        optimizer: {
          name: "adam",
          learningRate: { name: "piecewiseConstantDecay", options: { boundaries: [5], values: [0.1, 0.01] } },
        },
      },
    ],
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
      optimizer: {
        name: "adam",
        learningRate: { name: "oneCycle", options: { peak: 0.004, warmUp: 0.3, start: 0.1 } },
        beta1: 0.9,
      },
    });
  });

  test("takes records of a recipe, those of version 0.1 too, beside it", () => {
    const { optimizer } = checkRunConfig({ recipe: "fast" });
    const record = (learningRate: unknown) =>
      checkRunConfig({ recipe: "fast", optimizer: { ...optimizer, learningRate } } as RunOptions).optimizer;
    expect(record("oneCycle, peak 0.004")).toEqual(optimizer);
    const options = { steps: 50, start: 0.1, peak: 0.004, warmUp: 0.3 };
    expect(record({ name: "oneCycle", options }).learningRate).toEqual({ name: "oneCycle", options });
    expect(() => record({ name: "oneCycle", options: { ...options, peak: 0.01 } })).toThrow(
      "optimizer is given beside recipe fast",
    );
    expect(() => record({ name: "cosineDecay", options })).toThrow("optimizer is given beside recipe fast");
  });

  test("takes a schedule as the learning rate, and fills in its defaults", () => {
    const given = { name: "oneCycle", options: { peak: 0.01, steps: 300 } };
    const { optimizer } = checkRunConfig({ optimizer: { name: "sgd", momentum: 0.9, learningRate: given } });
    expect(optimizer).toEqual({
      name: "sgd",
      learningRate: { name: "oneCycle", options: { peak: 0.01, steps: 300, warmUp: 0.3, start: 0.1 } },
      weightDecay: 0,
      momentum: 0.9,
      nesterov: false,
    });
    const fromCode = cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
    expect(checkRunConfig({ optimizer: { name: "adam", learningRate: fromCode } }).optimizer).toMatchObject({
      learningRate: fromCode,
    });
  });

  const linear = defineSchedule({ name: "linear", rate: (step) => step });
  test.each<[unknown, string]>([
    [
      { name: "onecycle", options: { peak: 0.01, steps: 10 } },
      'name is "onecycle", expected one of oneCycle, exponentialDecay, cosineDecay, piecewiseConstantDecay, constantRate, stepDecay, polynomialDecay, inverseTimeDecay, cosineDecayRestarts, warmUp. Write: {"learningRate": {"name": "oneCycle", "options": {"peak": 0.01, "steps": 10}}}',
    ],
    [
      { name: "oneCycle", options: { peak: 0.01 } },
      'oneCycle: steps is missing, expected a whole number >= 1. Write: {"learningRate": {"name": "oneCycle", "options": {"peak": 0.01, "steps": 1000}}}',
    ],
    [
      { name: "oneCycle", options: { peak: 0.01, steps: 10, warmup: 0.1 } },
      'oneCycle: no option is called "warmup": did you mean warmUp? Write: {"learningRate": {"name": "oneCycle", "options": {"peak": 0.01, "steps": 10, "warmUp": 0.1}}}',
    ],
    [
      { name: "cosineDecay", decaySteps: 7 },
      'cosineDecay: got "decaySteps" beside the name, expected name and options alone. Write: {"learningRate": {"name": "cosineDecay", "options": {"initialLearningRate": 0.1, "decaySteps": 7}}}',
    ],
    [
      { name: "piecewiseConstantDecay", options: { boundaries: [5], values: [1] } },
      "piecewiseConstantDecay: got 1 boundaries and 1 values, expected one value more than boundaries",
    ],
    [{ name: "exponentialDecay" }, "exponentialDecay: initialLearningRate is missing"],
    [{ options: {} }, "name is undefined, expected one of oneCycle"],
    [linear({}), "got a function, but settings are plain data: expected a number, or one of oneCycle"],
    [() => 0.1, "got a function, but settings are plain data"],
  ])("refuses the schedule %j, and says what to write", (learningRate, message) => {
    const refused = () => checkRunConfig({ optimizer: { name: "adam", learningRate } } as RunOptions);
    expect(refused).toThrow(RunConfigError);
    expect(refused).toThrow(`optimizer: learningRate: ${message}`);
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
      'optimizer is "sdg", expected one of sgd, rmsprop, adam, adamw, adagrad, adadelta, adamax, nadam, lion, or { name, … } with its options. Write: {"optimizer": "sgd"}',
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
