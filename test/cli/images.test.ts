import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode, encode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { figure } from "../../src/cli/epoch-line.ts";
import { npy, npz } from "../sources/npy.ts";
import { bars, json, tempFolder, wasmgrad, writeBars } from "./helpers.ts";

// Models whose outputs are images, from the command line: the examples of docs/examples among them.

const EXAMPLES = new URL("../../docs/examples/", import.meta.url);

let work: string;
beforeAll(async () => {
  work = await tempFolder();
});

const record = async (run: string) => JSON.parse(await readFile(join(work, run, "result.json"), "utf8"));
const pictures = (html: string) => html.match(/<img class="crisp" src="data:image\/png/g)?.length ?? 0;

describe("the examples", () => {
  test("are all tried", async () => {
    // The other two are models for weights of others: test/interchange/torchvision.test.ts.
    const models = ["mobilenet-v2.json", "resnet18.json"];
    const examples = (await readdir(EXAMPLES)).filter((name) => !models.includes(name));
    expect(examples.sort()).toEqual(["autoencoder.json", "denoising.json", "unet.json"]);
  });

  test.each(["autoencoder", "denoising", "unet"])(
    "%s trains from its JSON file, and its report has pictures",
    async (name) => {
      const config = JSON.parse(await readFile(new URL(`${name}.json`, EXAMPLES), "utf8"));
      // As it is, but for its size.
      const small = { ...config, digitsCount: 160, digitsTestCount: 60, epochs: 1 };
      await writeFile(join(work, `${name}.json`), JSON.stringify(small));
      const { status, stdout, stderr } = await wasmgrad(
        `train --config ${name}.json --out ${name}`.split(" "),
        { cwd: work },
      );
      expect([stderr, status]).toEqual(["", 0]);
      const masks = name === "unet";
      expect(stdout).toMatch(
        masks
          ? /^Test mean IoU \S+, pixel accuracy \S+ %, loss \S+ \(60 images\)$/m
          : /^Test loss \S+, mean absolute error \S+, mean squared error \S+ \(60 images\)$/m,
      );
      const html = await readFile(join(work, name, "report.html"), "utf8");
      // Eight best and eight worst, of each input, target, output and error; and the filters.
      expect(pictures(html)).toBe(16 * 4 + (masks ? 8 : 16));
      const [head] = (await readFile(join(work, name, "history.csv"), "utf8")).split("\n");
      expect(head).toMatch(
        masks
          ? /^epoch,loss,accuracy,meanIoU,val_loss,val_accuracy,val_meanIoU,learning_rate,/
          : /^epoch,loss,meanAbsoluteError,meanSquaredError,val_loss,/,
      );
    },
  );
});

describe("a run of masks", () => {
  beforeAll(async () => {
    await writeBars(join(work, "bars"));
    const layers = [
      { type: "conv2d", filters: 4, kernelSize: 3, padding: "same", activation: "relu" },
      { type: "conv2d", name: "mask", filters: 4, kernelSize: 1, activation: "softmax" },
    ];
    await writeFile(join(work, "small.json"), JSON.stringify({ layers }));
    const settings = "train --dataset bars --targets masks --model small.json --epochs 1 --out masks";
    expect((await wasmgrad(settings.split(" "), { cwd: work })).status).toBe(0);
  });

  test("is evaluated to the same figures, also as JSON", async () => {
    const evaluate = ["evaluate", "masks", "--dataset", "bars"];
    const { stdout } = await wasmgrad(evaluate, { cwd: work });
    const { test: tested, classNames } = await record("masks");
    expect(stdout).toContain("Per class of pixels");
    expect(stdout).toMatch(/^background +\d\.\d{4}/m);
    expect(stdout).toMatch(/^best: +\d+ \(/m);
    const told = json(await wasmgrad([...evaluate, "--json"], { cwd: work }));
    expect(told).toMatchObject({ loss: tested.loss, meanIoU: tested.meanIoU, iou: tested.iou, classNames });
    const other = await wasmgrad(["evaluate", "masks", "--dataset", "digits"], { cwd: work });
    expect(other.stderr).toContain("has images of 28x28x1, but the model takes 8x8x1");
  });

  test("gives masks for pictures, and writes them", async () => {
    await writeFile(
      join(work, "one.png"),
      encode({ width: 8, height: 8, channels: 1, data: bars(1).images }),
    );
    const quiet = await wasmgrad(["predict", "masks", "one.png"], { cwd: work });
    expect(quiet.stdout).toMatch(/^one\.png \(8x8\)\n( {2}\S+ {2}\S+ % of the pixels\n)+$/);
    expect(quiet.stderr).toBe("The answers are images: --out <folder> writes them as PNG.\n");
    const { stdout, status } = await wasmgrad(["predict", "masks", "one.png", "--out", "answers"], {
      cwd: work,
    });
    expect(status).toBe(0);
    expect(stdout).toContain(`: ${join("answers", "one.png")}, ${join("answers", "one-classes.png")}`);
    const coloured = decode(await readFile(join(work, "answers", "one.png")));
    const ids = decode(await readFile(join(work, "answers", "one-classes.png")));
    expect([coloured.channels, ids.channels, ids.width]).toEqual([3, 1, 8]);
    expect(Math.max(...ids.data)).toBeLessThan(4);
    const wrong = await wasmgrad(["predict", "masks", "one.png", "--csv"], { cwd: work });
    expect(wrong.stderr).toContain("gives an image of 8x8x4 for each picture. Write: --out answers");
    expect(wrong.status).toBe(2);
  });

  test("writes over no picture that is asked about, and no answer over another", async () => {
    await mkdir(join(work, "photos"));
    const photo = encode({ width: 8, height: 8, channels: 1, data: bars(1).images });
    for (const name of ["cat.png", "cat-classes.png", "DOG.png", "dog.png"])
      await writeFile(join(work, "photos", name), photo);
    await symlink("photos", join(work, "linked"));
    for (const out of ["photos", join("linked", "..", "photos"), "linked", join(work, "photos")]) {
      const { status, stderr } = await wasmgrad(["predict", "masks", "photos", "--out", out], { cwd: work });
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /photos.cat\.png: its answer would be written over the picture photos.cat(-classes)?\.png: give --out another folder/,
      );
      for (const name of await readdir(join(work, "photos")))
        expect(await readFile(join(work, "photos", name))).toEqual(Buffer.from(photo));
      expect(await readdir(join(work, "photos"))).toHaveLength(4);
    }
    const beside = await wasmgrad(["predict", "masks", "photos", "--out", "beside"], { cwd: work });
    expect(beside.status).toBe(1);
    const order = (await readdir(join(work, "beside"))).sort();
    expect(beside.stderr.match(/its answer would be written over that of photos/g)).toHaveLength(2);
    expect(order).toHaveLength(4);
    const written = await wasmgrad(["predict", "masks", "photos/cat.png", "--out", "beside"], { cwd: work });
    expect(written.status).toBe(0);
  });

  test("takes a picture as it is, and its answers lie over it", async () => {
    // Dark on white, and of other proportions: nothing is inverted, stretched back to its own size.
    const data = new Uint8Array(24 * 16).fill(255);
    data.fill(0, 24 * 6, 24 * 10);
    await writeFile(join(work, "wide.png"), encode({ width: 24, height: 16, channels: 1, data }));
    const answered = async (...flags: string[]) => {
      const { status, stderr } = await wasmgrad(["predict", "masks", "wide.png", "--out", "wide", ...flags], {
        cwd: work,
      });
      expect([stderr, status]).toEqual(["", 0]);
      const [coloured, ids] = await Promise.all(
        ["wide.png", "wide-classes.png"].map(async (name) =>
          decode(await readFile(join(work, "wide", name))),
        ),
      );
      return { coloured: coloured!, ids: ids! };
    };
    const { coloured, ids } = await answered();
    expect([coloured.width, coloured.height, ids.width, ids.height]).toEqual([24, 16, 24, 16]);
    expect((await answered("--no-invert", "--no-center")).ids.data).toEqual(ids.data);
    const { ids: inverted } = await answered("--invert");
    expect(inverted.data).not.toEqual(ids.data);
    // Each pixel of the 8x8 is one of 3x2 pixels here.
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 24; x++)
        expect(ids.data[24 * y + x]).toBe(ids.data[24 * (y & ~1) + 3 * Math.floor(x / 3)]);
    const centred = await answered("--center", "--invert");
    expect([centred.ids.width, centred.ids.height]).toEqual([8, 8]);
  });

  test("is summed up", async () => {
    const { stdout } = await wasmgrad(["summary", "masks"], { cwd: work });
    expect(stdout).toMatch(/^mask \(conv2d\) +\(batch, 8, 8, 4\)/m);
  });
});

