import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { imageAnswer } from "../../src/cli/run/answers.ts";
import { readyModel } from "../../src/cli/run/load.ts";
import { type ModelMetadata, readModel, saveModel } from "../../src/formats/model-file.ts";
import { conv2d } from "../../src/model/layers/index.ts";
import type { Activation } from "../../src/model/layers/layer.ts";
import { sequential } from "../../src/train/sequential.ts";
import { tempFolder } from "./helpers.ts";

// What `predict --out` writes of models that give the same number for each pixel.

const picture = { width: 2, height: 2, rgb: new Float32Array(12), alpha: undefined } as const;

async function answerOf(value: number, metadata: ModelMetadata, activation: Activation = "linear") {
  const layer = conv2d({
    filters: 1,
    kernelSize: 1,
    activation,
    biasInitializer: { type: "constant", value },
    inputShape: [2, 2, 1],
  });
  const made = sequential([layer]);
  await made.compile({ optimizer: "sgd", loss: "meanSquaredError", threads: 1 });
  const loaded = readModel(saveModel(made, metadata));
  made.dispose();
  const run = { ...loaded, path: "" };
  await readyModel(run, { threads: 1 });
  const out = await tempFolder();
  const answer = await imageAnswer(run, "one.png", picture, { out });
  run.model.dispose();
  return { ...answer, data: [...decode(await readFile(join(out, "one.png"))).data] };
}

const logits = { name: "binaryCrossentropy", fromLogits: true } as const;

test("logits are written as the probabilities that they are", async () => {
  const even = await answerOf(0, { targets: "images", loss: logits });
  expect(even.data).toEqual([128, 128, 128, 128]);
  expect(even.numbers).toEqual({ least: 0.5, greatest: 0.5, mean: 0.5 });
  const told = await answerOf(0.25, { targets: "images", loss: "meanSquaredError" });
  expect(told.data).toEqual([64, 64, 64, 64]);
});

test.each([
  [0.25, logits, "linear", "cell"],
  [-0.25, logits, "linear", "ground"],
  [0.25, "binaryCrossentropy", "sigmoid", "cell"],
  [0.25, "meanSquaredError", "linear", "ground"],
] as const)("a mask of %f for a pixel, of loss %j, %s, is %s", async (value, loss, activation, name) => {
  const metadata = { targets: "masks", loss, classNames: ["ground", "cell"] } as const;
  const { classes } = await answerOf(value, metadata, activation);
  expect(classes).toEqual({ [name]: 1 });
});

test("numbers lie between those that were learned, and 0 and 1", async () => {
  const asked = { targets: "numbers", loss: "meanSquaredError" } as const;
  expect((await answerOf(10, { ...asked, range: [-10, 30] })).data[0]).toBe(128);
  expect((await answerOf(0.5, { ...asked, range: [0.4, 0.6] })).data[0]).toBe(128);
  expect((await answerOf(3, { ...asked, range: [2, 4] })).data[0]).toBe(191);
  // Files that do not say so.
  expect((await answerOf(3, asked)).data[0]).toBe(255);
});
