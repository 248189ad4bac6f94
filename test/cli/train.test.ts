import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeIdxImages, encodeIdxLabels } from "../../src/data/index.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { bars, json, shell, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

const RUN_FILES = [
  "accuracy.svg",
  "history.csv",
  "loss.svg",
  "model.safetensors",
  "report.html",
  "result.json",
];

let work: string;
let quick: string[];

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  quick = "train --dataset bars --model small.json --epochs 3 --batch-size 16 --learning-rate 0.01".split(
    " ",
  );
});

describe("train", () => {
  test("trains, prints what Keras's users expect, and fills a run folder", async () => {
    const { status, stdout, stderr } = await wasmgrad(quick, { cwd: work });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("bars: 120 training and 30 test images of 8x8x1, 3 classes");
    expect(stdout).toMatch(/Total parameters: 151 /);
    expect(stdout).toMatch(
      /^Epoch 3\/3 - \d+\.\ds - loss: \S+ - accuracy: \S+ - val_loss: \S+ - val_accuracy: \S+ - [\d,]+ images\/s$/m,
    );
    expect(stdout).toMatch(/^Test accuracy 100\.00 %, loss \S+ \(30 images\)$/m);
    expect(stdout).toContain(join("runs", "bars-small-1", "report.html"));
    expect(stdout).toContain("wasmgrad predict runs/bars-small-1 picture.png");
    // The command for figures by class is one that works, and repeats the test.
    const [, again] = /^By class: +wasmgrad (.+)$/m.exec(stdout)!;
    expect(again).toBe("evaluate runs/bars-small-1 --dataset bars");
    expect((await wasmgrad(again!.split(" "), { cwd: work })).stdout).toContain("Test accuracy 100.00 %");

    const run = join(work, "runs", "bars-small-1");
    expect((await readdir(run)).sort()).toEqual(RUN_FILES);
    const result = JSON.parse(await readFile(join(run, "result.json"), "utf8"));
    expect(result).toMatchObject({
      dataset: "bars",
      model: "small",
      parameters: 151,
      epochs: 3,
      epochsCompleted: 3,
      batchSize: 16,
      seed: 1,
      backend: "simd",
      trainedImages: 288,
      stopped: false,
      images: { train: 96, validation: 24, test: 30 },
      test: { accuracy: 1 },
      confusionMatrix: [
        [10, 0, 0],
        [0, 10, 0],
        [0, 0, 10],
      ],
      classNames: ["top", "middle", "bottom"],
      configuration: { optimizer: { name: "adam", learningRate: 0.01, beta1: 0.9 }, validationSplit: 0.2 },
    });
    expect(result.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(result.imagesPerSecond).toBeCloseTo(result.trainedImages / result.trainSeconds, 6);

    expect(result.history.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3]);
    const csv = (await readFile(join(run, "history.csv"), "utf8")).trim().split("\n");
    expect(csv[0]).toMatch(/^epoch,loss,accuracy,val_loss,val_accuracy,/);
    expect(csv.slice(1).map((line) => line.split(",")[0])).toEqual(["1", "2", "3"]);
    expect(Number(csv[3]!.split(",")[1])).toBe(result.history[2].loss);

    const { metadata, model } = readModel(await readFile(join(run, "model.safetensors")));
    expect(model.countParams()).toBe(151);
    expect(metadata).toMatchObject({
      classNames: ["top", "middle", "bottom"],
      dataset: "bars",
      loss: "categoricalCrossentropy",
    });
    expect(await readFile(join(run, "report.html"), "utf8")).toContain("small on bars");
    expect(await readFile(join(run, "accuracy.svg"), "utf8")).toMatch(/^<svg/);
  });

  test("--json prints one document, and the same seed gives the same weights in the next free folder", async () => {
    const [a, b] = await Promise.all(
      [0, 1].map(() => wasmgrad([...quick, "--json", "--seed", "7"], { cwd: work })),
    );
    const [first, second] = [json(a!), json(b!)];
    expect(a!.stderr).toBe("");
    expect(first.weightsSha256).toBe(second.weightsSha256);
    // Both at once: each claims a folder of its own, none an earlier run's.
    expect(first.run).not.toBe(second.run);
    for (const { run } of [first, second]) {
      expect(run).not.toBe(join("runs", "bars-small-1"));
      expect((await readdir(join(work, run))).sort()).toEqual(RUN_FILES);
    }
  });

  test("a recipe sets what is not given, and says so in the record", async () => {
    const args = "train --dataset bars --model small.json --recipe fast --out recipe --json".split(" ");
    const { stdout } = await wasmgrad(args, { cwd: work });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ epochs: 2, batchSize: 64, images: { train: 120, validation: 0 } });
    const record = JSON.parse(await readFile(join(work, "recipe", "result.json"), "utf8"));
    expect(record.configuration).toMatchObject({
      recipe: "fast",
      optimizer: {
        name: "adam",
        learningRate: { name: "oneCycle", options: { peak: 0.004, steps: 4, warmUp: 0.3, start: 0.1 } },
      },
      validationSplit: 0,
    });
    const other = [...args.slice(0, -2), "recipe2", "--json", "--epochs", "1", "--validation-split", "0.5"];
    expect(JSON.parse((await wasmgrad(other, { cwd: work })).stdout)).toMatchObject({
      epochs: 1,
      batchSize: 64,
      images: { train: 60, validation: 60 },
    });
  });

  test("a recipe and an optimizer's flag exclude each other", async () => {
    const args = "train --dataset bars --model small.json --recipe fast --learning-rate 0.1".split(" ");
    const { status, stderr } = await wasmgrad(args, { cwd: work });
    expect(status).toBe(2);
    expect(stderr).toBe(
      "wasmgrad: --learning-rate is given beside --recipe fast, which brings its own optimizer: leave one of them out\n",
    );
  });

  test("optimizer, loss, backend, no validation, a limit, and an --out with odd characters", async () => {
    const out = join("deep er", "ü 'q' $(x)");
    const done = await wasmgrad(
      [
        ..."train --dataset bars --model small.json --epochs 1 --train-limit 50 --validation-split 0".split(
          " ",
        ),
        ..."--optimizer sgd --momentum 0.9 --nesterov --global-clip-norm 1 --weight-decay 1e-4".split(" "),
        ..."--loss binaryCrossentropy --backend scalar --threads 3 --out".split(" "),
        out,
      ],
      { cwd: work },
    );
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout).toContain(`'deep er/ü '\\''q'\\'' $(x)'`);
    const result = JSON.parse(await readFile(join(work, out, "result.json"), "utf8"));
    expect(result).toMatchObject({
      backend: "scalar",
      threads: 3,
      images: { train: 50, validation: 0 },
      configuration: {
        loss: "binaryCrossentropy",
        optimizer: { name: "sgd", momentum: 0.9, nesterov: true, globalClipNorm: 1, weightDecay: 1e-4 },
      },
    });
    expect(result.history[0]).not.toHaveProperty("val_loss");
  });

  test("an --out that holds a run needs --overwrite; one that holds other files is never touched", async () => {
    const out = join(work, "again");
    const args = [...quick, "--out", out, "--epochs", "1"];
    expect((await wasmgrad(args, { cwd: work })).status).toBe(0);
    const before = await readFile(join(out, "result.json"), "utf8");
    const refused = await wasmgrad(args, { cwd: work });
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("--overwrite");
    expect(await readFile(join(out, "result.json"), "utf8")).toBe(before);
    expect((await wasmgrad([...args, "--overwrite", "--seed", "2"], { cwd: work })).status).toBe(0);
    expect(JSON.parse(await readFile(join(out, "result.json"), "utf8")).seed).toBe(2);
    expect((await readdir(out)).sort()).toEqual(RUN_FILES);

    const mine = join(work, "mine");
    await mkdir(mine);
    await writeFile(join(mine, "thesis.txt"), "years of work");
    const kept = await wasmgrad([...quick, "--out", mine, "--overwrite"], { cwd: work });
    expect(kept).toMatchObject({ status: 2 });
    expect(await readdir(mine)).toEqual(["thesis.txt"]);
  });

  test("an --out that cannot be written is refused before training", async () => {
    await writeFile(join(work, "file"), "");
    // Under a regular file: permissions would not stop root.
    for (const out of [join("file", "run"), "file"]) {
      const { status, stdout, stderr } = await wasmgrad([...quick, "--out", out], { cwd: work });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(/^wasmgrad: cannot write .*file.*: .+\n$/);
    }
  });

  test("a diverging training fails, names epoch and batch, and keeps the last good weights", async () => {
    const out = join(work, "diverged");
    const args = [...quick, "--optimizer", "sgd", "--loss", "meanSquaredError", "--learning-rate", "1e30"];
    await writeModel(join(work, "linear.json"), [{ type: "flatten" }, { type: "dense", units: 3 }]);
    const done = await wasmgrad([...args, "--model", "linear.json", "--out", out, "--json"], { cwd: work });
    expect(done.status).toBe(1);
    expect(json(done).error).toMatchObject({ name: "TrainingDivergedError", exitCode: 1 });
    expect(done.stderr).toMatch(/epoch 1, batch \d+.*diverged/);
    expect((await readdir(out)).sort()).toEqual(RUN_FILES);
    expect(JSON.parse(await readFile(join(out, "result.json"), "utf8"))).toMatchObject({
      stopped: true,
      stoppedBy: "diverged",
      // Of classes, whatever the loss.
      test: { accuracy: expect.any(Number) },
      verdict: { kind: "diverged", epoch: 1, try: expect.stringContaining("learning rate of 0.01") },
    });
    // The report says why: not only that no epoch was finished.
    expect(await readFile(join(out, "report.html"), "utf8")).toMatch(
      /Stopped early:<\/strong> The training diverged/,
    );
    for (const { data } of readModel(await readFile(join(out, "model.safetensors"))).tensors)
      expect(data.every(Number.isFinite)).toBe(true);
  });

  test("an overfit is told in the terminal, the record and the report, and the kept epoch is marked", async () => {
    // Images of noise can only be learned by heart.
    const noise = await writeBars(join(work, "noise"), { train: 60, test: 12 });
    let state = 7;
    const images = Uint8Array.from({ length: 60 * 64 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 24;
    });
    const set = { images, count: 60, shape: [8, 8, 1] } as const;
    await writeFile(join(noise, "train-images-idx3-ubyte"), encodeIdxImages(set));
    await writeModel(join(work, "wide.json"), [
      { type: "flatten" },
      { type: "dense", units: 32, activation: "relu" },
      { type: "dense", units: 3, activation: "softmax" },
    ]);
    const args = ["train", "--dataset", "noise", "--model", "wide.json", "--epochs", "60"];
    const rate = ["--learning-rate", "0.01", "--restore-best", "val_loss", "--out", "noisy"];
    const { stdout, status } = await wasmgrad([...args, ...rate], { cwd: work });
    expect(status).toBe(0);
    const result = JSON.parse(await readFile(join(work, "noisy", "result.json"), "utf8"));
    expect(result.verdict).toMatchObject({ kind: "overfits", epoch: result.bestEpoch });
    expect(stdout.replace(/\s+/g, " ")).toContain(`${result.verdict.text} ${result.verdict.try}`);
    const html = await readFile(join(work, "noisy", "report.html"), "utf8");
    expect(html).toContain(result.verdict.text);
    expect(html).toContain(`${result.bestEpoch} (kept)`);
    expect(await readFile(join(work, "noisy", "loss.svg"), "utf8")).toContain('class="kept-label"');
  });

  test("a model whose test gives no finite loss is saved, and the error says so", async () => {
    const out = join(work, "blown");
    const rate = ["--optimizer", "sgd", "--loss", "meanSquaredError", "--learning-rate", "1e25"];
    const one = ["--train-limit", "8", "--batch-size", "8", "--validation-split", "0", "--epochs", "1"];
    await writeModel(join(work, "linear.json"), [{ type: "flatten" }, { type: "dense", units: 3 }]);
    const args = ["train", "--dataset", "bars", "--model", "linear.json", ...rate, ...one, "--out", out];
    const done = await wasmgrad(args, { cwd: work });
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(
      /^wasmgrad: the loss of samples 0 to 29 is not finite: .*saved in .*blown\n$/,
    );
    expect(done.stdout).toMatch(/Trained: 8 images/);
    expect(done.stdout).not.toContain("Test ");
    expect(done.stdout).toContain("The training ran away");
    expect(readModel(await readFile(join(out, "model.safetensors"))).tensors).toHaveLength(2);
    // Verdict and report are there, without figures that are none.
    expect((await readdir(out)).sort()).toEqual(RUN_FILES);
    const result = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
    expect(result).toMatchObject({ verdict: { kind: "diverged" }, images: { train: 8, test: 30 } });
    for (const name of ["test", "confusionMatrix"]) expect(result).not.toHaveProperty(name);
    expect(await readFile(join(out, "report.html"), "utf8")).toContain(result.verdict.text);
  });

  test.each([
    ["whose test is not finite", "1e25", "--train-limit 8 --batch-size 8", "NonFiniteError"],
    ["that diverges", "1e30", "--epochs 2", "TrainingDivergedError"],
  ])("with --overwrite a run %s does not replace a good one", async (what, rate, more, name) => {
    const out = `good before one ${what}`;
    await writeModel(join(work, "linear.json"), [{ type: "flatten" }, { type: "dense", units: 3 }]);
    expect((await wasmgrad([...quick, "--dataset", "bars", "--out", out], { cwd: work })).status).toBe(0);
    const before = await readFile(join(work, out, "result.json"), "utf8");
    const args = `train --dataset bars --model linear.json --optimizer sgd --loss meanSquaredError --learning-rate ${rate} --validation-split 0 --epochs 1 ${more} --overwrite --json --out`;
    const done = await wasmgrad([...args.split(" "), out], { cwd: work });
    expect(done.status).toBe(1);
    const next = join(out, ".wasmgrad.next");
    const { error } = json(done);
    expect(error.name).toBe(name);
    expect(error.message.endsWith(`The weights are saved in ${next}`), error.message).toBe(true);
    expect(done.stderr).toContain(
      `${out} still holds the run that it held before; the last model saved of this one is in ${next}`,
    );
    expect(await readFile(join(work, out, "result.json"), "utf8")).toBe(before);
    expect((await readdir(join(work, out))).sort()).toEqual([".wasmgrad.next", ...RUN_FILES]);
    expect((await readdir(join(work, next))).sort()).toEqual(RUN_FILES);
  });

  test("a folder sorted by class: validation has all classes; the last fifth has not, and is warned of", async () => {
    const folder = join(work, "sorted");
    await writeBars(folder, { train: 120 });
    const labels = Uint8Array.from({ length: 120 }, (_, i) => Math.floor(i / 40));
    const { images, shape } = bars(120);
    // Image 3 k + c of bars() has class c.
    const order = Array.from(labels, (label, i) => 3 * (i % 40) + label);
    const ordered = Uint8Array.from(order.flatMap((i) => [...images.subarray(64 * i, 64 * (i + 1))]));
    await writeFile(
      join(folder, "train-images-idx3-ubyte"),
      encodeIdxImages({ images: ordered, count: 120, shape }),
    );
    await writeFile(join(folder, "train-labels-idx1-ubyte"), encodeIdxLabels(labels));
    const args = [...quick, "--dataset", "sorted"];
    const run = async (...more: string[]) => {
      const done = await wasmgrad([...args, "--out", `out-sorted${more.join("")}`, "--json", ...more], {
        cwd: work,
      });
      return { ...done, result: json(done) };
    };
    const stratified = await run();
    expect(stratified.stderr).toBe("");
    expect(stratified.result).toMatchObject({
      images: { train: 96, validation: 24 },
      test: { accuracy: 1 },
      configuration: { validationFrom: "stratified" },
    });
    expect(stratified.result).not.toHaveProperty("verdict");
    expect(await readFile(join(work, "out-sorted", "report.html"), "utf8")).toContain("validationFrom");
    // Some of each class, where the first 60 are of two.
    const some = await run("--train-limit", "60");
    expect(some.stderr).toBe("");
    expect(some.result.images).toMatchObject({ train: 48, validation: 12 });
    expect(some.result.test.accuracy).toBeGreaterThan(0.9);
    const last = await run("--validation-from", "last", "--validation-split", "0.4");
    expect(last.stderr).toBe(
      "Warning: Training has no image of 1 of 3 classes (bottom): they are never learned. --validation-from stratified takes the same share of each class.\n",
    );
    expect(last.result).toMatchObject({
      verdict: { kind: "classes" },
      configuration: { validationFrom: "last" },
    });
    expect(last.result.test.accuracy).toBeLessThan(0.7);
    // The known datasets are as Keras takes them.
    const digits = await run(..."--dataset digits --digits-count 50 --model mlp --epochs 1".split(" "));
    expect(digits.result.configuration.validationFrom).toBe("last");
    const split = await run(
      ..."--dataset digits --digits-count 50 --model mlp --epochs 1 --split stratified".split(" "),
    );
    expect(split.result.configuration.validationFrom).toBe("stratified");
  });

  test("a reader that leaves early does not end the training", async () => {
    const out = join(work, "piped");
    const line = `"$NODE" "$CLI" ${quick.join(" ")} --out piped | head -n 1`;
    const done = await shell(line, { cwd: work });
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout.split("\n")).toHaveLength(2);
    expect((await readdir(out)).sort()).toEqual(RUN_FILES);
  });
});