test("a run of images gives an image for a picture", async () => {
  await writeFile(
    join(work, "blank.png"),
    encode({ width: 28, height: 28, channels: 1, data: new Uint8Array(784) }),
  );
  const { stdout, status } = await wasmgrad(
    ["predict", "autoencoder", "blank.png", "--out", "remade", "--json"],
    { cwd: work },
  );
  expect(status).toBe(0);
  const [answer] = JSON.parse(stdout).predictions as [{ shape: number[]; numbers: Record<string, number> }];
  expect(answer.shape).toEqual([28, 28, 1]);
  const { data } = decode(await readFile(join(work, "remade", "blank.png")));
  const most = Math.max(...data);
  expect(most / 255).toBeCloseTo(answer.numbers.greatest!, 2);
});

test("flags name targets, and what is left out follows", async () => {
  const { stderr, status } = await wasmgrad(
    "train --targets images --dataset bars --epochs 1 --out named".split(" "),
    { cwd: work },
  );
  expect([stderr, status]).toEqual(["", 0]);
  expect(await record("named")).toMatchObject({
    model: "autoencoder",
    configuration: { targets: "images", loss: "meanSquaredError", restoreBest: "val_loss" },
  });
  // A file's usual settings give way to those of other targets; what it says itself does not.
  const other = await wasmgrad(
    "train --config named/result.json --targets masks --seed 3 --out other".split(" "),
    { cwd: work },
  );
  expect(other.stderr).toBe("");
  expect(await record("other")).toMatchObject({
    model: "unet",
    configuration: { targets: "masks", loss: "categoricalCrossentropy", restoreBest: "val_meanIoU", seed: 3 },
  });
  const none = await wasmgrad("train --targets images --model mlp --dataset bars".split(" "), {
    cwd: work,
  });
  expect(none.stderr).toContain(
    'model mlp gives a class for an image, but the answers are images of 8x8x1. Write: {"model": "autoencoder"}, on the command line --model autoencoder',
  );
});

