import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeCheckpoint } from "../../src/formats/checkpoint.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { loadModel } from "../../src/node.ts";
import { findPython } from "../support/python.ts";
import { json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  const args = "train --dataset bars --model small.json --epochs 2 --batch-size 16 --seed 3 --out run".split(
    " ",
  );
  expect((await wasmgrad(args, { cwd: work })).status).toBe(0);
});

const convert = (...args: string[]) => wasmgrad(["convert", ...args], { cwd: work });
const weights = async () => readModel(await readFile(join(work, "run", "model.safetensors"))).tensors;

/** The end of a card's last line. */
const sealOf = (card: string) => card.slice(-69, -1);
const shape = async () =>
  readModel(await readFile(join(work, "run", "model.safetensors"))).model.inputShape.join("x");

describe("convert", () => {
  test("writes what the name tells, beside it a card, and says what", async () => {
    const { status, stdout } = await convert("run", "npz/w.npz");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^run is written as NumPy's \.npz, weights alone: \d+ layers, \d+ parameters\n {2}npz\/w\.npz {2}[\d,]+ bytes\n {2}npz\/README\.md {2}its model card\n$/,
    );
    expect((await readdir(join(work, "npz"))).sort()).toEqual(["README.md", "w.npz"]);
    const told = json(await convert("run", "npz/v.npz", "--json"));
    expect(told).toMatchObject({ format: "npz", files: [{ path: "npz/v.npz" }], card: "npz/README.md" });
    expect(await readFile(join(work, "npz", "v.npz"))).toEqual(await readFile(join(work, "npz", "w.npz")));
  });

  test("takes along how a run was trained, and of a checkpoint of these weights what the optimizer kept", async () => {
    const train =
      "train --dataset bars --model small.json --epochs 2 --batch-size 16 --optimizer sgd --momentum 0.9".split(
        " ",
      );
    const run = async (out: string, ...more: string[]) =>
      expect(await wasmgrad([...train, "--out", out, ...more], { cwd: work })).toMatchObject({ status: 0 });
    const read = async (path: string) => loadModel(new Uint8Array(await readFile(join(work, path))));
    const optimizer = { name: "sgd", options: { momentum: 0.9, learningRate: 0.05 } };
    await run("plain", "--learning-rate", "0.05");
    expect((await convert("plain", "keras/plain.keras")).stderr).toBe("");
    const plain = await read("keras/plain.keras");
    expect(plain.compileOptions).toMatchObject({ optimizer, loss: "categoricalCrossentropy" });
    expect(plain.optimizerState).toBeUndefined();
    await run("kept", "--learning-rate", "0.05", "--checkpoint-every", "1", "--restore-best", "none");
    expect((await convert("kept", "keras/kept.keras")).stderr).toBe("");
    const { optimizerState, compileOptions } = await read("keras/kept.keras");
    expect(compileOptions).toMatchObject({ optimizer });
    const { state } = decodeCheckpoint(await readFile(join(work, "kept", "checkpoint.safetensors")));
    expect(optimizerState).toEqual(state.optimizer);
    expect(optimizerState!.vectors[0]![0]!.data.some((value) => value !== 0)).toBe(true);
    // The checkpoint of another moment says nothing of these weights.
    await run("other", "--seed", "5");
    await copyFile(join(work, "other", "model.safetensors"), join(work, "kept", "model.safetensors"));
    const other = await convert("kept", "keras/other.keras");
    expect(other.stderr).toContain("checkpoint.safetensors is of other weights than the model's");
    expect((await read("keras/other.keras")).optimizerState).toBeUndefined();
    // Nor of a format that has no place for it.
    expect((await convert("kept", "keras/other.onnx")).stderr).toBe("");
  });

  test("reads weights alone for a model, and what it has written is a model for every command", async () => {
    expect((await convert("run", "back/w.npz")).status).toBe(0);
    const refused = await convert("back/w.npz", "back/m.safetensors");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("Write: wasmgrad convert back/w.npz model.safetensors --model NAME");
    const done = await convert(
      "back/w.npz",
      "back/m.safetensors",
      "--model",
      "small.json",
      "--input-shape",
      await shape(),
    );
    expect(done).toMatchObject({ status: 0 });
    expect(readModel(await readFile(join(work, "back", "m.safetensors"))).tensors).toEqual(await weights());
    const asked = ["evaluate", "back/m.safetensors", "--dataset", "bars", "--json"];
    const whole = ["evaluate", "run", "--dataset", "bars", "--json"];
    const figures = async (args: string[]) => json(await wasmgrad(args, { cwd: work })).accuracy;
    expect(await figures(asked)).toBe(await figures(whole));
  });

  test("writes the file that predicts: the card's own code runs", async () => {
    expect((await convert("run", "js/m.js", "--weights", "f16")).status).toBe(0);
    const card = await readFile(join(work, "js", "README.md"), "utf8");
    const [, code] = /```js\n([\s\S]*?)```/.exec(card)!;
    const { inputShape } = readModel(await readFile(join(work, "run", "model.safetensors"))).model;
    const pixels = inputShape.reduce((product, n) => product * n, 1);
    await writeFile(
      join(work, "js", "run.mjs"),
      `const pixels = new Uint8Array(${pixels});\n${code}\nconsole.log(classNames.length, answers.length);`,
    );
    const printed = execFileSync(process.execPath, ["run.mjs"], { cwd: join(work, "js"), encoding: "utf8" });
    expect(printed).toBe("3 3\n");
  });

  test("writes PyTorch's weights and module, which come back for a model: the card's own code runs", async () => {
    const { stdout, status } = await convert("run", "torch/3-nets.safetensors", "--pytorch");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^run is written as PyTorch's state_dict: .*\n {2}torch\/3-nets\.safetensors .*\n {2}torch\/m_3_nets\.py /,
    );
    const card = await readFile(join(work, "torch", "README.md"), "utf8");
    const [, code] = /```python\n([\s\S]*?)```/.exec(card)!;
    expect(code).toContain("from m_3_nets import load");
    const python = findPython("torch");
    const printed =
      python &&
      execFileSync(python, ["-c", `${code}\nprint(*answers.shape)`], {
        cwd: join(work, "torch"),
        encoding: "utf8",
      });
    expect(printed ?? "1 3\n").toBe("1 3\n");
    const model = ["--model", "small.json", "--input-shape", await shape()];
    expect(await convert("torch/3-nets.safetensors", "torch/n.safetensors", ...model)).toMatchObject({
      status: 0,
    });
    expect(readModel(await readFile(join(work, "torch", "n.safetensors"))).tensors).toEqual(await weights());
    for (const args of [["torch/m.pt"], ["torch/m.bin", "--to", "pytorch"], ["torch/m/", "--pytorch"]])
      expect(await convert("run", ...args)).toMatchObject({
        status: 2,
        stderr: `wasmgrad: ${args[0]}: PyTorch's state_dict is written as .safetensors, with the module that has it beside it. Write: torch/m.safetensors --pytorch\n`,
      });
  });

  test("writes Keras's files, and TensorFlow.js's into a folder; each comes back with the same weights", async () => {
    const same = async (path: string) => {
      expect((await convert(path, "from-keras/m.safetensors", "--overwrite")).status, path).toBe(0);
      const back = readModel(await readFile(join(work, "from-keras", "m.safetensors"))).tensors;
      expect(back.map(({ data }) => data)).toEqual((await weights()).map(({ data }) => data));
    };
    for (const name of ["m.keras", "m.h5", "tfjs/", "more/tfjs/model.json"]) {
      expect((await convert("run", name)).status, name).toBe(0);
      await same(name);
    }
    expect(await readdir(join(work, "tfjs"))).toEqual(["README.md", "group1-shard1of1.bin", "model.json"]);
    await same("more/tfjs");
    const two = await convert("run", "two.h5", "--keras-version", "3");
    expect(two.status).toBe(0);
    expect((await convert("run", "two.h5", "--keras-version", "4")).stderr).toContain("expected 2 or 3");
  });

  test("leaves what is there, unless told to replace it", async () => {
    await mkdir(join(work, "there"));
    await writeFile(join(work, "there", "w.npz"), "mine");
    const refused = await convert("run", "there/w.npz");
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toBe("wasmgrad: there/w.npz is there already: name another, or add --overwrite\n");
    expect(await readFile(join(work, "there", "w.npz"), "utf8")).toBe("mine");
    expect((await convert("run", "there/w.npz", "--overwrite")).status).toBe(0);
    expect((await readFile(join(work, "there", "w.npz"))).subarray(0, 2).toString()).toBe("PK");
  });

  test("puts no file in the place of a folder or a device", async () => {
    await mkdir(join(work, "folder.npz"));
    execFileSync("mkfifo", [join(work, "pipe")]);
    for (const [path, problem] of [
      ["folder.npz", "is a folder: name a file in it"],
      ["pipe", "is no file: name another"],
    ] as const)
      expect(await convert("run", path, "--to", "npz", "--overwrite", "--no-card")).toMatchObject({
        status: 2,
        stderr: `wasmgrad: ${path} ${problem}\n`,
      });
  });

  test("says what is wrong with where to write, and with what is told for nothing", async () => {
    for (const path of ["-", ".", "..", "there/.."])
      expect(await convert("run", path, "--to", "npz")).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(`wasmgrad: ${path} names no file: `),
      });
    for (const [path, write] of [
      ["out/m.NPZ", "out/m.npz"],
      ["out/m.npz/", "out/m.npz"],
      [".npz", "model.npz"],
    ])
      expect((await convert("run", path!)).stderr).toContain(`. Write: ${write}; or say it with --to`);
    expect(await convert("run", "m.npz", "--weights", "int8")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--weights is for .js alone, and m.npz (NumPy's .npz"),
    });
    expect(await convert("run", "m.keras", "--keras-version", "2")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^wasmgrad: --keras-version 2 is for \.h5 and \.weights\.h5, .*Write: m\.h5$/m,
      ),
    });
    for (const [option, value, problem] of [
      ["--keras-version", "3", "--keras-version is for Keras's files alone, and m.npz is NumPy's .npz"],
      ["--classes", "3", "--classes is given without --model, whose outputs it counts"],
      ["--names", "list.json", '--names is list.json: expected names by names, {"conv2d/kernel"'],
    ] as const) {
      await writeFile(join(work, "list.json"), '["a"]');
      expect(await convert("run", "m.npz", option, value)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(`wasmgrad: ${problem}`),
      });
    }
    for (const [option, value] of [
      ["--model", "lenet5"],
      ["--input-shape", "9x9x1"],
    ])
      expect(await convert("run", "for-nothing.npz", option!, value!)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(`it has layers of its own \\(.*\\), and ${option} is for files`),
      });
  });

  test("leaves a README.md that is no card, and replaces one that is", async () => {
    await mkdir(join(work, "mine"));
    await writeFile(join(work, "mine", "README.md"), "# My project\n");
    const done = await convert("run", "mine/w.npz");
    expect(done.status).toBe(0);
    expect(done.stderr).toContain("mine/README.md is there, and no card of a model: it stays");
    expect(await readFile(join(work, "mine", "README.md"), "utf8")).toBe("# My project\n");
    expect((await convert("run", "mine/other.npz", "--no-card")).stderr).toBe("");
    await convert("run", "cards/a.npz");
    await convert("run", "cards/b.safetensors");
    expect(await readFile(join(work, "cards", "README.md"), "utf8")).toContain("`b.safetensors`");
  });

  test("leaves a card that was edited, and what cannot be read, also with --overwrite", async () => {
    await convert("run", "edited/a.npz");
    const path = join(work, "edited", "README.md");
    const card = await readFile(path, "utf8");
    // As Git has it on Windows: that is no edit.
    await writeFile(path, card.replaceAll("\n", "\r\n"));
    expect(await convert("run", "edited/b.npz")).toMatchObject({ status: 0, stderr: "" });
    const written = await readFile(path, "utf8");
    expect(written).toBe(card.replaceAll("a.npz", "b.npz").replace(/[0-9a-f]{64} -->/, sealOf(written)));
    for (const edited of [
      written.replace("## Training", "Of Ada's desk.\n\n## Training"),
      `${written}More.\n`,
    ]) {
      await writeFile(path, edited);
      for (const options of [["edited/c.npz"], ["edited/b.npz", "--overwrite"]]) {
        const done = await convert("run", ...options);
        expect(done.status).toBe(0);
        expect(done.stdout).not.toContain("its model card");
        expect(done.stderr).toContain(
          "edited/README.md is there, a card that was edited since it was written: it stays",
        );
        expect(await readFile(path, "utf8")).toBe(edited);
      }
      await rm(join(work, "edited", "c.npz"));
    }
    await mkdir(join(work, "odd", "README.md"), { recursive: true });
    expect(await convert("run", "odd/a.npz")).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("odd/README.md is there, and no card of a model: it stays"),
    });
  });

  test("says what a name that tells no format should be", async () => {
    const typo = await convert("run", "m.nzp");
    expect(typo.status).toBe(2);
    expect(typo.stderr).toMatch(
      /^wasmgrad: m\.nzp: its name tells no format; expected an ending of .*\. Write: m\.npz; or say it with --to\n$/,
    );
    expect((await convert("run", "noend", "--to", "npz", "--no-card")).status).toBe(0);
    const none = await convert("nothing", "m.npz");
    expect(none).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("nothing: no such file or folder"),
    });
  });
});

test("the card tells of the run", async () => {
  await convert("run", "card/m.safetensors");
  const card = await readFile(join(work, "card", "README.md"), "utf8");
  const result = JSON.parse(await readFile(join(work, "run", "result.json"), "utf8"));
  expect(card).toMatch(
    /^---\nlibrary_name: wasmgrad\ntags: \[wasmgrad, image-classification\]\n---\n# small\n/,
  );
  for (const line of [
    "| data | bars |",
    "| epochs | 2 |",
    "| seed | 3 |",
    `| weights, SHA-256 | \`${result.weightsSha256}\` |`,
    `| accuracy | ${(100 * result.test.accuracy).toFixed(2)} % |`,
    "A byte of a picture, 0 to 255, becomes byte / 255 before it comes to the model.",
  ])
    expect(card).toContain(line);
});
