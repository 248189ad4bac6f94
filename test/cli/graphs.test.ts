import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { saveModel } from "../../src/formats/model-file.ts";
import { concatenate, dense, flatten, input } from "../../src/model/layers/index.ts";
import { model } from "../../src/train/functional.ts";
import { bars, json, tempFolder, wasmgrad, writeBars } from "./helpers.ts";

let work: string;
beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
});

const run = (line: string) => wasmgrad([...line.split(" "), "--json"], { cwd: work });

const GRAPH = {
  layers: [
    { type: "input", name: "image", shape: [8, 8, 1] },
    {
      type: "conv2d",
      name: "conv",
      filters: 4,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      from: ["image"],
    },
    { type: "batchNormalization", name: "norm", from: ["conv"] },
    { type: "concatenate", name: "both", from: ["image", "norm"] },
    { type: "flatten", name: "flat", from: ["both"] },
    { type: "dense", name: "classes", units: 3, activation: "softmax", from: ["flat"] },
  ],
  inputs: ["image"],
  outputs: ["classes"],
};

test("a graph in a file is trained, tested and asked", async () => {
  await writeFile(join(work, "graph.json"), JSON.stringify(GRAPH));
  const trained = json(await run("train --dataset bars --model graph.json --epochs 4 --out graph"));
  expect(trained).toMatchObject({ model: "graph", epochs: 4 });
  const tested = json(await run("evaluate graph --dataset bars"));
  expect(tested.accuracy).toBe(trained.test.accuracy);
  expect(tested.accuracy).toBeGreaterThan(0.8);
  const { images, labels } = bars(1);
  const picture = encode({ width: 8, height: 8, channels: 1, data: images.slice(0, 64) });
  await writeFile(join(work, "bar.png"), picture);
  const [answer] = json(await run("predict graph bar.png --no-invert --no-center")).predictions;
  expect(answer.class).toBe(labels[0]);
});

test("--exclude-from-weight-decay: other weights, and the record says so", async () => {
  await writeFile(join(work, "graph.json"), JSON.stringify(GRAPH));
  const flags = "train --dataset bars --model graph.json --epochs 1 --optimizer adamw --weight-decay 0.1";
  const all = json(await run(`${flags} --out decay-all`));
  const some = json(await run(`${flags} --exclude-from-weight-decay bias,gamma,beta --out decay-some`));
  expect(some.configuration.optimizer.excludeFromWeightDecay).toEqual(["bias", "gamma", "beta"]);
  expect(some.weightsSha256).not.toBe(all.weightsSha256);
});

test("models of several inputs or outputs are refused, with what to do", async () => {
  const [x, y] = [input({ shape: [8, 8, 1], name: "x" }), input({ shape: [2], name: "y" })];
  const both = concatenate().apply([flatten().apply(x), y]);
  const net = model({ inputs: [x, y], outputs: dense({ units: 3, activation: "softmax" }).apply(both) });
  await net.compile({ threads: 1 });
  onTestFinished(() => net.dispose());
  await writeFile(join(work, "two.json"), JSON.stringify(net.toConfig()));
  await writeFile(join(work, "two.safetensors"), saveModel(net));
  for (const line of [
    "train --dataset bars --model two.json",
    "evaluate two.safetensors --dataset bars",
    "predict two.safetensors picture.png",
    "profile --model two.json",
  ]) {
    const { status, stderr } = await run(line);
    expect(status, line).toBe(1);
    expect(stderr, line).toContain(
      "the model has 2 inputs and 1 output, expected one of each: datasets are of images and their classes; train others in code, with model.fit()",
    );
  }
  expect(json(await run("summary two.safetensors")).layers).toHaveLength(5);
});