test("an .npz has masks, or numbers", async () => {
  const count = 24;
  const x = Array.from({ length: count * 64 }, (_, i) => (i * 37 + (i >> 3)) % 256);
  const arrays = {
    x_train: npy("|u1", [count, 8, 8], x),
    y_train: npy(
      "<i8",
      [count, 8, 8, 1],
      x.map((byte) => Math.floor(byte / 86)),
    ),
  };
  await writeFile(join(work, "masks.npz"), npz(arrays));
  const unasked = await wasmgrad(["train", "--dataset", "masks.npz"], { cwd: work });
  expect(unasked.stderr).toContain(
    'has a mask of 8x8 classes for each image, and targets is "labels". Write: --targets masks',
  );
  const masks =
    "train --dataset masks.npz --targets masks --epochs 1 --class-weight balanced --out from-masks";
  expect((await wasmgrad(masks.split(" "), { cwd: work })).status).toBe(0);
  expect(await record("from-masks")).toMatchObject({ classNames: ["0", "1", "2"], images: { test: 5 } });
  const evaluated = await wasmgrad("evaluate from-masks --dataset masks.npz".split(" "), { cwd: work });
  expect(evaluated.stdout).toContain("Per class of pixels");
  const y = npy(
    "<f4",
    [count, 8, 8, 1],
    x.map((byte) => 1 - byte / 255),
  );
  await writeFile(join(work, "numbers.npz"), npz({ ...arrays, y_train: y }));
  const numbers =
    "train --dataset numbers.npz --targets numbers --model autoencoder --epochs 1 --out numbers";
  expect((await wasmgrad(numbers.split(" "), { cwd: work })).status).toBe(0);
  expect((await record("numbers")).test).toMatchObject({ meanAbsoluteError: expect.any(Number) });
});

test("a list of numbers is printed, as a table too, and no picture", async () => {
  const { images } = bars(24);
  const whole = {
    x_train: npy("|u1", [24, 8, 8], Array.from(images)),
    y_train: npy(
      "<f4",
      [24, 2],
      Array.from({ length: 48 }, (_, i) => 100 * i),
    ),
  };
  await writeFile(join(work, "pairs.npz"), npz(whole));
  for (const no of [0, 1])
    await writeFile(
      join(work, `pair${no}.png`),
      encode({ width: 8, height: 8, channels: 1, data: images.slice(64 * no, 64 * no + 64) }),
    );
  await writeFile(join(work, "torn.png"), "no picture");
  const line = (words: string) => wasmgrad(words.split(" "), { cwd: work });
  const trained = await line(
    "train --dataset pairs.npz --targets numbers --model mlp --epochs 1 --out pairs",
  );
  expect(trained.status).toBe(0);
  const files = "pair0.png pair1.png";
  const { predictions } = json(await line(`predict pairs ${files} --json`));
  const values = predictions.map(({ values }: { values: number[] }) => values) as number[][];
  expect(values.map(({ length }) => length)).toEqual([2, 2]);
  const told = await line(`predict pairs ${files}`);
  expect(told).toMatchObject({ status: 0, stderr: "" });
  expect(told.stdout).toBe(
    values.map((row, no) => `pair${no}.png\n  ${row.map(figure).join("  ")}\n`).join(""),
  );
  const table = await line(`predict pairs ${files} torn.png --csv`);
  expect(table.stdout).toMatch(
    `file,0,1,error\n${values.map((row, no) => `pair${no}.png,${row.join()},\n`).join("")}torn.png,,,`,
  );
  const out = await line(`predict pairs ${files} --out answers`);
  expect(out).toMatchObject({ status: 2 });
  expect(out.stderr).toContain("gives 2 numbers for a picture, printed: leave it out, or write: --csv");
});

