import { copyFile, cp, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/model-file.ts";
import {
  type LoadedModel,
  loadDataset,
  loadModel,
  modelFromConfig,
  saveModel,
  transferModel,
} from "../../src/node.ts";
import { fillTree, png } from "../sources/pictures.ts";
import { json, tempFolder, wasmgrad } from "./helpers.ts";

/** One net with the same weights, as each framework writes it: see make_bases.py. */
const bases = fileURLToPath(new URL("../fixtures/bases/", import.meta.url));
const values = JSON.parse(await readFile(join(bases, "values.json"), "utf8")) as {
  readonly image: readonly number[];
  readonly answers: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
};

let work: string;
const train = (...args: string[]) =>
  wasmgrad(["train", "--dataset", "pets", "--epochs", "1", "--batch-size", "8", ...args], { cwd: work });

beforeAll(async () => {
  work = await tempFolder();
  await cp(bases, work, { recursive: true });
  for (const name of ["net.h5", "net.weights.h5"])
    await writeFile(join(work, name), gunzipSync(await readFile(join(work, `${name}.gz`))));
  await copyFile(join(work, "net.pt"), join(work, "net.pth"));
  const whole = await loadModel(await readFile(join(work, "net.keras")));
  await whole.model.compile({ threads: 1 });
  await writeFile(join(work, "net.json"), JSON.stringify(whole.model.toConfig()));
  await writeFile(join(work, "own.safetensors"), saveModel(whole.model, whole.metadata));
  whole.model.dispose();
  const of = (name: string, colour: (i: number) => [number, number, number]) =>
    Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`pets/${name}/${i}.png`, png(8, 8, colour(i))]));
  await fillTree(work, {
    ...of("blue", (i) => [10, 20, 150 + 7 * i]),
    ...of("green", (i) => [30, 150 + 7 * i, 60]),
    ...of("red", (i) => [150 + 7 * i, 20, 10]),
  });
});

/** A file, or all of its folder, as loadModel() takes it. */
async function opened(file: string, model: boolean): Promise<LoadedModel> {
  const path = join(work, file);
  const folder = dirname(path);
  const names = folder === work ? [basename(path)] : await readdir(folder);
  const files = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
  const layers = modelFromConfig(JSON.parse(await readFile(join(work, "net.json"), "utf8")));
  return loadModel(names.length === 1 ? files[names[0]!]! : files, model ? { model: layers } : {});
}

const numbersOf = async (run: string) =>
  new Map(
    readModel(await readFile(join(work, run, "model.safetensors"))).tensors.map(({ name, data }) => [
      name,
      data,
    ]),
  );

const WITH_LAYERS = ["net.keras", "net.h5", "tfjs/model.json", "net.onnx", "own.safetensors"];
const WEIGHTS_ALONE = ["net.pt", "net.pth", "net.safetensors", "net.npz", "net.weights.h5"];
const heads = new Map<string, Float32Array>();

describe("wasmgrad train --base, of every format that is read", () => {
  test.each([
    ...WITH_LAYERS.map((file) => [file, []] as const),
    ...WEIGHTS_ALONE.map((file) => [file, ["--model", "net.json"]] as const),
  ])("%s %j trains what loadModel() and transferModel() do", async (file, flags) => {
    const out = `run-${basename(file)}`;
    const args = ["--base", file, ...flags, "--validation-split", "0", "--threads", "1", "--out", out];
    const done = await train(...args, "--json");
    expect({ status: done.status, file, stderr: done.stderr }).toMatchObject({ status: 0 });
    const { weightsSha256, configuration } = json(done);
    expect(configuration).toMatchObject({ base: file, freeze: "all", imageSize: [8, 8], colorMode: "rgb" });

    const base = await opened(file, flags.length > 0);
    const dataset = await loadDataset(join(work, "pets"), { imageSize: [8, 8], colorMode: "rgb" });
    const net = transferModel(base, { freeze: "all", head: [3] });
    await net.compile({ seed: configuration.seed, threads: 1 });
    await net.fit(dataset.train, { epochs: 1, batchSize: 8 });
    expect(await net.weightsSha256()).toBe(weightsSha256);
    net.dispose();

    // The weights are those of the framework's own net, and so is what is learned from what they give.
    const numbers = await numbersOf(out);
    for (const [name, expected] of Object.entries(values.weights)) {
      if (name.startsWith("fc/")) continue;
      const [layer, kind] = name.split("/");
      expect([...numbers.get(`${layer}/${kind}`)!], `${file}: ${name}`).toEqual(
        expected.map((value) => Math.fround(value)),
      );
    }
    const kernel = [...numbers].find(([name]) => /^dense[^/]*\/kernel$/.test(name))![1];
    heads.set(file, kernel);
    const [first] = heads.values();
    expect(kernel).toHaveLength(first!.length);
    for (const [i, value] of kernel.entries()) expect(Math.abs(value - first![i]!)).toBeLessThan(1e-5);
  });

  test("a run's folder trains what its model file does", async () => {
    const args = ["--json", "--threads", "1"];
    const first = await train(...args, "--base", "net.keras", "--head", "4,classes", "--out", "first");
    expect(first.status).toBe(0);
    const folder = json(await train(...args, "--base", "first", "--out", "of-folder"));
    const file = json(await train(...args, "--base", "first/model.safetensors", "--out", "of-file"));
    expect(folder.weightsSha256).toBe(file.weightsSha256);
    const base = await loadModel(await readFile(join(work, "first/model.safetensors")));
    expect(folder.configuration.cut).toBe("pool");
    const [of, own] = [await numbersOf("of-folder"), base.tensors];
    for (const { name, data } of own.filter(({ name }) => /^(conv|bn|depth|point)\//.test(name)))
      expect(of.get(name)).toEqual(data);
  });

  test("the frameworks' answers are those of the net that the files are of", async () => {
    for (const file of [...WITH_LAYERS, ...WEIGHTS_ALONE]) {
      const { model } = await opened(file, WEIGHTS_ALONE.includes(file));
      await model.compile({ threads: 1 });
      const images = Float32Array.from(values.image);
      const answers = await model.predict({ images, shape: [8, 8, 3], count: 2 });
      for (const [i, value] of answers.entries())
        expect(Math.abs(value - values.answers[i]!), file).toBeLessThan(1e-5);
      model.dispose();
    }
  });
});
