import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/types.ts";
import { type LoadedModel, readModel, saveModel } from "../../src/formats/model-file.ts";
import { exportModel } from "../../src/interchange/export-model.ts";
import { batchNormalization, conv2d, dense, globalAveragePooling2d } from "../../src/model/layers/index.ts";
import { checkRunConfig, type RunOptions } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import { sequential } from "../../src/train/sequential.ts";
import { bars } from "../cli/helpers.ts";

const dataset: Dataset = {
  name: "bars",
  classNames: ["top", "middle", "bottom"],
  train: bars(120),
  test: bars(30),
} as Dataset;
const layers = (classes = 7) => [
  conv2d({ filters: 6, kernelSize: 3, inputShape: [12, 12, 1] }),
  batchNormalization(),
  conv2d({ filters: 5, kernelSize: 3, activation: "relu" }),
  globalAveragePooling2d(),
  dense({ units: classes, activation: "softmax" }),
];
const preprocessing = { scale: 1 / 127.5, offset: -1 };
const quick: RunOptions = { base: "net.safetensors", epochs: 2, batchSize: 16, threads: 1 };

let base: LoadedModel;
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-base-"));
  const model = sequential(layers(), { name: "net" });
  await model.compile({ threads: 1, seed: 3 });
  const bytes = saveModel(model, { preprocessing });
  base = readModel(bytes);
  await writeFile(at("net.safetensors"), bytes);
  await writeFile(
    at("weights.npz"),
    (await exportModel(model, { format: "npz", name: "weights" }))["weights.npz"]!,
  );
  await writeFile(at("layers.json"), JSON.stringify(model.toConfig()));
  model.dispose();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("run() on a backbone", () => {
  test("reads one whose weights lie in files beside it, by its folder too", async () => {
    const files = await exportModel(base, { format: "tfjs" });
    await mkdir(at("web"));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(at("web"), name), bytes);
    expect(Object.keys(files).length).toBeGreaterThan(1);
    for (const place of [at("web"), join(at("web"), "model.json")]) {
      const { learner } = await run({ ...quick, base: place, epochs: 1 }, { dataset });
      expect((await learner.getWeights())[0]).toEqual(base.tensors[0]);
      learner.dispose();
    }
  });

  test("trains its head, and records what followed from it, which repeats the run", async () => {
    const told: unknown[] = [];
    const first = await run(
      { ...quick, head: [8, "classes"] },
      { dataset, base, onReady: ({ backbone }) => void told.push(backbone) },
    );
    first.learner.dispose();
    expect(told).toEqual([{ cut: "globalAveragePooling2d", layers: 4, frozen: 4 }]);
    const { configuration } = first.result;
    expect(configuration).toMatchObject({
      base: "net.safetensors",
      cut: "globalAveragePooling2d",
      freeze: "all",
      head: [8, "classes"],
      preprocessing,
    });
    expect(configuration).not.toHaveProperty("model");
    expect(first.learner.model.inputShape).toEqual([8, 8, 1]);
    expect(first.result.model).toBe("net");
    expect(first.metadata.preprocessing).toEqual(preprocessing);
    expect(first.learner.model.rows.map(({ name, trained }) => [name, trained])).toEqual([
      ["conv2d", 0],
      ["batchNormalization", 0],
      ["conv2d_1", 0],
      ["globalAveragePooling2d", 0],
      ["dense", 48],
      ["dense_1", 27],
    ]);
    const again = await run(JSON.parse(JSON.stringify(configuration)), { dataset, base });
    again.learner.dispose();
    expect(again.result.weightsSha256).toBe(first.result.weightsSha256);
    expect(again.result.configuration).toEqual(configuration);
  });

  test("is the same from a file, from layers and weights, and from weights and layers", async () => {
    const hashes: string[] = [];
    const settings: Partial<RunOptions>[] = [
      { base: at("net.safetensors") },
      { base: at("layers.json"), from: at("net.safetensors"), preprocessing },
      { base: at("layers.json"), from: at("weights.npz"), preprocessing },
      { base: at("weights.npz"), model: at("layers.json"), preprocessing },
      { base: at("weights.npz"), model: base.model.toConfig(), preprocessing },
    ];
    for (const own of settings) {
      const { result, learner } = await run({ ...quick, ...own }, { dataset });
      learner.dispose();
      hashes.push(result.weightsSha256);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  test("goes on from a checkpoint without the backbone's file, to the same bits", async () => {
    const settings: RunOptions = { ...quick, freeze: 2, checkpointEvery: "5steps", epochs: 3 };
    const whole = await run(settings, { dataset, base });
    whole.learner.dispose();
    let bytes: Uint8Array | undefined;
    const stopped = await run(settings, {
      dataset,
      base,
      onCheckpoint: (file, { steps }) => {
        if (steps === 10) bytes = file;
      },
    });
    stopped.learner.dispose();
    const { result, learner } = await run({}, { dataset, resume: bytes });
    learner.dispose();
    expect(result.weightsSha256).toBe(whole.result.weightsSha256);
    expect(result.configuration).toEqual(whole.result.configuration);
  });

  test("is trained on as a whole by from and freeze, which its record repeats", async () => {
    const first = await run(quick, { dataset, base });
    const from = readModel(await first.learner.save(first.metadata));
    first.learner.dispose();
    const settings: RunOptions = { ...quick, base: undefined, from: "first", freeze: "none", preprocessing };
    const trained = async (own: RunOptions, given: LoadedModel) => {
      const { learner, result } = await run(own, { dataset, from: given });
      learner.dispose();
      return { rows: learner.model.rows.map((row) => row.trained), result };
    };
    const all = await trained(settings, from);
    expect(all.rows).toEqual([60, 12, 275, 0, 18]);
    const again = await trained(JSON.parse(JSON.stringify(all.result.configuration)), from);
    expect(again.rows).toEqual(all.rows);
    expect(again.result.weightsSha256).toBe(all.result.weightsSha256);
    expect((await trained({ ...settings, freeze: 2 }, from)).rows).toEqual([0, 0, 275, 0, 18]);
    expect((await trained({ ...settings, freeze: undefined }, from)).rows).toEqual([0, 0, 0, 0, 18]);
    await expect(trained({ ...settings, freeze: "all" }, from)).rejects.toThrow(
      /^from 'first': freeze is "all", of a model with its head: nothing would be trained\. Give fewer layers, or "none"$/,
    );
    await expect(trained({ ...settings, freeze: -6 }, from)).rejects.toThrow(
      /freeze is -6, but the model has 5 layers: expected at most 5/,
    );
    expect(() => checkRunConfig({ from: "x", freeze: "none", model: "lenet5" })).toThrow(
      /^freeze is given beside model: it is for the layers of from/,
    );
  });

  test("gives numbers, too", async () => {
    const targets = Float32Array.from({ length: 240 }, (_, i) => Math.sin(i) * 3);
    const { labels: _, ...images } = bars(120);
    const numbers = {
      name: "numbers",
      classNames: [],
      answers: { kind: "numbers", shape: [2] },
      train: { ...images, targets },
      test: { ...images, targets },
    } as unknown as Dataset;
    const { learner } = await run({ ...quick, targets: "numbers" }, { dataset: numbers, base });
    learner.dispose();
    expect(learner.model.toConfig().layers.at(-1)).toMatchObject({
      type: "dense",
      units: 2,
      activation: "linear",
    });
  });

  test.each<[string, RunOptions, RegExp]>([
    ["a head without a base", { head: ["classes"] }, /^head is for a backbone, and none is named: base$/],
    ["a cut without a base", { cut: "x" }, /^cut is for a backbone, and none is named: base$/],
    [
      "masks",
      { base: "x", targets: "masks" },
      /^targets is masks, but a backbone gets a head of dense layers/,
    ],
    [
      "other weights",
      { base: "x.onnx", from: "y" },
      /^from is given beside base, which has weights of its own/,
    ],
    [
      "a head without classes",
      { base: "x", head: [128] as never },
      /head is \[128\], expected numbers of units, and "classes" at the end/,
    ],
    [
      "another word to freeze",
      { base: "x", freeze: "some" as never },
      /freeze is "some", expected "all", "none", or a number of layers/,
    ],
  ])("refuses %s", (_, options, message) => {
    expect(() => checkRunConfig(options)).toThrow(message);
  });

  test("says what does not fit before data is loaded", async () => {
    const refused = (own: RunOptions, given?: LoadedModel) =>
      run({ ...quick, ...own }, { base: given, load: () => Promise.reject(new Error("loaded")) }).then(
        () => "",
        ({ message }) => message,
      );
    expect(await refused({ cut: "conv2d_2" }, base)).toBe(
      "base 'net.safetensors': cut is \"conv2d_2\", and no layer is called that: did you mean conv2d?",
    );
    expect(await refused({ freeze: 9 }, base)).toMatch(/freeze is 9, but the backbone has 4 layers up to/);
    expect(await refused({ base: at("layers.json") })).toMatch(
      /a list of layers without weights: name a file that has some\. Write: \{"from"/,
    );
    expect(await refused({ base: at("weights.npz") })).toMatch(
      /it holds weights alone .*Write: \{"model": "layers\.json"\}/,
    );
    expect(await refused({ base: at("net.safetensors"), model: "lenet5" })).toMatch(
      /^model is given beside the base .*which has layers of its own/,
    );
    await expect(run({ epochs: 1 }, { dataset, base })).rejects.toThrow(
      /^the hook base is given, and the setting base is not/,
    );
    const colours = { ...dataset, train: bars(120, 3), test: bars(30, 3) };
    await expect(run(quick, { dataset: colours, base })).rejects.toThrow(
      /^base 'net\.safetensors': inputShape is \(8, 8, 3\).*Give images of 1 channel/,
    );
  });
});