test("a folder of images and masks", async () => {
  const { images } = bars(12);
  for (let no = 0; no < 12; no++) {
    const data = images.slice(64 * no, 64 * no + 64);
    const size = { width: 8, height: 8, channels: 1 } as const;
    for (const [folder, pixels] of [
      ["images", data],
      ["masks", data.map((byte) => (byte > 127 ? 255 : 0))],
    ] as const) {
      await mkdir(join(work, "cells", folder), { recursive: true });
      await writeFile(join(work, "cells", folder, `${no}.png`), encode({ ...size, data: pixels }));
    }
  }
  await writeFile(join(work, "cells", "classes.txt"), "ground\ncell\n");
  // One number a pixel is enough for two classes.
  const layers = [{ type: "conv2d", filters: 1, kernelSize: 3, padding: "same", activation: "sigmoid" }];
  await writeFile(join(work, "binary.json"), JSON.stringify({ layers }));
  const train =
    "train --dataset cells --targets masks --model binary.json --loss binaryCrossentropy --epochs 1 --out cell-run";
  const { status, stdout } = await wasmgrad(train.split(" "), { cwd: work });
  expect(status).toBe(0);
  expect(stdout).toContain("cells: 9 training and 3 test images of 8x8x1, masks of 2 classes");
  expect(await record("cell-run")).toMatchObject({ classNames: ["ground", "cell"] });
  const told = json(await wasmgrad("evaluate cell-run --dataset cells --json".split(" "), { cwd: work }));
  expect(told.meanIoU).toBe((await record("cell-run")).test.meanIoU);
  // What is said of folders of pictures is not asked of others.
  const bytes = Array.from(images.subarray(0, 6 * 64));
  const masks = bytes.map((byte) => Number(byte > 127));
  const arrays = { x_train: npy("|u1", [6, 8, 8], bytes), y_train: npy("<i8", [6, 8, 8], masks) };
  await writeFile(join(work, "cells.npz"), npz(arrays));
  const elsewhere = await wasmgrad("evaluate cell-run --dataset cells.npz".split(" "), { cwd: work });
  expect(elsewhere).toMatchObject({ status: 0 });
  const shown = await wasmgrad("data preview --dataset cells --out sheet.html".split(" "), { cwd: work });
  expect(shown.status).toBe(0);
  // Those that are trained on, all of one group.
  expect(shown.stdout).toMatch(/^all +7 +2 +3$/m);
  expect(pictures(await readFile(join(work, "sheet.html"), "utf8"))).toBe(7);
});

test("a model of masks is tested on another folder of them by the names of its classes", async () => {
  const folder = async (name: string, greys: readonly number[]) => {
    for (const part of ["train", "test"])
      for (let no = 0; no < 4; no++) {
        const data = Uint8Array.from({ length: 64 }, (_, at) => greys[(at + no) % greys.length]!);
        for (const kind of ["images", "masks"]) {
          await mkdir(join(work, name, part, kind), { recursive: true });
          const png = encode({ width: 8, height: 8, channels: 1, data });
          await writeFile(join(work, name, part, kind, `${no}.png`), png);
        }
      }
  };
  await folder("three", [0, 128, 200]);
  await folder("two", [0, 200]);
  await folder("others", [0, 90, 200]);
  const layers = [{ type: "conv2d", filters: 3, kernelSize: 1, activation: "softmax" }];
  await writeFile(join(work, "pixelwise.json"), JSON.stringify({ layers }));
  const train = "train --dataset three --targets masks --model pixelwise.json --epochs 1 --out by-greys";
  expect((await wasmgrad(train.split(" "), { cwd: work })).status).toBe(0);
  const evaluate = ["evaluate", "by-greys", "--json", "--dataset"];
  const { confusionMatrix, classNames } = json(await wasmgrad([...evaluate, "two"], { cwd: work }));
  expect(classNames).toEqual(["0", "128", "200"]);
  const pixels = (confusionMatrix as number[][]).map((row) => row.reduce((a, b) => a + b));
  expect(pixels).toEqual([128, 0, 128]);
  const other = await wasmgrad([...evaluate, "others"], { cwd: work });
  expect(other.stderr).toContain('others: its masks have "90", but the model knows "0", "128", "200".');
  expect(other.status).not.toBe(0);
});
