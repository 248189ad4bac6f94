import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import { json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

// What a newcomer does wrong first, and what is said then.
let work: string;
let bars: string;

beforeAll(async () => {
  work = await tempFolder();
  bars = await writeBars(join(work, "bars"));
  const model = await writeModel(join(work, "small.json"));
  const trained = await wasmgrad(["--dataset", bars, "--model", model, "--epochs", "1", "--out", "run"], {
    cwd: work,
  });
  expect(trained.stderr).toBe("");
  const digits = "--digits-count 500 --epochs 1 --model mlp --out digits".split(" ");
  expect((await wasmgrad(digits, { cwd: work })).status).toBe(0);
});

const fails = async (args: readonly string[]) => {
  const { status, stdout, stderr } = await wasmgrad(args, { cwd: work });
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^wasmgrad: .*\n$/);
  return { status, said: stderr.slice("wasmgrad: ".length, -1) };
};

test("the README's picture is predicted as it says", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const line = /^npm start -- (predict .*)$/m.exec(await readFile(join(root, "README.md"), "utf8"))![1]!;
  const args = line.replace("runs/first", join(work, "digits")).split(" ");
  const { status, stdout, stderr } = await wasmgrad(args, { cwd: root });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^docs\/three\.png .*\n {2}\d +[\d.]+ %/);
  // The package holds it, too.
  const { files } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  expect(files.indexOf(args.at(-1))).toBeGreaterThan(files.indexOf("!docs/*.png"));
});

test("images that are too small for the default model: the models that fit", async () => {
  expect(await fails(["--dataset", bars])).toEqual({
    status: 2,
    said: "model keras-mnist cannot take inputs of 8x8x1; those that can: mlp, vgg, conv-gap, resnet20, resnet8, inception. Write: --model mlp, or --model vgg, or --model conv-gap, or --model resnet20, or --model resnet8, or --model inception",
  });
  const done = await wasmgrad(["--dataset", bars, "--model", "conv-gap", "--epochs", "1"], { cwd: work });
  expect(done.status).toBe(0);
});

test("a dataset of another shape is refused before it is downloaded or generated", async () => {
  // There is no network in this test's reach: a download would fail with another message, and later.
  for (const name of ["mnist", "digits"])
    expect(await fails(["evaluate", "run", "--dataset", name])).toEqual({
      status: 2,
      said: `dataset '${name}' has images of 28x28x1, but the model takes 8x8x1`,
    });
});

test.each(["run/model.safetensors", "run"])("--model %s: what takes a trained model", async (path) => {
  const { status, said } = await fails(["train", "--model", path]);
  expect(status).toBe(2);
  expect(said).toContain(`--model is '${path}', a trained model; it takes a model's name (keras-mnist, `);
  expect(said).toContain(`wasmgrad evaluate ${path}; asked by: wasmgrad predict ${path} picture.png`);
});

test("a model file of bytes is refused without printing them", async () => {
  await writeFile(join(work, "model.bin"), Uint8Array.of(0x1b, 0x5b, 0x33, 0x31, 0x6d, 0, 0xff, 0x80));
  expect(await fails(["train", "--model", "./model.bin"])).toEqual({
    status: 1,
    said: "model file ./model.bin: is no text, so no JSON; expected a JSON file that lists layers",
  });
});

describe("predict", () => {
  const predict = async (name: string, bytes?: Uint8Array) => {
    if (bytes) await writeFile(join(work, name), bytes);
    return wasmgrad(["predict", "digits", name], { cwd: work });
  };

  test.each([
    ["photo.jpg", [0, 0, 0, 0x18, ...Buffer.from("ftypheix")], "HEIC", "heic"],
    ["a.avif", [0, 0, 0, 0x18, ...Buffer.from("ftypavif")], "AVIF", "avif"],
    ["a.tif", [0x49, 0x49, 0x2a, 0], "TIFF", "tiff"],
    ["a.heic", [0, 0, 0, 0x18, ...Buffer.from("ftypheic")], "HEIC", "heic"],
    ["a.pdf", [...Buffer.from("%PDF-1.7")], "PDF", "pdf"],
    ["a.bmp", [0x42, 0x4d, 1, 2, 3, 4, 0, 0, 0, 0], "BMP", "bmp"],
  ])("%s: what it is, and how to make a PNG of it", async (name, bytes, format, ending) => {
    const { status, stdout, stderr } = await predict(name, Uint8Array.from(bytes));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toBe(
      `wasmgrad: ${name}: is in ${format} format, and only PNG, JPEG, WebP and GIF can be read. Open it in any viewer and save it as PNG, or with ImageMagick: magick in.${ending} out.png\n`,
    );
  });

  test.each([
    ["photo.jpg", [0xff, 0xd8, 0xff, 0xe0], "JPEG"],
    ["a.gif", [...Buffer.from("GIF89a")], "GIF"],
    ["a.webp", [...Buffer.from("RIFF1234WEBPVP8 ")], "WebP"],
  ])("%s that is damaged", async (name, bytes, format) => {
    const { status, stdout, stderr } = await predict(name, Uint8Array.from(bytes));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^wasmgrad: ${name}: is a damaged ${format}: .*\n$`));
  });

  test("a picture that is not there, one that is empty, one that is none", async () => {
    expect((await predict("nothing.png")).stderr).toBe(
      "wasmgrad: nothing.png: there is no such file. Check the path.\n",
    );
    expect((await predict("empty.png", new Uint8Array())).stderr).toContain(
      "is empty; expected a PNG, JPEG, WebP or GIF file",
    );
    expect((await predict("text.png", Buffer.from("hello"))).stderr).toContain(
      "is no PNG, JPEG, WebP or GIF file, and no other",
    );
  });

  test("several digits in a picture are answered, with a notice that there are several", async () => {
    const { test: set } = await generateDigits({ test: 3, train: 0 });
    const sheet = (count: number) => {
      const data = new Uint8Array(28 * 28 * count);
      for (let i = 0; i < 28 * 28 * count; i++) {
        const [digit, x] = [Math.floor((i % (28 * count)) / 28), i % 28];
        data[i] = 255 - set.images[digit * 784 + Math.floor(i / (28 * count)) * 28 + x]!;
      }
      return encode({ width: 28 * count, height: 28, channels: 1, data });
    };
    const three = await predict("three.png", sheet(3));
    expect(three.status).toBe(0);
    expect(three.stdout).toMatch(/^three\.png \(inverted, centred in 28x28\)\n {2}\d +[\d.]+ %/);
    expect(three.stderr).toBe(
      "wasmgrad: three.png: 3 drawings lie side by side in it, and the model knows pictures of one: the answer is for all of them together. Cut them into a picture each\n",
    );
    await writeFile(join(work, "one.png"), sheet(1));
    const both = json(
      await wasmgrad(["predict", "digits", "one.png", "three.png", "--center", "--json"], { cwd: work }),
    );
    expect(both.predictions.map(({ notice }: { notice?: string }) => notice)).toEqual([
      undefined,
      expect.stringMatching(/^3 drawings/),
    ]);
  });
});
