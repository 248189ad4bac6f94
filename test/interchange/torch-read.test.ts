// Weights of PyTorch's files, against what PyTorch computes with them: test/fixtures/make_torch.py made both.
import { readFileSync } from "node:fs";
import { unzipSync, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { read } from "../../src/interchange/torch/read.ts";
import {
  activation,
  batchNormalization,
  conv2d,
  conv2dTranspose,
  dense,
  depthwiseConv2d,
  flatten,
  type LoadModelOptions,
  layerNormalization,
  loadModel,
  type Model,
  prelu,
  sequential,
} from "../../src/node.ts";
import { encodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { mutateBytes, randomOf } from "../support/mutate.ts";

const FOLDER = new URL("../fixtures/torch/", import.meta.url);
const file = (name: string) => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const { x, y, mixed } = JSON.parse(readFileSync(new URL("net.json", FOLDER), "utf8")) as Record<
  "x" | "y" | "mixed",
  number[]
>;

/** The net of make_torch.py; `named`: its layers called as the modules are. */
function net({ named = true, useBias = false, units = 5 } = {}) {
  const called = (name: string) => (named ? { name } : {});
  return sequential([
    conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 6, 2], ...called("conv") }),
    batchNormalization({ epsilon: 1e-5, ...called("bn") }),
    activation({ activation: "relu" }),
    depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, useBias, ...called("depthwise") }),
    conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2, ...called("up") }),
    prelu({ sharedAxes: [1, 2], ...called("prelu") }),
    flatten(),
    dense({ units, ...called("fc1") }),
    layerNormalization({ epsilon: 1e-5, ...called("norm") }),
    dense({ units: 4, ...called("fc2") }),
  ]);
}

async function outputs(bytes: Uint8Array, options: LoadModelOptions): Promise<number[]> {
  const { model } = await loadModel(bytes, options);
  await model.compile({ threads: 1, loss: "meanSquaredError" });
  const result = [0, 1].map((i) => model.predict(Float32Array.from(x.slice(72 * i, 72 * (i + 1)))));
  const all = (await Promise.all(result)).flatMap((one) => [...one]);
  model.dispose();
  return all;
}

const refused = (bytes: Uint8Array, model: Model = net()) =>
  loadModel(bytes, { model }).then(
    () => {
      throw new Error("was read");
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(ModelFileError);
      return error as ModelFileError;
    },
  );

function close(got: readonly number[], expected: readonly number[], most = 2e-6) {
  expect(got).toHaveLength(expected.length);
  expect(Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(most);
}

describe("a state_dict gives what PyTorch gives", () => {
  test.each([
    ["of torch.save()", "net.pt", true],
    ["of torch.save(), in order", "net.pt", false],
    ["of compressed parts", "packed.pt", true],
    ["of views on one storage, of strides and offsets", "views.pt", false],
    ["of parameters", "parameters.pt", false],
    ["of a model in DataParallel", "wrapped.pt", true],
    ["as safetensors", "net.safetensors", true],
    ["as safetensors, by shape", "net.safetensors", false],
  ])("%s", async (_, name, named) => {
    close(await outputs(file(name), { model: net({ named }) }), y);
  });

  test.each([["mixed.pt"], ["mixed.safetensors"]])("of floats of all sizes: %s", async (name) => {
    close(await outputs(file(name), { model: net() }), mixed);
  });

  test.each([["module._orig_mod."], ["net."], ["model.backbone.0."]])(
    "with %s before all names",
    async (before) => {
      const { tensors } = await read({ "net.safetensors": file("net.safetensors") });
      const bytes = encodeSafetensors(
        tensors.map((one) => ({ ...one, name: `${before}${one.name}` })),
        {},
      );
      const backbone = sequential([
        conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 6, 2], name: "conv" }),
        batchNormalization({ epsilon: 1e-5, name: "bn" }),
      ]);
      close(await outputs(bytes, { model: net() }), y);
      expect((await loadModel(bytes, { model: backbone })).tensors[0]!.name).toBe("conv/kernel");
    },
  );

  test("by names of parameters, and of layers for all that is in a module", async () => {
    const modules = ["conv", "bn", "depthwise", "up", "prelu", "fc1", "norm", "fc2"];
    const model = net({ named: false });
    const layers = [...new Set(model.graph.parameters.map(({ name }) => name.split("/")[0]!))];
    const names = Object.fromEntries(layers.map((layer, i) => [layer, modules[i]!]));
    close(await outputs(file("net.safetensors"), { model, names }), y);
    const { dense: _, ...others } = names;
    const whole = { ...others, "dense/kernel": "fc1.weight", "dense/bias": "fc1.bias" };
    close(await outputs(file("net.safetensors"), { model, names: whole }), y);
    await expect(loadModel(file("net.pt"), { model, names: others })).rejects.toThrow(
      "names says nothing of 'dense/kernel'",
    );
    await expect(loadModel(file("net.pt"), { model, names: { ...names, dense: "fc" } })).rejects.toThrow(
      "no tensor is called 'fc.weight': did you mean fc1.weight?",
    );
  });

  test("of a larger model gives its part, by names, and no module by halves", async () => {
    const backbone = sequential([
      conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 6, 2], name: "conv" }),
      batchNormalization({ epsilon: 1e-5, name: "bn" }),
    ]);
    const { tensors } = await loadModel(file("net.pt"), { model: backbone });
    expect(tensors.map(({ name }) => name)).toEqual(backbone.graph.parameters.map(({ name }) => name));
    const unbiased = sequential([
      conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 6, 2], name: "conv", useBias: false }),
    ]);
    const { message } = await refused(file("net.pt"), unbiased);
    expect(message).toContain("'conv.bias' of shape [4] is left over");
  });
});

