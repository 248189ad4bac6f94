import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { checkRunConfig } from "../../src/run/config.ts";
import { json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;
beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeBars(join(work, "others"), { train: 60 });
  await writeModel(join(work, "small.json"));
  const learningRate = { name: "cosineDecay", options: { initialLearningRate: 0.1, decaySteps: 6 } };
  await writeFile(join(work, "scheduled.json"), JSON.stringify({ optimizer: { name: "sgd", learningRate } }));
});

const train = async (line: string) => {
  const done = await wasmgrad(["train", ...line.split(" "), "--json"], { cwd: work });
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return json(done);
};

describe("train --config", () => {
  test.each([
    [
      "settings of one's own",
      "--epochs 2 --batch-size 16 --seed 5 --optimizer sgd --momentum 0.9 --nesterov --clip-norm 1 --loss binaryCrossentropy --validation-from shuffled --restore-best loss --train-limit 90",
    ],
    ["a recipe", "--recipe fast --epochs 1 --threads 1"],
    ["a schedule", "--config scheduled.json --epochs 2 --momentum 0.5"],
    ["no validation", "--epochs 1 --validation-split 0 --backend scalar"],
  ])("repeats a run of %s from its result.json: the same weights, the same record", async (what, flags) => {
    const out = what.replaceAll(/\W/g, "-");
    const first = await train(`--dataset bars --model small.json ${flags} --out ${out}`);
    const again = await train(`--config ${out}/result.json --out ${out}-again`);
    expect(again.weightsSha256).toBe(first.weightsSha256);
    expect(again.configuration).toEqual(first.configuration);
    expect(again.history).toEqual(first.history);
    expect(JSON.parse(JSON.stringify(checkRunConfig(first.configuration)))).toEqual(first.configuration);
  });

  test("takes a file of some settings, the model in it; flags win", async () => {
    const layers = [{ type: "flatten" }, { type: "dense", units: 3, activation: "softmax" }];
    const settings = {
      dataset: "bars",
      model: { name: "flat", layers },
      epochs: 2,
      optimizer: { name: "sgd", momentum: 0.5, learningRate: 0.1 },
    };
    await writeFile(join(work, "run.json"), JSON.stringify(settings));
    const plain = await train("--config run.json");
    expect(plain).toMatchObject({
      model: "flat",
      parameters: 195,
      epochs: 2,
      run: join("runs", "bars-flat-1"),
    });
    expect(plain.configuration).toMatchObject({ ...settings, validationFrom: "stratified", batchSize: 32 });
    const other = await train("--config run.json --epochs 1 --learning-rate 0.2 --model small.json");
    expect(other.configuration).toMatchObject({
      model: "small.json",
      epochs: 1,
      optimizer: { name: "sgd", momentum: 0.5, learningRate: 0.2 },
    });
    const adam = await train("--config run.json --epochs 1 --optimizer adam");
    expect(adam.configuration.optimizer).toMatchObject({ name: "adam", learningRate: 0.001 });
    expect(adam.configuration.optimizer).not.toHaveProperty("momentum");
    expect((await train("--config run.json --recipe fast")).configuration).toMatchObject({
      recipe: "fast",
      batchSize: 64,
      validationSplit: 0,
      restoreBest: "none",
    });
  });

  test("what followed from a setting that a flag changes follows anew", async () => {
    await train("--dataset bars --model small.json --epochs 1 --train-limit 90 --out whole");
    const { configuration, images } = await train("--config whole/result.json --dataset others");
    expect(configuration).toMatchObject({ dataset: "others", epochs: 1 });
    expect(configuration).not.toHaveProperty("trainLimit");
    expect(images).toMatchObject({ train: 48, validation: 12 });
    const without = await train("--config whole/result.json --validation-split 0");
    expect(without.configuration).toMatchObject({ restoreBest: "none", trainLimit: 90 });
    const figure = await train(
      "--dataset bars --model small.json --epochs 1 --restore-best loss --out by-loss",
    );
    expect(figure.configuration.restoreBest).toBe("loss");
    const byLoss = await train("--config by-loss/result.json --validation-split 0");
    expect(byLoss.configuration).toMatchObject({ restoreBest: "loss", validationSplit: 0 });
    const masks = { dataset: "bars", targets: "masks", epochs: 1, restoreBest: "meanIoU" };
    await writeFile(join(work, "masks.json"), JSON.stringify(masks));
    const overlap = await train("--config masks.json --validation-split 0");
    expect(overlap.configuration.restoreBest).toBe("meanIoU");
    const ema = { ...configuration, restoreBest: "none", optimizer: { name: "adam", useEma: true } };
    await writeFile(join(work, "ema.json"), JSON.stringify(ema));
    expect((await train("--config ema.json")).configuration.restoreBest).toBe("none");
    const own = await train("--config ema.json --optimizer sgd");
    expect(own.configuration.restoreBest).toBe("val_accuracy");
    const digits = "--config whole/result.json --dataset digits --digits-count 50 --model mlp";
    expect((await train(digits)).configuration.validationFrom).toBe("last");
  });

  test("a file that names no dataset is for the one of the flag, and keeps what it says of it", async () => {
    const settings = { trainLimit: 30, validationFrom: "shuffled", model: "small.json", epochs: 1 };
    await writeFile(join(work, "limits.json"), JSON.stringify(settings));
    const { configuration } = await train("--config limits.json --dataset bars");
    expect(configuration).toMatchObject({ ...settings, dataset: "bars" });
    await writeFile(join(work, "place.json"), JSON.stringify({ dataDir: "nowhere" }));
    const { stderr } = await wasmgrad("train --config place.json --dataset mnist".split(" "), { cwd: work });
    expect(stderr).toMatch(/the data folder holds none of its files; looked in \S*nowhere.mnist/);
  });

  test("the recipe that a file has already changes nothing in it", async () => {
    const settings = { recipe: "fast", epochs: 1, dataset: "bars", model: "small.json" };
    await writeFile(join(work, "short.json"), JSON.stringify(settings));
    expect((await train("--config short.json --recipe fast")).configuration).toMatchObject(settings);
  });

  test.each([
    ["a file that is not there", "none.json", /--config none\.json: cannot be read: no such file/],
    ["no JSON", "bars/classes.txt", /classes\.txt: is no JSON/],
    [
      "a setting that is none",
      '{"epoch": 3}',
      /bad\.json: .*"epoch": did you mean epochs\? Write: \{"epochs": 3\}/,
    ],
    [
      "a schedule that is none",
      '{"optimizer": {"name": "adam", "learningRate": {"name": "cosine", "options": {}}}}',
      /bad\.json: optimizer: learningRate: name is "cosine", expected one of .* Write: \{"learningRate": \{"name": /,
    ],
    ["a setting that cannot be", '{"epochs": 2.5}', /bad\.json: epochs is 2\.5, expected a whole number/],
    ["settings that do not fit", '{"dataset": "bars", "digitsCount": 3}', /bad\.json: digitsCount is for/],
    [
      "a key twice",
      '{"epochs": 2, "epochs": 3}',
      /bad\.json: is no JSON: an object has the key "epochs" twice/,
    ],
  ])("refuses %s in a line", async (_, file, message) => {
    const path = file.startsWith("{") ? "bad.json" : file;
    if (path !== file) await writeFile(join(work, path), file);
    const { status, stdout, stderr } = await wasmgrad(["train", "--config", path], { cwd: work });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^wasmgrad: .*\n$/);
  });

  test("refuses an optimizer's flag beside a recipe of the file", async () => {
    await writeFile(join(work, "fast.json"), '{"recipe": "fast"}');
    const { status, stderr } = await wasmgrad("train --config fast.json --momentum 0.9".split(" "), {
      cwd: work,
    });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        "wasmgrad: --momentum is given beside --recipe fast, which brings its own optimizer: leave one of them out\n",
    });
  });
});
