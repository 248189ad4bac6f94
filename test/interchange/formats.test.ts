import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { ModelFileError, readModel, saveModel } from "../../src/formats/model-file.ts";
import { FORMATS } from "../../src/interchange/formats.ts";
import { WRITTEN } from "../../src/interchange/names.ts";
import {
  conv2d,
  dense,
  exportModel,
  flatten,
  layersFromConfig,
  loadModel,
  type Model,
  maxPooling2d,
  sequential,
} from "../../src/node.ts";
import { encodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { npyOf } from "../../src/sources/npy.ts";
import { findPython, runPython } from "../support/python.ts";

let model: Model;

function net() {
  return sequential(
    [
      conv2d({ filters: 3, kernelSize: 3, activation: "relu", inputShape: [8, 8, 1] }),
      maxPooling2d(),
      flatten(),
      dense({ units: 4, activation: "softmax" }),
    ],
    { name: "net" },
  );
}

beforeAll(async () => {
  model = net();
  await model.compile({ seed: 5, threads: 1 });
  return () => model.dispose();
});

const only = (files: Readonly<Record<string, Uint8Array>>) => Object.values(files)[0]!;

test("a format that is written has its name, and a format's endings are its own", () => {
  expect(
    FORMATS.filter(({ writer }) => writer)
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...WRITTEN].sort());
  const endings = FORMATS.flatMap(({ endings }) => endings);
  expect(new Set(endings).size).toBe(endings.length);
});

describe("wasmgrad's own file", () => {
  test("is what saveModel() writes", async () => {
    const metadata = { classNames: ["a", "b", "c", "d"] };
    const files = await exportModel(model, { format: "wasmgrad", metadata });
    expect(Object.keys(files)).toEqual(["net.safetensors"]);
    expect(readModel(only(files))).toMatchObject({ metadata });
    expect((await loadModel(only(files))).tensors).toEqual(readModel(saveModel(model)).tensors);
  });

  test("is told what it was trained with", async () => {
    const preprocessing = { scale: 2 / 255, offset: -1 };
    const { metadata } = await loadModel(saveModel(model), { preprocessing, classNames: [..."abcd"] });
    expect(metadata).toMatchObject({ preprocessing, classNames: ["a", "b", "c", "d"] });
  });
});

describe("a file with layers", () => {
  test("is refused another model, and names, that would be passed over", async () => {
    const onnx = only(await exportModel(model, { format: "onnx" }));
    const other = sequential([flatten({ inputShape: [8, 8, 1] }), dense({ units: 4 })]);
    for (const bytes of [saveModel(model), onnx])
      expect((await loadModel(bytes, { model })).tensors).toHaveLength(4);
    for (const bytes of [saveModel(model), onnx])
      for (const [name, option] of [
        ["model", { model: other }],
        ["model", { model: other.toConfig() }],
        ["names", { names: { "dense/kernel": "fc.weight" } }],
      ] as const)
        await expect(loadModel(bytes, option)).rejects.toMatchObject({
          code: "has-layers",
          message: expect.stringMatching(`^it has layers of its own \\(.*\\), and \`${name}\` is for files`),
        });
    await expect(loadModel(saveModel(model), { inputShape: [9, 9, 1] })).rejects.toThrow(
      "`inputShape` is for files that leave them open",
    );
  });

  test("is found among its files, whatever their order; a whole model comes alone", async () => {
    const onnx = only(await exportModel(model, { format: "onnx" }));
    const files = { "m.onnx.data": Uint8Array.of(0, 0, 128, 63), "m.onnx": onnx };
    expect((await loadModel(files)).tensors).toHaveLength(4);
    // As a file of wasmgrad's own begins.
    const beside = new Uint8Array(16).fill(123);
    expect((await loadModel({ ...files, "m.onnx.data": beside })).tensors).toHaveLength(4);
    const { "model.json": json, ...shards } = await exportModel(model, { format: "tfjs" });
    const [[name, shard]] = Object.entries(shards) as [[string, Uint8Array]];
    shard[8] = 123;
    expect((await loadModel({ [name]: shard, "model.json": json! })).tensors).toHaveLength(4);
    const own = saveModel(model);
    expect((await loadModel({ "m.safetensors": own })).tensors).toHaveLength(4);
    await expect(loadModel({ "notes.txt": Uint8Array.of(65), "m.safetensors": own })).rejects.toThrow(
      "got 2 files, and 'm.safetensors' is a whole model (wasmgrad's model file). Write: loadModel(bytes)",
    );
  });
});

test.each(WRITTEN.filter((name) => name !== "wasmgrad"))(
  "what loadModel() would refuse is not written as %s",
  async (format) => {
    const loaded = readModel(saveModel(model));
    await expect(exportModel(loaded, { format, metadata: { classNames: ["a"] } })).rejects.toThrow(
      "names 1 class, but its model has 4 outputs",
    );
    await expect(exportModel({ ...loaded, tensors: [] }, { format })).rejects.toBeInstanceOf(ModelFileError);
    const few = exportModel(model, { format, metadata: { classNames: ["a"] } });
    await expect(few).rejects.toThrow(
      "exportModel: loadModel() would refuse the file: the model file names 1 class",
    );
  },
);

