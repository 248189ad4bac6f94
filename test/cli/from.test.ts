import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/model-file.ts";
import { run } from "../../src/run/node.ts";
import { bars, json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;
const quick = "train --epochs 1 --batch-size 16 --threads 1 --json".split(" ");

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeBars(join(work, "four"), { classNames: ["top", "middle", "bottom", "nowhere"] });
  await writeModel(join(work, "small.json"));
  await writeModel(join(work, "other.json"), [
    { type: "flatten" },
    { type: "dense", name: "head", units: 3, activation: "softmax" },
  ]);
  const first = await train("--dataset", "bars", "--model", "small.json", "--out", "first");
  expect(first.status).toBe(0);
});

function train(...args: string[]) {
  return wasmgrad([...quick, ...args], { cwd: work });
}

async function tensorsOf(folder: string): Promise<Map<string, readonly number[]>> {
  const { tensors } = readModel(await readFile(join(work, folder, "model.safetensors")));
  return new Map(tensors.map(({ name, data }) => [name, [...data]]));
}

describe("--from", () => {
  test("begins with a run's weights and layers, and with a head for other classes", async () => {
    // A rate of 0: what comes out is what went in.
    const still = ["--optimizer", "sgd", "--learning-rate", "0", "--dataset", "four"];
    const { status, stderr, stdout } = await wasmgrad(
      [...quick.filter((arg) => arg !== "--json"), ...still, "--from", "first", "--out", "second"],
      { cwd: work },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "Beginning with the weights of first: 2 of 4 parameters; drawn anew: dense/kernel, dense/bias; not taken: dense/kernel, dense/bias",
    );
    const [first, second] = [await tensorsOf("first"), await tensorsOf("second")];
    expect([...second].map(([name, { length }]) => [name, length])).toEqual([
      ["conv2d/kernel", 36],
      ["conv2d/bias", 4],
      ["dense/kernel", 144],
      ["dense/bias", 4],
    ]);
    for (const name of ["conv2d/kernel", "conv2d/bias"]) expect(second.get(name)).toEqual(first.get(name));
    const repeated = await train("--config", "second/result.json", "--out", "again");
    const record = JSON.parse(await readFile(join(work, "second", "result.json"), "utf8"));
    expect(json(repeated)).toMatchObject({ weightsSha256: record.weightsSha256 });
    expect(json(repeated).configuration).toEqual(record.configuration);
    expect(record.configuration.from).toBe("first");
  });

  test("takes a model of one's own, and a file; a default name is a run's", async () => {
    const own = await train(
      "--dataset",
      "bars",
      "--model",
      "small.json",
      "--from",
      "first/model.safetensors",
    );
    expect(json(own)).toMatchObject({ model: "small", run: "runs/bars-small-1" });
    const fresh = await train("--dataset", "bars", "--model", "small.json", "--out", "fresh");
    expect(json(fresh).weightsSha256).not.toBe(json(own).weightsSha256);
    const theirs = await train("--dataset", "bars", "--from", "first");
    expect(json(theirs)).toMatchObject({ run: "runs/bars-small-2", weightsSha256: json(own).weightsSha256 });
  });

  test("a checkpointed run goes on without the run that it began with", async () => {
    const args = ["--dataset", "bars", "--from", "first", "--checkpoint-every", "1"];
    const whole = json(await train(...args, "--epochs", "2", "--out", "whole"));
    expect((await train(...args, "--out", "short")).status).toBe(0);
    const path = join(work, "short", "checkpoint.safetensors");
    const { result, learner } = await run(
      { epochs: 2, dataset: join(work, "bars") },
      { resume: await readFile(path) },
    );
    learner.dispose();
    expect(result.weightsSha256).toBe(whole.weightsSha256);
  });

  test("says what fits nowhere, and what is no run", async () => {
    const misfit = await train("--dataset", "bars", "--model", "other.json", "--from", "first");
    expect(json(misfit).error).toMatchObject({
      exitCode: 2,
      message:
        "--from: no tensor has the name and the shape of a parameter: got 'conv2d/kernel' [3, 3, 1, 4], 'conv2d/bias' [4], 'dense/kernel' [36, 3] and 1 more, expected some of 'head/kernel' [64, 3], 'head/bias' [3]",
    });
    const none = await train("--dataset", "bars", "--from", "nowhere");
    expect(json(none).error.message).toMatch(/^nowhere: no such file or folder/);
  });

  test("in code takes what loadModel() gives", async () => {
    const dataset = { name: "bars", classNames: ["a", "b", "c"], train: bars(120), test: bars(30) };
    const from = readModel(await readFile(join(work, "first", "model.safetensors")));
    const settings = { epochs: 1, optimizer: { name: "sgd", learningRate: 0 } } as const;
    let told: unknown;
    const { learner, result } = await run(settings, {
      dataset,
      from,
      onReady: (ready) => {
        told = ready.from;
      },
    });
    expect(await learner.getWeights()).toEqual(from.tensors);
    learner.dispose();
    expect(told).toMatchObject({ kept: [], unused: [] });
    expect(result.model).toBe("small");
    await expect(run({ ...settings, from: "nowhere" }, { dataset })).rejects.toThrow(
      /^from is "nowhere": ENOENT/,
    );
  });
});