describe("it is said", () => {
  test("where a state_dict was in a checkpoint", async () => {
    await expect(loadModel(file("mixed.pt"))).rejects.toThrow(
      'weights alone (PyTorch\'s state_dict, under "model_state_dict"), and no layers: conv.weight [4, 2, 3, 3]',
    );
    await expect(loadModel(file("two.pt"))).rejects.toThrow('under "model"');
  });

  test("where the model's list and the file's part, side by side", async () => {
    const { message, code } = await refused(file("net.pt"), net({ named: false, units: 6 }));
    expect(code).toBe("fit");
    expect(message).toBe(
      [
        "the file's weights do not fit the model: in order they part at 11 of 16 (the model's shapes are those that PyTorch has):",
        "  the model                     the file",
        "  conv2dTranspose/bias [3]      up.bias [3]",
        "  prelu/alpha [3]               prelu.weight [3]",
        "> dense/kernel [6, 48]          fc1.weight [5, 48]",
        "  dense/bias [6]                fc1.bias [5]",
        "  layerNormalization/gamma [6]  norm.weight [5]",
        "  layerNormalization/beta [6]   norm.bias [5]",
        "  dense_1/kernel [4, 6]         fc2.weight [4, 5]",
        'Call layers as the file\'s modules are called, or write which is which: names: { "dense/kernel": "fc1.weight", … }',
      ].join("\n"),
    );
  });

  test("in lines of one's own: names in files break none", async () => {
    const tensor = { name: "a\nwasmgrad: all is well\u001b[2J", shape: [2], data: new Float32Array(2) };
    const { message } = await refused(encodeSafetensors([tensor], {}), net({ named: false }));
    expect(message).not.toMatch(/^wasmgrad: all/m);
    expect(message).not.toContain("\u001b");
    expect(message).toContain("a\ufffdwasmgrad: all is well\ufffd[2J [2]");
  });

  test("that a module has more than the layer", async () => {
    const { message } = await refused(file("net.pt"), net({ named: false, useBias: true }));
    expect(message).toMatch(/> depthwiseConv2d\/bias \[8\] +up\.weight \[8, 3, 2, 2\]/);
  });

  test("that modules of one shape have no order in safetensors files", async () => {
    const square = (name: string) => ({ name, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
    const model = sequential([
      dense({ units: 2, useBias: false, inputShape: [2] }),
      dense({ units: 2, useBias: false }),
    ]);
    const { message } = await refused(encodeSafetensors([square("a.weight"), square("b.weight")], {}), model);
    expect(message).toContain("'a' and 'b' have the same shapes");
    const numbered = encodeSafetensors([square("fc10.weight"), square("fc9.weight")], { format: "pt" });
    const { tensors } = await loadModel(numbered, { model });
    expect(tensors.map(({ name }) => name)).toEqual(["dense/kernel", "dense_1/kernel"]);
    expect([...tensors[0]!.data]).toEqual([1, 3, 2, 4]);
    // Of a file that is not sorted, the order is that of the modules.
    await loadModel(encodeSafetensors([square("b.weight"), square("a.weight")], {}), { model });
  });
});

describe("refused, with what to write, is", () => {
  test.each([
    ["a whole module", "module.pt", "Python's '__main__.Net', and no code"],
    ["what runs code", "evil.pt", "Python's '__builtin__.print', and no code"],
    ["a file of before 1.6", "old.pt", 'torch.save(torch.load("m.pt", weights_only=True), "m.pt")'],
    ["another pickle", "plain.pkl", 'torch.save(model.state_dict(), "m.pt")'],
    ["a checkpoint of several", "several.pt", 'under "student", "teacher": save the one that is meant'],
    ["a checkpoint of none", "none.pt", 'no state_dict: a dict of "epoch"'],
    ["complex numbers", "complex.pt", "numbers of type torch.ComplexFloatStorage"],
  ])("%s", async (_, name, said) => {
    const { message } = await refused(file(name));
    expect(message).toContain(said);
    expect(message).toContain("torch.save(");
  });

  test.each([
    ["its pickle", "data.pkl", new Uint8Array(40), "too-large"],
    ["a storage", "data/0", new Uint8Array(2_000_000), "too-large"],
  ])("a bomb: %s", async (_, name, content, code) => {
    const parts = unzipSync(file("net.pt"));
    const at = Object.keys(parts).find((key) => key.endsWith(name))!;
    const bytes = zipSync(
      { ...parts, [at]: name === "data.pkl" ? new Uint8Array(2_000_000) : content },
      { level: 9 },
    );
    expect(await refused(bytes)).toMatchObject({ code });
  });

  test("an entry that claims more than 4 GB, and one that lies about where it is", async () => {
    const bytes = file("net.pt");
    // Entries of the list at the end: sizes at 20 and 24, the place at 42.
    const found: number[] = [];
    for (let i = 0; i + 46 < bytes.length; i++)
      if (bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 1 && bytes[i + 3] === 2)
        found.push(i);
    expect(found.length).toBeGreaterThan(10);
    for (const [field, value] of [
      [20, 0xffffffff],
      [24, 0xffffffff],
      [24, 0x7fffffff],
      [42, 0xffffffff],
      [42, bytes.length - 2],
    ] as const)
      for (const entry of found.slice(0, 4)) {
        const hurt = bytes.slice();
        new DataView(hurt.buffer).setUint32(entry + field, value, true);
        const error = await loadModel(hurt, { model: net() }).catch((error: unknown) => error);
        if (error instanceof Error) expect(error, `${entry} ${field}`).toBeInstanceOf(ModelFileError);
      }
  });

  test("an archive that lists billions of files", async () => {
    const bytes = file("net.pt").slice();
    const at = Buffer.from(bytes).lastIndexOf("PK\u0006\u0006", undefined, "latin1");
    expect(at).toBeGreaterThan(0);
    new DataView(bytes.buffer).setUint32(at + 32, 0xffffffff, true);
    expect(await refused(bytes)).toMatchObject({ code: "unknown-format" });
  });

  test("a tensor that is larger than what it lies in", async () => {
    const pickles = [
      // A shape of 2^31 x 2^31 of strides 0, of a storage of one number.
      [0x8a, 5, 0, 0, 0, 0x80, 0, 0x8a, 5, 0, 0, 0, 0x80, 0, 0x86, 0x4b, 0, 0x4b, 0, 0x86],
      [0x4b, 2, 0x4b, 2, 0x86, 0x4b, 2, 0x4b, 1, 0x86],
      [0x4a, 0xff, 0xff, 0xff, 0xff, 0x85, 0x4b, 1, 0x85],
    ];
    const text = (value: string) => [...new TextEncoder().encode(value)];
    const string = (value: string) => [0x8c, value.length, ...text(value)];
    for (const [i, sizes] of pickles.entries()) {
      const pickle = [
        ...[0x80, 2, 0x7d],
        ...string("fc.weight"),
        ...text("ctorch._utils\n_rebuild_tensor_v2\n("),
        ...[
          0x28,
          ...string("storage"),
          ...text("ctorch\nFloatStorage\n"),
          ...string("0"),
          ...string("cpu"),
          0x4b,
          1,
        ],
        ...[0x74, 0x51, 0x4b, 0, ...sizes, 0x89, 0x7d, 0x74, 0x52, 0x73, 0x2e],
      ];
      const bytes = zipSync({ "m/data.pkl": Uint8Array.from(pickle), "m/data/0": new Uint8Array(4) });
      const { code, message } = await refused(bytes);
      expect(code, message).toBe(i === 0 ? "too-large" : "damaged");
    }
  });
});

const RUNS = Number(process.env.WASMGRAD_FUZZ ?? (process.env.WASMGRAD_TESTS === "all" ? 2000 : 200));
const SEED = Number(process.env.WASMGRAD_FUZZ_SEED ?? 1);

describe("files that were changed are read, or refused with an error of ours, and soon", () => {
  const model = net();
  const fuzz = async (mutated: (below: (n: number) => number) => Uint8Array) => {
    const counts = { read: 0, refused: 0 };
    for (let seed = 0; seed < RUNS; seed++) {
      const before = process.memoryUsage().arrayBuffers;
      const bytes = mutated(randomOf(SEED * 1_000_003 + seed));
      try {
        await loadModel(bytes, { model });
        counts.read++;
      } catch (error) {
        if (!(error instanceof ModelFileError)) throw new Error(`seed ${seed}`, { cause: error });
        expect(error.message.length, `seed ${seed}`).toBeLessThan(4000);
        counts.refused++;
      }
      expect(process.memoryUsage().arrayBuffers - before, `seed ${seed}`).toBeLessThan(64 * 2 ** 20);
    }
    expect(counts.refused).toBeGreaterThan(RUNS / 50);
    expect(counts.read).toBeGreaterThan(RUNS / 100);
  };

  test("archives", () => fuzz((below) => mutateBytes(file("mixed.pt"), below)));
  test("safetensors", () => fuzz((below) => mutateBytes(file("mixed.safetensors"), below)));
  test("pickles", () => {
    const parts = unzipSync(file("mixed.pt"));
    const at = Object.keys(parts).find((name) => name.endsWith("data.pkl"))!;
    return fuzz((below) => zipSync({ ...parts, [at]: mutateBytes(parts[at]!, below) }, { level: 0 }));
  });
});