describe("train refuses", () => {
  const cases: [name: string, args: string[], status: number, message: RegExp][] = [
    ["an unknown dataset", ["--dataset", "nope"], 2, /"nope": not a known name and not a folder/],
    [
      "a table of a single image",
      ["--dataset", "table.csv"],
      2,
      /table\.csv: has one image, of which none can be kept for the test/,
    ],
    ["an unknown model", ["--model", "nope"], 2, /no model and no file.*keras-mnist/],
    ["a missing model file", ["--model", "nope.json"], 1, /nope\.json.*no such file/],
    [
      "a model file with a key twice",
      ["--model", "twice.json"],
      1,
      /twice\.json: is no JSON: an object has the key "units" twice/,
    ],
    ["a model file that is no JSON", ["--model", "broken.json"], 1, /broken\.json: is no JSON/],
    ["a layer that does not exist", ["--model", "layer.json"], 1, /layer\.json.*number 1 \(conv3d\)/],
    ["too few outputs", ["--model", "five.json"], 1, /five\.json.*5 outputs.*3 classes.*"units": 3/],
    ["another input shape", ["--model", "shape.json"], 1, /inputShape 4x4x1, but the images are 8x8x1/],
    ["a model too deep for the images", ["--model", "keras-mnist"], 2, /Write: --model mlp, or/],
    [
      "an option of another optimizer",
      ["--optimizer", "adam", "--nesterov"],
      2,
      /--nesterov is given, but adam has no such setting\. Write: --optimizer sgd$/m,
    ],
    ["two ways to clip", ["--clip-norm", "1", "--clip-value", "1"], 2, /clipNorm and clipValue/],
    ["a limit above the set", ["--train-limit", "121"], 2, /121.*120/],
    ["--data-dir for a folder", ["--data-dir", "."], 2, /--data-dir/],
    ["--digits-count for others", ["--digits-count", "5"], 2, /--digits-count/],
    ["a split that leaves nothing", ["--train-limit", "1"], 1, /0\.2 of 1/],
    [
      "a dataset that is not here, offline",
      ["--dataset", "mnist", "--offline"],
      1,
      /not on this machine.*Put.*digits/,
    ],
    ["a data folder without the files", ["--dataset", "mnist", "--data-dir", "bars"], 1, /mnist|MNIST/],
    [
      "an unreadable data folder",
      ["--dataset", "mnist", "--data-dir", "small.json"],
      1,
      /MNIST.*small\.json/,
    ],
  ];

  test("with one line that says what to do, and no run folder left", { timeout: 60_000 }, async () => {
    const folder = await tempFolder();
    await writeBars(join(folder, "bars"));
    await writeModel(join(folder, "small.json"));
    await writeFile(join(folder, "broken.json"), "{");
    await writeFile(join(folder, "table.csv"), "label,pixel\n0,255\n");
    await writeFile(
      join(folder, "twice.json"),
      '{"layers":[{"type":"flatten"},{"type":"dense","units":3,"units":4}]}',
    );
    await writeModel(join(folder, "layer.json"), [{ type: "conv3d" }]);
    await writeModel(join(folder, "five.json"), [
      { type: "flatten" },
      { type: "dense", units: 5, activation: "softmax" },
    ]);
    await writeModel(join(folder, "shape.json"), [
      { type: "flatten", inputShape: [4, 4, 1] },
      { type: "dense", units: 3, activation: "softmax" },
    ]);
    const base = ["train", "--dataset", "bars", "--model", "small.json", "--epochs", "1"];
    for (let i = 0; i < cases.length; i += 3)
      await Promise.all(
        cases.slice(i, i + 3).map(async ([name, args, status, message]) => {
          const done = await wasmgrad([...base, ...args], { cwd: folder });
          expect({ name, status: done.status, stdout: done.stdout }).toEqual({ name, status, stdout: "" });
          expect(done.stderr, name).toMatch(message);
          expect(done.stderr, name).toMatch(/^wasmgrad: .*\n$/);
          expect(done.stderr, name).not.toMatch(/\n {4}at /);
        }),
      );
    expect(await readdir(join(folder, "runs")).catch(() => [])).toEqual([]);
  });
});
