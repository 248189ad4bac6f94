import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DataError } from "../../src/data/errors.ts";
import { isStreamed } from "../../src/data/streamed.ts";
import type { RunOptions } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import type { RunHooks } from "../../src/run/run.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { createModel } from "../../src/train/named.ts";
import { createReport } from "../../src/train/report.ts";
import { bars, start, tempFolder, wasmgrad, writeBars, writeModel } from "../cli/helpers.ts";
import { npy } from "../sources/npy.ts";

const layers = [
  { type: "flatten" },
  { type: "dropout", rate: 0.3 },
  { type: "dense", units: 3, activation: "softmax" },
];
const settings: RunOptions = { model: { name: "small", layers }, epochs: 3, batchSize: 16, threads: 1 };
const folder = async () => writeBars(join(await tempFolder(), "bars"));

afterEach(() => vi.restoreAllMocks());

/** A run, and what it told. */
async function ran(options: RunOptions, hooks: RunHooks = {}) {
  const notices: string[] = [];
  const handed: Uint8Array[] = [];
  const { result, learner, dataset } = await run(options, {
    onNotice: (text) => void notices.push(text),
    ...(hooks.onCheckpoint || { onCheckpoint: (bytes: Uint8Array) => void handed.push(bytes) }),
    ...hooks,
  });
  learner.dispose();
  const { configuration, test, weightsSha256, history } = result;
  return { configuration, figures: { test, weightsSha256, history }, dataset, notices, handed };
}

describe("a run whose images are streamed", () => {
  test("ends as one in memory, and goes on from each of its checkpoints", async () => {
    const dataset = await folder();
    const options = { ...settings, dataset, checkpointEvery: "4steps" as const };
    const whole = await ran(options);
    const streamed = await ran({ ...options, stream: true });
    expect(isStreamed(whole.dataset.train)).toBe(false);
    expect(isStreamed(streamed.dataset.train)).toBe(true);
    expect(streamed.figures).toEqual(whole.figures);
    expect(streamed.configuration).toEqual({ ...whole.configuration, stream: true });
    expect(streamed.handed.length).toBeGreaterThan(3);
    for (const resume of streamed.handed) expect((await ran({}, { resume })).figures).toEqual(whole.figures);
    await writeBars(dataset, { train: 120, test: 31 });
    await expect(ran({}, { resume: streamed.handed[0]! })).rejects.toThrow(
      /are not those that the run to go on with has/,
    );
  });

  test("takes limits and every kind of validation", async () => {
    const dataset = await folder();
    for (const own of [
      { trainLimit: 50, testLimit: 7 },
      { validationFrom: "last" as const },
      { validationSplit: 0, shuffle: false },
    ]) {
      const options = { ...settings, ...own, dataset };
      expect((await ran({ ...options, stream: true })).figures).toEqual((await ran(options)).figures);
    }
  });

  test("makes a checkpoint where a file fails it, from which it goes on when that is back", async () => {
    const dataset = await folder();
    const options = { ...settings, dataset, stream: true, checkpointEvery: 10 };
    const { figures } = await ran(options);
    const path = join(dataset, "train-images-idx3-ubyte");
    const bytes = await readFile(path);
    const handed: { bytes: Uint8Array; info: object }[] = [];
    const failed = ran(options, {
      onCheckpoint: (checkpoint, info) => void handed.push({ bytes: checkpoint, info }),
      callbacks: { onEpochEnd: async ({ epoch }) => void (epoch === 1 && (await truncate(path, 3000))) },
    });
    await expect(failed).rejects.toThrow(DataError);
    expect(handed.map(({ info }) => info)).toEqual([{ epoch: 2, batch: 0, steps: 12 }]);
    await writeFile(path, bytes);
    expect((await ran({}, { resume: handed[0]!.bytes })).figures).toEqual(figures);
  });

  test("is one by itself where memory is short; its checkpoints know", async () => {
    const dataset = await folder();
    const options = { ...settings, dataset, checkpointEvery: 1 };
    const whole = await ran(options);
    const short = vi.spyOn(process, "availableMemory").mockReturnValue(12_000);
    const { configuration, notices, figures, handed } = await ran(options);
    expect(configuration.stream).toBe(true);
    expect(figures).toEqual(whole.figures);
    expect(notices.join()).toContain(
      "bars: its images take some 0.00000963 GB, and 0.0000120 GB of memory are free: they are streamed from disk",
    );
    // As they began, whatever is free now.
    expect((await ran({}, { resume: whole.handed[0]! })).configuration.stream).toBeUndefined();
    short.mockReturnValue(1e12);
    expect((await ran({}, { resume: handed[0]! })).figures).toEqual(whole.figures);
    short.mockReturnValue(12_000);
    expect((await ran({ ...options, stream: false })).notices).toEqual([]);
  });

  test("is none where the files cannot be read in parts, however short memory is", async () => {
    const { images, labels } = bars(60);
    const arrays = {
      "x_train.npy": npy("|u1", [60, 8, 8], [...images]),
      "y_train.npy": npy("|u1", [60], [...labels]),
    };
    const path = join(await tempFolder(), "data.npz");
    await writeFile(path, zipSync(arrays, { level: 6 }));
    vi.spyOn(process, "availableMemory").mockReturnValue(100);
    expect(isStreamed((await loadDataset(path, { stream: "auto" })).train)).toBe(false);
    await writeFile(path, zipSync(arrays, { level: 0 }));
    expect(isStreamed((await loadDataset(path, { stream: "auto" })).train)).toBe(true);
  });

  test("is refused of a dataset by name", async () => {
    await expect(run({ ...settings, dataset: "digits", stream: true })).rejects.toThrow(
      "stream is for files at a path, not for 'digits', which fits into memory",
    );
  });
});

