import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/model-file.ts";
import { fillTree, png } from "../sources/pictures.ts";
import { json, tempFolder, wasmgrad, writeBars } from "./helpers.ts";

let work: string;
const quick = "--epochs 2 --batch-size 8 --threads 1".split(" ");
const train = (...args: string[]) => wasmgrad(["train", ...quick, ...args], { cwd: work });

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"), { channels: 3 });
  await writeFile(
    join(work, "net.json"),
    JSON.stringify({
      layers: [
        { type: "conv2d", filters: 4, kernelSize: 3 },
        { type: "batchNormalization" },
        { type: "relu" },
        { type: "globalAveragePooling2d" },
        { type: "dense", units: 3, activation: "softmax" },
      ],
    }),
  );
  const of = (name: string, colour: (i: number) => [number, number, number]) =>
    Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`pets/${name}/${i}.png`, png(9 + i, 12, colour(i))]),
    );
  await fillTree(work, {
    ...of("red", (i) => [150 + 5 * i, 20, 10]),
    ...of("blue", (i) => [10, 20, 150 + 5 * i]),
  });
  expect((await train("--dataset", "bars", "--model", "net.json", "--out", "first")).status).toBe(0);
});

describe("wasmgrad train --base", () => {
  test("trains a head on a folder of pictures, made as the backbone takes them; the run is asked, repeated and gone on with", async () => {
    const { status, stdout, stderr } = await train(
      ...[
        "--dataset",
        "pets",
        "--base",
        "first",
        "--head",
        "6,classes",
        "--out",
        "second",
        "--checkpoint-every",
        "1",
      ],
    );
    expect({ status, stderr: stderr.replace(/^.*kept for the test.*\n/m, "") }).toEqual({
      status: 0,
      stderr: "",
    });
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "Backbone: first up to layer globalAveragePooling2d, 4 layers of 128 parameters, all frozen; the head's 44 are drawn anew",
    );
    const record = JSON.parse(await readFile(join(work, "second", "result.json"), "utf8"));
    expect(record.configuration).toMatchObject({
      base: "first",
      cut: "globalAveragePooling2d",
      freeze: "all",
      head: [6, "classes"],
      imageSize: [8, 8],
      colorMode: "rgb",
    });
    const tensors = async (run: string) =>
      new Map(
        readModel(await readFile(join(work, run, "model.safetensors"))).tensors.map(({ name, data }) => [
          name,
          data,
        ]),
      );
    const [own, base] = [await tensors("second"), await tensors("first")];
    for (const name of ["conv2d/kernel", "batchNormalization/movingVariance"])
      expect(own.get(name)).toEqual(base.get(name));
    const report = await readFile(join(work, "second", "report.html"), "utf8");
    expect(report).toMatch(/base<\/\w+>\s*<\w+>first</);

    const [line] = /train --config second\/result\.json .*/.exec(stdout)!;
    const further = await wasmgrad([...line.split(" "), "--out", "third", "--json"], { cwd: work });
    expect(json(further).configuration).toMatchObject({
      from: "second",
      freeze: "none",
      imageSize: [8, 8],
      colorMode: "rgb",
    });
    expect((await tensors("third")).get("conv2d/kernel")).not.toEqual(own.get("conv2d/kernel"));
    const again = await train("--config", "second/result.json", "--out", "again", "--json");
    expect(json(again)).toMatchObject({
      weightsSha256: record.weightsSha256,
      configuration: record.configuration,
    });
    const longer = await train(
      "--config",
      "second/result.json",
      "--epochs",
      "4",
      "--out",
      "longer",
      "--json",
    );
    const on = await wasmgrad(["train", "--resume", "second", "--epochs", "4", "--json"], { cwd: work });
    expect(json(on).weightsSha256).toBe(json(longer).weightsSha256);
    const shown = await wasmgrad(["data", "preview", "--config", "second/result.json", "--out", "pets.png"], {
      cwd: work,
    });
    expect(shown.status).toBe(0);
    const asked = await wasmgrad(["predict", "second", "pets/red/3.png", "--json"], { cwd: work });
    expect(asked.status).toBe(0);
    const tested = await wasmgrad(["evaluate", "second", "--dataset", "pets", "--json"], { cwd: work });
    expect(json(tested).test?.accuracy ?? json(tested).accuracy).toBe(json(on).test.accuracy);
  });

  test("takes pictures of another size, layers to freeze, files of others, and weights beside layers", async () => {
    const args = ["--dataset", "pets", "--image-size", "10x9", "--json"];
    const own = await train(...args, "--base", "first", "--freeze", "-3", "--cut", "relu", "--out", "sized");
    expect(json(own).configuration).toMatchObject({
      freeze: -3,
      cut: "relu",
      imageSize: [10, 9],
      head: ["classes"],
    });
    const { model } = readModel(await readFile(join(work, "sized", "model.safetensors")));
    expect(model.inputShape).toEqual([10, 9, 3]);
    expect(model.toConfig().layers.map(({ trainable }) => trainable)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    for (const file of ["first.npz", "first.keras"])
      expect((await wasmgrad(["convert", "first", file], { cwd: work })).status).toBe(0);
    await writeFile(
      join(work, "layers.json"),
      JSON.stringify(readModel(await readFile(join(work, "first", "model.safetensors"))).model.toConfig()),
    );
    const whole = json(await train(...args, "--base", "first"));
    for (const pair of [
      ["--base", "first.keras"],
      ["--base", "first.npz", "--model", "layers.json"],
      ["--base", "layers.json", "--from", "first.npz"],
      ["--base", "layers.json", "--from", "first"],
    ])
      expect(json(await train(...args, ...pair)).weightsSha256).toBe(whole.weightsSha256);
  });

  test("scales pictures as it is told", async () => {
    const own = ["--dataset", "pets", "--base", "first", "--json"];
    const [told, twice, usual] = [
      json(await train(...own, "--preprocessing", "1/127.5,-1")),
      json(await train(...own, "--preprocessing", "0.00784313725490196, -1")),
      json(await train(...own)),
    ];
    expect(told.configuration.preprocessing).toEqual({ scale: 1 / 127.5, offset: -1 });
    expect(twice.weightsSha256).toBe(told.weightsSha256);
    expect(usual.configuration.preprocessing).toEqual({ scale: 1 / 255, offset: 0 });
    expect(usual.weightsSha256).not.toBe(told.weightsSha256);
  });

  test.each<[string[], RegExp]>([
    [
      ["--preprocessing", "2"],
      /'2' is invalid\. Expected scale,offset, by which a byte pixel becomes pixel \* scale \+ offset, such as 1\/127\.5,-1/,
    ],
    [["--base", "nowhere"], /^nowhere: no such file or folder/],
    [
      ["--base", "first", "--cut", "reluu"],
      /^base 'first': cut is "reluu", and no layer is called that: did you mean relu\?/,
    ],
    [["--base", "first", "--freeze", "7"], /^base 'first': freeze is 7, but the backbone has 4 layers/],
    [
      ["--base", "first", "--model", "lenet5"],
      /^--model is given beside the base 'first', which has layers of its own/,
    ],
    [["--base", "first", "--from", "first"], /^--from is given beside --base, which has weights of its own/],
    [
      ["--base", "net.json"],
      /^--base is "net\.json", a list of layers without weights: name a file that has some.*--from/,
    ],
    [
      ["--base", "first", "--targets", "images"],
      /^--targets is images, but a backbone gets a head of dense layers/,
    ],
    [["--cut", "relu"], /^--cut is for a backbone, and none is named: --base$/],
    [
      ["--freeze", "all"],
      /^--freeze is for a backbone, and none is named: --base, or --from for a model that is trained on$/,
    ],
    [
      ["--base", "first", "--head", "128"],
      /'128' is invalid\. Expected units of hidden layers, and classes at the end, such as 128,classes\. Write: --head 128,classes/,
    ],
    [
      ["--base", "first", "--freeze", "most"],
      /'most' is invalid\. Expected all, none, or a number of layers: 100 for the first 100, -20 for all but the last 20/,
    ],
    [
      ["--base", "first", "--color-mode", "grayscale"],
      /^base 'first': inputShape is \(8, 8, 1\).*Give images of 3 channels/,
    ],
  ])("%j is refused, with what to write", async (args, message) => {
    const { stdout, status } = await train("--dataset", "pets", ...args, "--json");
    expect(JSON.parse(stdout).error.message).toMatch(message);
    expect([1, 2]).toContain(status);
  });
});
