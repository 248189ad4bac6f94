import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Help } from "commander";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { COMMAND_NAMES } from "../../src/cli/command-names.ts";
import { createProgram } from "../../src/cli/program.ts";
import { saveModel } from "../../src/formats/model-file.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { Sequential } from "../../src/train/sequential.ts";
import { json, shell, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
let work: string;
beforeAll(async () => {
  work = await tempFolder();
});

describe("help and version", () => {
  const commands = [
    "train",
    "evaluate",
    "predict",
    "summary",
    "convert",
    "data",
    "data list",
    "data fetch",
    "data preview",
    "data export",
    "bench",
    "profile",
    "serve",
  ];

  test("every command has a complete --help that fits 80 columns", async () => {
    const all = await Promise.all(
      ["", ...commands].map((name) => wasmgrad([...name.split(" "), "--help"].filter(Boolean))),
    );
    all.forEach(({ status, stdout, stderr }, i) => {
      const name = ["", ...commands][i]!;
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: "" });
      expect(stdout).toContain(`Usage: wasmgrad${name === "" ? "" : ` ${name}`}`);
      if (name !== "" && name !== "data") {
        expect(stdout, name).toContain("Examples:\n  wasmgrad ");
        expect(stdout, name).toContain("--json");
      }
      expect(
        stdout.split("\n").filter((line) => line.length > 84),
        name,
      ).toEqual([]);
    });
    expect(all[0]!.stdout).toContain("Exit status");
    expect(all[1]!.stdout).toMatch(/--dataset <name>[\s\S]*default: "digits"/);
    expect(all[1]!.stdout).toContain("conv-gap");
  });

  test("the program's help has what the commands themselves say, and loads none of them", async () => {
    const described = (of: Command, help: Help) =>
      help.visibleCommands(of).map((command) => [help.subcommandTerm(command), command.description()]);
    const program = await createProgram([]);
    expect(described(program, Object.assign(program.createHelp(), program.configureHelp()))).toEqual(
      described(await createProgram(COMMAND_NAMES), new Help()),
    );
    const coverage = await tempFolder();
    for (const line of [["--help"], ["--version"], ["help"]]) {
      await wasmgrad(line, { env: { NODE_V8_COVERAGE: coverage } });
    }
    const files = await readdir(coverage);
    expect(files).toHaveLength(3);
    const loaded = await Promise.all(files.map((file) => readFile(join(coverage, file), "utf8")));
    for (const text of loaded) {
      expect(text).toContain("dist/cli/program.js");
      expect(text).not.toMatch(/dist\/(cli\/commands|train|model|engine\/engine)/);
    }
  });

  test("every option that a document names is one", async () => {
    const helps = await Promise.all(commands.map((name) => wasmgrad([...name.split(" "), "--help"])));
    const flagsIn = (text: string) =>
      [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)]
        .map(([flag]) => flag)
        .filter((flag) => !/^--wasmgrad-/.test(flag));
    const known = new Set(helps.flatMap(({ stdout }) => flagsIn(stdout)));
    // npm's, node's, vitest's and those of the mutation test and of benchmarks.
    for (const other of [
      ...["--ignore-scripts", "--prefix", "--test", "--testTimeout", "--experimental-wasm-revectorize"],
      ...["--sample", "--settings", "--random", "--folder", "--readme", "--engines"],
    ])
      known.add(other);
    const pages = (await readdir(root, { recursive: false })).filter((name) => name.endsWith(".md"));
    const docs = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
    const named = await Promise.all(
      [...pages, ...docs.map((name) => join("docs", name))].map(async (path) =>
        flagsIn(await readFile(join(root, path), "utf8")).map((flag) => ({ path, flag })),
      ),
    );
    expect(named.flat().length).toBeGreaterThan(20);
    expect(named.flat().filter(({ flag }) => !known.has(flag))).toEqual([]);
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await wasmgrad(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("wrong usage ends with status 2 and one line", () => {
  const cases: [args: string[], message: RegExp][] = [
    [["trian"], /unknown command 'trian' \(did you mean train\?\).*expected one of train, evaluate/],
    [["--epoch", "3"], /unknown option '--epoch'.*--epochs/],
    [["train", "--epochs", "0"], /'--epochs <n>' argument '0' is invalid.*whole number from 1/],
    [["train", "--epochs", "1e3"], /'1e3' is invalid/],
    [["train", "--batch-size", "-4"], /'-4' is invalid/],
    [["train", "--learning-rate", "fast"], /'fast' is invalid. Expected a number of at least 0/],
    [["train", "--learning-rate", "NaN"], /'NaN' is invalid/],
    [["train", "--validation-split", "1"], /'1' is invalid.*below 1/],
    [["train", "--seed", "9007199254740993"], /'9007199254740993' is invalid/],
    [
      ["train", "--backend", "gpu"],
      /'gpu' is invalid. Allowed choices are auto, scalar, simd, wide, relaxed, relaxed-wide/,
    ],
    [["train", "--optimizer", "ftrl"], /Allowed choices are sgd, rmsprop, adam, adamw/],
    [["train", "--loss", "triplet"], /Allowed choices are categoricalCrossentropy/],
    [["train", "--out", ""], /'--out <folder>' argument '' is invalid/],
    [["train", "--out"], /'--out <folder>' argument missing/],
    [["train", "extra"], /too many arguments/],
    [["evaluate"], /missing required argument 'run'/],
    [["predict", "run"], /missing required argument 'image'/],
    [["predict", "run", "x.png", "--top", "0"], /'0' is invalid/],
    [["summary", "--input-shape", "28x0"], /'28x0' is invalid.*28x28x1/],
    [["summary", "some-run", "--model", "mlp"], /--model and a run are given/],
    [["data", "get"], /unknown command 'get'; expected one of list, fetch/],
    [["data", "fetch"], /missing required argument 'name'/],
    [["data", "fetch", "imagenet"], /'imagenet' cannot be fetched: expected one of mnist/],
    [["bench", "--runs", "x"], /'x' is invalid/],
    [["serve", "--host", "http://page.example/"], /is invalid\. Expected a host's name without a port/],
  ];

  test("for each of them", async () => {
    for (let i = 0; i < cases.length; i += 3)
      await Promise.all(
        cases.slice(i, i + 3).map(async ([args, message]) => {
          const { status, stdout, stderr } = await wasmgrad(args, { cwd: work });
          expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: "" });
          expect(stderr).toMatch(message);
          expect(stderr).toMatch(/^wasmgrad: .*\n$/);
        }),
      );
  });

  test("with --json also as a document, and with --debug with a stack", async () => {
    const done = await wasmgrad(["train", "--epochs", "0", "--json", "--debug"], { cwd: work });
    expect(done.status).toBe(2);
    expect(json(done).error).toMatchObject({ exitCode: 2, name: "UsageError" });
    expect(done.stderr).toMatch(/\n {4}at /);
  });
});

describe("summary", () => {
  test("prints the layer table of the seed CNN by default", async () => {
    const { status, stdout, stderr } = await wasmgrad(["summary"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Total parameters: 121,930");
  });

  test("of a model by name and of a file, with a shape of one's own, as JSON", async () => {
    const named = json(
      await wasmgrad("summary --model lenet5 --input-shape 32x32x3 --classes 7 --json".split(" ")),
    );
    expect(named).toMatchObject({ name: "lenet5", inputShape: [32, 32, 3], outputShape: [7] });
    const file = await writeModel(join(work, "small.json"));
    const own = json(await wasmgrad(["summary", "--model", file, "--input-shape", "8x8x1", "--json"]));
    expect(own).toMatchObject({ name: "small", inputShape: [8, 8, 1], parameters: 151 });
    expect(own.layers.map((layer: { name: string }) => layer.name)).toEqual(["conv2d", "flatten", "dense"]);
  });

  test("a full disk behind stdout fails with a line, a closed pipe does not", async () => {
    expect(await shell('"$NODE" "$CLI" summary --json | head -c 1')).toMatchObject({
      status: 0,
      stdout: "{",
      stderr: "",
    });
    if (process.platform !== "linux") return; // /dev/full is Linux's
    const full = await shell('"$NODE" "$CLI" summary > /dev/full');
    expect(full.status).toBe(1);
    expect(full.stderr).toMatch(/^wasmgrad: cannot print: .*\n$/);
  });
});

test.skipIf(process.platform === "win32")(
  "a model that comes through a pipe is read",
  async () => {
    const folder = await tempFolder();
    await writeModel(join(folder, "model.json"));
    const line =
      'mkfifo pipe.json && { cat model.json > pipe.json & } && timeout 8 "$NODE" "$CLI" summary --model pipe.json';
    const { status, stdout, stderr } = await shell(line, { cwd: folder });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Model: pipe\n");
  },
  10_000,
);

describe("what a terminal would obey is shown as text", () => {
  test("line breaks in names of layers, models and pictures forge no lines", async () => {
    const folder = await tempFolder();
    const forged = "a\nwasmgrad: all is well\nb";
    const layer = (units: number) => ({ type: "dense", units, name: forged });
    const file = (name: string, layers: readonly object[]) => writeModel(join(folder, name), layers);
    await file("named.json", [{ type: "flatten" }, layer(3)]);
    await file("twice.json", [{ type: "flatten" }, layer(3), layer(3)]);
    await file(`${forged}.json`, [{ type: "flatten" }, layer(3)]);
    const model = new Sequential(
      layersFromConfig({ layers: [{ type: "flatten", inputShape: [2, 2, 1] }, layer(2)] }),
    );
    await model.compile({ threads: 1, loss: "meanSquaredError" });
    await writeFile(join(folder, "model.safetensors"), saveModel(model));
    model.dispose();
    for (const args of [
      ["summary", "--model", "named.json"],
      ["summary", "--model", "twice.json"],
      ["summary", "--model", `${forged}.json`],
      ["summary", "model.safetensors"],
      ["predict", "model.safetensors", forged],
    ]) {
      const { stdout, stderr } = await wasmgrad(args, { cwd: folder });
      const text = stdout + stderr;
      expect(text, args.join(" ")).toContain("a\\x0awasmgrad: all is well\\x0ab");
      expect(text, args.join(" ")).not.toMatch(/^wasmgrad: all is well/m);
    }
  });

  // Colours red, clears the screen in C1's spelling, and turns what follows around.
  const bad = "\u001b[31m\u009b2J\u202e";
  const shown = "\\x1b[31m\\x9b2J\\u202e";
  test.each([
    [["trian", bad], "unknown command 'trian'"],
    [[`x${bad}`], `unknown command 'x${shown}'`],
    [["data", `get${bad}`], `unknown command 'get${shown}'`],
    [[`--bad${bad}`], `unknown option '--bad${shown}'`],
    [["train", "--backend", bad], `argument '${shown}' is invalid`],
    [["train", "--epochs", bad], `argument '${shown}' is invalid`],
    [["train", "--dataset", bad], `dataset "${shown}"`],
    [["train", "--model", bad], `--model is '${shown}'`],
    [["summary", `${bad}/run`], `${shown}/run: no such file`],
    [["predict", `${bad}.safetensors`, "x.png"], `${shown}.safetensors: no such file`],
    [["help", bad], ""],
  ] as [string[], string][])("case %#", async (args, message) => {
    const { stdout, stderr } = await wasmgrad([...args, "--json", "--debug"]);
    expect(stderr).toContain(message);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe("data", () => {
  test("list names the datasets, and where they are", async () => {
    const { status, stdout } = await wasmgrad(["data", "list"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^digits .*12,000 +2,000 +generated/m);
    expect(stdout).toMatch(/^kmnist .*60,000 +10,000 +not here: wasmgrad data fetch kmnist$/m);
    const data = join(work, "data");
    const folder = join(data, "mnist");
    await shell('mkdir -p "$FOLDER"', { env: { FOLDER: folder } });
    await writeFile(join(folder, "train-images-idx3-ubyte.gz"), "");
    const { datasets } = json(await wasmgrad(["data", "list", "--json"], { env: { WASMGRAD_DATA: data } }));
    expect(datasets[1]).toMatchObject({ name: "mnist", state: "incomplete", folder });
    expect(datasets[1].missing).toHaveLength(3);
  });

  test("fetch of digits needs nothing; offline, others fail with the folder to fill", async () => {
    expect(await wasmgrad(["data", "fetch", "digits"])).toMatchObject({ status: 0, stderr: "" });
    const done = await wasmgrad(["data", "fetch", "mnist", "--offline", "--json"]);
    expect(done.status).toBe(1);
    expect(json(done).error).toMatchObject({ name: "DataError", code: "not-cached" });
    expect(done.stderr).toContain("digits");
  });

  test("export writes a dataset as one file, which is a dataset", async () => {
    const out = join(work, "exported.npz");
    await writeBars(join(work, "exported"), { channels: 3 });
    const done = await wasmgrad(["data", "export", "exported", "exported.npz"], { cwd: work });
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout).toMatch(/^x_train +\(120, 8, 8, 3\) +uint8$/m);
    expect(done.stdout).toMatch(/^y_test +\(30,\) +uint8$/m);
    expect(done.stdout).toMatch(/^class_names +\(3,\) +str$/m);
    const { pictures: _, ...whole } = await loadDataset(join(work, "exported"));
    expect(await loadDataset(out)).toEqual(whole);
    const packed = await wasmgrad(["data", "export", out, "packed.npz", "--compress", "--json"], {
      cwd: work,
    });
    const { bytes, compressed, arrays } = json(packed);
    expect({ bytes, compressed }).toEqual({
      bytes: (await readFile(join(work, "packed.npz"))).length,
      compressed: true,
    });
    expect(arrays[0]).toEqual({ name: "x_train", shape: [120, 8, 8, 3], type: "uint8" });
    expect(arrays.at(-1)).toEqual({ name: "class_names", shape: [3], type: "str" });
    expect(bytes).toBeLessThan((await readFile(out)).length);
    expect(await loadDataset(join(work, "packed.npz"))).toEqual({ ...whole, name: "packed" });

    const there = ["folder.npz", "folder.html"].map((name) => join(work, name));
    for (const [i, args] of [
      ["export", out],
      ["preview", "--dataset", out, "--out"],
    ].entries()) {
      await mkdir(there[i]!);
      const { status, stdout, stderr } = await wasmgrad(["data", ...args, there[i]!, "--json"]);
      expect({ status, error: JSON.parse(stdout).error }).toMatchObject({
        status: 1,
        error: { name: "DataError", code: "unwritable" },
      });
      expect(stderr).toBe(`wasmgrad: ${there[i]} cannot be written: it is a folder\n`);
    }
  });

  test("fetch keeps nothing that has the wrong checksum", async () => {
    const server = createServer((_, response) => response.end("not a dataset"));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const cache = join(work, "cache");
    const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const done = await wasmgrad(["data", "fetch", "mnist", "--mirror", mirror], {
      env: { XDG_CACHE_HOME: cache },
    });
    expect(done).toMatchObject({ status: 1, stdout: "" });
    expect(done.stderr).toContain(`${mirror}train-images-idx3-ubyte.gz`);
    expect(await readdir(join(cache, "wasmgrad", "mnist"))).toEqual([]);
  });
});

test("bench measures every build that the runtime has, on one thread and on more", async () => {
  const done = await wasmgrad("bench --model mlp --steps 2 --runs 2 --threads 1 --json".split(" "));
  expect(done).toMatchObject({ status: 0, stderr: "" });
  const { results } = json(done);
  expect(results.map(({ backend }: { backend: string }) => backend)).toEqual(["scalar", "simd", "relaxed"]);
  for (const { median, skipped } of results) expect(skipped ?? median).toBeTruthy();
  const two = await wasmgrad("bench --model mlp --steps 1 --runs 1 --threads 2".split(" "));
  expect(two.stdout).toMatch(/^scalar +1 +[\d,]+ .* 1\.00x /m);
  expect(two.stdout).toMatch(/^simd +2 +[\d,]+ /m);
});