test("createReport() shows test images that are streamed as those in memory", async () => {
  const path = await folder();
  const shown: string[][] = [];
  for (const stream of [false, true]) {
    const dataset = await loadDataset(path, { stream });
    const model = createModel("mlp", dataset.train.shape, 3);
    await model.compile({ threads: 1 });
    const history = await model.fit(dataset.train);
    const html = await createReport(model, { dataset, history });
    shown.push(html.match(/data:image\/png;base64,[\w+/=]+/g)!);
    model.dispose();
  }
  expect(shown[0]!.length).toBeGreaterThan(10);
  expect(shown[1]).toEqual(shown[0]);
});

test("the command line streams: the same report, and the run is evaluated and gone on with", async () => {
  const work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  const line = "train --dataset bars --model small.json --epochs 2 --batch-size 16 --checkpoint-every 1";
  const report = async (name: string, flags: string) => {
    const { status, stdout, stderr } = await wasmgrad(`${line} --out ${name} ${flags}`.split(" "), {
      cwd: work,
    });
    expect([status, stderr]).toEqual([0, ""]);
    const html = await readFile(join(work, name, "report.html"), "utf8");
    const result = JSON.parse(await readFile(join(work, name, "result.json"), "utf8"));
    return { stdout, pictures: html.match(/data:image\/png;base64,[\w+/=]+/g)!, result };
  };
  const [streamed, whole] = [await report("streamed", "--stream"), await report("whole", "--no-stream")];
  expect(streamed.stdout).toContain(
    "bars: 120 training and 30 test images of 8x8x1, 3 classes, streamed from disk",
  );
  expect(streamed.result.weightsSha256).toBe(whole.result.weightsSha256);
  expect(streamed.result.configuration.stream).toBe(true);
  expect(whole.pictures.length).toBeGreaterThan(10);
  expect(streamed.pictures).toEqual(whole.pictures);

  const evaluate = (flags: string) =>
    wasmgrad(`evaluate streamed --dataset bars --json ${flags}`.split(" "), { cwd: work });
  const [one, other] = [await evaluate("--stream"), await evaluate("--no-stream")];
  expect(one.status).toBe(0);
  expect(JSON.parse(one.stdout)).toEqual(JSON.parse(other.stdout));

  const resumed = await wasmgrad("train --resume streamed --epochs 3".split(" "), { cwd: work });
  expect(resumed.status).toBe(0);
  expect(resumed.stdout).toContain("streamed from disk");
  const refused = await wasmgrad("train --dataset digits --stream".split(" "), { cwd: work });
  expect([refused.status, refused.stderr]).toEqual([
    2,
    expect.stringContaining("--stream is for files at a path, not for 'digits'"),
  ]);
});

test("the command line names a file that fails a run, and how to go on", async () => {
  const work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  const line =
    "train --dataset bars --model small.json --epochs 1000 --batch-size 16 --checkpoint-every 100 --stream --out run";
  const { printed, ended } = start(line.split(" "), { cwd: work });
  await printed("Epoch    1/1000");
  const path = join(work, "bars", "train-images-idx3-ubyte");
  const bytes = await readFile(path);
  await truncate(path, 3000);
  const { status, stderr } = await ended;
  expect(status).toBe(1);
  expect(stderr).toContain(
    `${join("bars", "train-images-idx3-ubyte")}: has 3000 bytes, and had ${bytes.length} when the dataset was opened: it was changed meanwhile. Put it back as it was. Then go on: wasmgrad train --resume run`,
  );
  await writeFile(path, bytes);
  const done = (await readFile(join(work, "run", "history.csv"), "utf8")).trim().split("\n").length - 1;
  const resumed = await wasmgrad(`train --resume run --epochs ${done + 2}`.split(" "), { cwd: work });
  expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
});
