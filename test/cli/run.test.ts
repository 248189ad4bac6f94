import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { METADATA, WEIGHTS } from "../../src/safetensors/seal.ts";
import { bars, json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;
const NAMES = ["top", "<b>mid</b>", "bo\u001b[31mttom"];

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"), { classNames: NAMES });
  await writeModel(join(work, "small.json"));
  const args =
    "train --dataset bars --model small.json --epochs 4 --batch-size 8 --learning-rate 0.01 --out run";
  const { status, stderr } = await wasmgrad(args.split(" "), { cwd: work });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

/** Image `index` of the bars as a PNG. */
async function picture(name: string, index: number, change = (value: number) => value): Promise<string> {
  const data = bars(index + 1)
    .images.slice(index * 64)
    .map(change);
  await writeFile(join(work, name), encode({ width: 8, height: 8, channels: 1, data }));
  return name;
}

describe("evaluate", () => {
  test("prints loss, accuracy, the confusion matrix and a table of classes", async () => {
    const { status, stdout, stderr } = await wasmgrad(["evaluate", "run", "--dataset", "bars"], {
      cwd: work,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^Test accuracy 100\.00 %, loss \S+ \(30 images\)$/m);
    expect(stdout).toMatch(/^top +1\.0000 +1\.0000 +1\.0000 +10$/m);
    expect(stdout).toMatch(/^top +10 +· +·$/m);
    // A name of the dataset's is text, never a command to the terminal.
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("bo\\x1b");
  });

  test("takes a model file, and prints the same figures as training did", async () => {
    const path = join("run", "model.safetensors");
    const args = [
      "evaluate",
      path,
      "--dataset",
      "bars",
      "--json",
      "--batch-size",
      "7",
      "--backend",
      "scalar",
    ];
    const done = await wasmgrad(args, { cwd: work });
    expect(json(done)).toMatchObject({
      dataset: "bars",
      images: 30,
      accuracy: 1,
      classNames: NAMES,
      backend: "scalar",
      confusionMatrix: [
        [10, 0, 0],
        [0, 10, 0],
        [0, 0, 10],
      ],
    });
    const train = json(
      await wasmgrad(["evaluate", "run", "--dataset", "bars", "--split", "train", "--json"], { cwd: work }),
    );
    expect(train).toMatchObject({ split: "train", images: 120 });
  });

  test("refuses what does not fit", async () => {
    await writeBars(join(work, "colour"), { channels: 3 });
    await mkdir(join(work, "empty"));
    await writeFile(join(work, "torn.safetensors"), "torn");
    const cases: [args: string[], status: number, message: RegExp][] = [
      [["run"], 2, /trained on the folder 'bars': name its path with --dataset/],
      [["run", "--dataset", "colour"], 2, /'colour' has images of 8x8x3, but the model takes 8x8x1/],
      [["nowhere"], 1, /nowhere: no such file or folder/],
      [["empty"], 1, /empty is no run folder: it holds no model\.safetensors/],
      [[join("small.json", "run")], 1, /no such file/],
      [
        ["torn.safetensors"],
        1,
        /torn\.safetensors: no model file of a known format: it begins with "torn"; expected one of: /,
      ],
      [["run", "--dataset", "empty"], 1, /empty: no train-images/],
    ];
    for (const [args, status, message] of cases) {
      const done = await wasmgrad(["evaluate", ...args], { cwd: work });
      expect({ args, status: done.status, stdout: done.stdout }).toEqual({ args, status, stdout: "" });
      expect(done.stderr).toMatch(message);
      expect(done.stderr).toMatch(/^wasmgrad: .*\n$/);
    }
  });
});

describe("predict", () => {
  test("classifies pictures, inverted ones too, with the top classes and their probabilities", async () => {
    const files = [
      await picture("0.png", 0),
      await picture("1.png", 1),
      await picture("2i.png", 2, (v) => 255 - v),
    ];
    const { status, stdout } = await wasmgrad(["predict", "run", ...files], { cwd: work });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^0\.png\n {2}top +\d+\.\d\d % {2}█+\n/);
    expect(stdout).toContain("2i.png (inverted)\n  bo\\x1b[31mttom");

    const { predictions } = json(
      await wasmgrad(["predict", "run", ...files, "--json", "--top", "2"], { cwd: work }),
    );
    expect(predictions.map((p: { class: number }) => p.class)).toEqual([0, 1, 2]);
    expect(predictions.map((p: { inverted: boolean }) => p.inverted)).toEqual([false, false, true]);
    for (const { top, class: best, probability } of predictions) {
      expect(top).toHaveLength(2);
      expect(top[0]).toMatchObject({ class: best, name: NAMES[best], probability });
      expect(top[1].probability).toBeLessThanOrEqual(probability);
    }
    const plain = json(await wasmgrad(["predict", "run", "2i.png", "--no-invert", "--json"], { cwd: work }));
    expect(plain.predictions[0].inverted).toBe(false);
  });

  test("resizes, and centres on demand", async () => {
    const small = bars(1).images;
    const data = Uint8Array.from(
      { length: 24 * 24 },
      (_, i) => small[Math.floor(i / 72) * 8 + (Math.floor(i / 3) % 8)]!,
    );
    await writeFile(join(work, "large.png"), encode({ width: 24, height: 24, channels: 1, data }));
    const args = ["predict", "run", "large.png", "--json"];
    const [whole, centred] = await Promise.all(
      [args, [...args, "--center"]].map((a) => wasmgrad(a, { cwd: work })),
    );
    expect(json(whole!).predictions[0]).toMatchObject({ class: 0, centered: false });
    expect(json(centred!).predictions[0]).toMatchObject({ centered: true });
  });

  test("names pictures that cannot be read, classifies the others, and exits with 1", async () => {
    const hostile = "-x\n\u001b[2J'; rm.png";
    await picture("good.png", 1);
    await copyFile(join(work, "good.png"), join(work, hostile));
    await writeFile(join(work, "text.png"), "no picture");
    await mkdir(join(work, "empty"), { recursive: true });
    const files = ["missing.png", "text.png", "empty", hostile];
    const done = await wasmgrad(["predict", "run", "--", ...files], { cwd: work });
    expect(done.status).toBe(1);
    expect(done.stdout).toMatch(/^-x\\x0a\\x1b\[2J'; rm\.png\n {2}<b>mid<\/b> /);
    expect(done.stderr.trim().split("\n")).toHaveLength(3);
    expect(done.stderr).toMatch(/^wasmgrad: missing\.png: .*no such file/m);
    expect(done.stderr).toMatch(/^wasmgrad: text\.png: is no PNG/m);
    const { predictions } = json(await wasmgrad(["predict", "run", "--json", "--", ...files], { cwd: work }));
    expect(predictions.map((p: { error?: string }) => p.error !== undefined)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe("a number that is no answer", () => {
  /** The run's model with another scale of pixels, and without the hashes that would tell. */
  async function withScale(name: string, scale: number): Promise<string> {
    const { tensors, metadata } = decodeSafetensors(await readFile(join(work, "run", "model.safetensors")));
    const { [WEIGHTS]: _, [METADATA]: __, ...entries } = metadata;
    const preprocessing = JSON.stringify({ scale, offset: 0 });
    await writeFile(join(work, name), encodeSafetensors(tensors, { ...entries, preprocessing }));
    return name;
  }

  test("is an error of predict and evaluate, with what made it: never NaN, never status 0", async () => {
    const file = await withScale("large-scale.safetensors", 1.3e36);
    await picture("0.png", 0);
    const said = /is not finite: weights and inputs are finite, .*pixels become pixel \* 1\.3e\+36 \+ 0/;
    const predicted = await wasmgrad(["predict", file, "0.png"], { cwd: work });
    expect({ status: predicted.status, stdout: predicted.stdout }).toEqual({ status: 1, stdout: "" });
    expect(predicted.stderr).toMatch(/^wasmgrad: 0\.png: the output for sample 0 is not finite/);
    expect(predicted.stderr).toMatch(said);
    const asJson = await wasmgrad(["predict", file, "0.png", "--json"], { cwd: work });
    expect(asJson.status).toBe(1);
    expect(json(asJson).predictions).toEqual([{ file: "0.png", error: expect.stringMatching(said) }]);
    const evaluated = await wasmgrad(["evaluate", file, "--dataset", "bars", "--json"], { cwd: work });
    expect(evaluated.status).toBe(1);
    expect(json(evaluated).error).toMatchObject({ name: "NonFiniteError", code: "range" });
    expect(evaluated.stderr).toMatch(said);
  });

  test("is refused in the file, where pixels alone would leave the range of f32", async () => {
    const file = await withScale("absurd-scale.safetensors", 1e308);
    const done = await wasmgrad(["predict", file, "0.png"], { cwd: work });
    expect({ status: done.status, stdout: done.stdout }).toEqual({ status: 1, stdout: "" });
    expect(done.stderr).toMatch(
      /preprocessing: scale 1e\+308 and offset 0 take a pixel of 255 beyond the range/,
    );
  });
});

test("summary of a run", async () => {
  const done = await wasmgrad(["summary", "run", "--json"], { cwd: work });
  expect(json(done)).toMatchObject({
    name: "small",
    parameters: 151,
    inputShape: [8, 8, 1],
    outputShape: [3],
  });
});