describe("NumPy's weights", () => {
  test("come back into the model that they are of, by name", async () => {
    const bytes = only(await exportModel(model, { format: "npz" }));
    const loaded = await loadModel(bytes, { model });
    expect(loaded.tensors).toEqual(model.getWeights());
    expect(loaded.model.toConfig()).toEqual(model.toConfig());
    expect((await loadModel(bytes, { model: model.toConfig() })).tensors).toEqual(model.getWeights());
  });

  test("come back under the names that Keras's files have for them", async () => {
    const arrays = model.getWeights().map(({ name, data, shape }) => {
      const [layer, kind] = name.split("/");
      return [`${layer}/${layer}/${kind}:0.npy`, npyOf(shape, data)] as const;
    });
    const bytes = zipSync(Object.fromEntries(arrays.toReversed()));
    expect((await loadModel(bytes, { model })).tensors).toEqual(model.getWeights());
  });

  const python = findPython("numpy");
  test.skipIf(!python)("of any type and order that NumPy has, packed, are read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wasmgrad-npz-"));
    writeFileSync(join(folder, "w.npz"), only(await exportModel(model, { format: "npz" })));
    const types = runPython(
      python!,
      `import json, sys, numpy as np
w = np.load(sys.argv[1] + "/w.npz")
forms = [lambda a: np.asfortranarray(a), lambda a: a.astype(">f8"), lambda a: np.asfortranarray(a.astype(">f4")), lambda a: a.astype("f8")]
w = {k: forms[i % 4](w[k]) for i, k in enumerate(w.files)}
np.savez_compressed(sys.argv[1] + "/v.npz", **w)
print(json.dumps([[a.dtype.str, bool(a.flags.f_contiguous)] for a in w.values()]))`,
      [folder],
    );
    expect(types).toEqual([
      ["<f4", true],
      [">f8", true],
      [">f4", true],
      ["<f8", true],
    ]);
    const { tensors } = await loadModel(readFileSync(join(folder, "v.npz")), { model });
    expect(tensors).toEqual(model.getWeights());
    rmSync(folder, { recursive: true });
  });

  test("are the same bytes each time", async () => {
    const twice = [
      await exportModel(model, { format: "npz" }),
      await exportModel(readModel(saveModel(model)), { format: "npz" }),
    ];
    expect(twice[1]).toEqual(twice[0]);
  });

  test("need a model", async () => {
    const bytes = only(await exportModel(model, { format: "npz" }));
    await expect(loadModel(bytes)).rejects.toThrow(
      "holds weights alone (NumPy's .npz, weights alone), and no layers: conv2d/kernel [3, 3, 1, 3], conv2d/bias [3], dense/kernel [27, 4] …. Write: loadModel(file, { model })",
    );
    await expect(loadModel(bytes)).rejects.toMatchObject({ code: "needs-model" });
  });

  test("go by order where their names are others, and by names where those are said", async () => {
    const npz = only(await exportModel(model, { format: "npz" }));
    const { layers } = net().toConfig();
    const other = sequential(
      layersFromConfig({ layers: layers.map((layer) => ({ ...layer, name: `my_${layer.name}` })) }),
    );
    const inOrder = await loadModel(npz, { model: other });
    expect(inOrder.tensors.map(({ data }) => data)).toEqual(model.getWeights().map(({ data }) => data));
    const names = Object.fromEntries(model.getWeights().map(({ name }) => [`my_${name}`, name]));
    expect((await loadModel(npz, { model: other, names })).tensors).toEqual(inOrder.tensors);
    await expect(
      loadModel(npz, { model: other, names: { ...names, "my_dense/bias": "dense/bia" } }),
    ).rejects.toThrow("no array is called 'dense/bia': did you mean dense/bias?");
  });

  test("of another model are refused, and it is said where they differ", async () => {
    const npz = only(await exportModel(model, { format: "npz" }));
    const wider = sequential([flatten({ inputShape: [8, 8, 1] }), dense({ units: 4, name: "wide" })]);
    await expect(loadModel(npz, { model: wider })).rejects.toThrow(
      'the file\'s weights do not fit the model: it holds 4 arrays, the model has 2 parameters. Write which is which: names: { "wide/kernel": "conv2d/kernel", … }',
    );
  });

  test("of another shape are, too", async () => {
    const npz = only(await exportModel(model, { format: "npz" }));
    const wider = sequential([flatten({ inputShape: [8, 8, 1] }), dense({ units: 4 })]);
    await expect(loadModel(npz, { model: wider })).rejects.toThrow(
      "the file's weights do not fit the model: 'dense/kernel' is of shape [64, 4], and 'dense/kernel' of [27, 4]",
    );
  });

  test("that are damaged, or claim too much, are refused with an error of their own", async () => {
    const npz = only(await exportModel(model, { format: "npz" }));
    for (let at = 0; at < npz.length; at += 13) {
      const hurt = npz.slice();
      hurt[at]! ^= 0x55;
      const error = await loadModel(hurt, { model }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (error !== undefined) expect(error, String(at)).toBeInstanceOf(ModelFileError);
    }
  });
});

describe("a file of no known format", () => {
  test.each([
    ["text", new TextEncoder().encode("hello"), /begins with "hello"; expected one of: Keras's/],
    ["nothing", new Uint8Array(), /begins with "";/],
    ["an archive", zipSync({ "a.txt": new Uint8Array(3) }), /a zip archive of a\.txt; expected/],
  ])("%s", async (_, bytes, text) => {
    await expect(loadModel(bytes)).rejects.toThrow(text);
    await expect(loadModel(bytes)).rejects.toMatchObject({ code: "unknown-format" });
  });

  test("a safetensors file of others, and a damaged one, are told as such", async () => {
    await expect(loadModel(encodeSafetensors([], {}))).rejects.toThrow("weights alone (PyTorch's");
    const other = encodeSafetensors([], { format: "mine", architecture: "{}" });
    await expect(loadModel(other)).rejects.toThrow("of another origin");
    await expect(loadModel(saveModel(model).slice(0, 200))).rejects.toMatchObject({
      code: "not-safetensors",
    });
  });
});
