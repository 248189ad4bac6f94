import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import type { Answers, Dataset, ImageSet } from "../../src/data/types.ts";
import { loadDataset, saveNpz } from "../../src/node.ts";
import { parseNpyTexts } from "../../src/sources/npy.ts";
import { parseNpz } from "../../src/sources/npz.ts";
import { dataErrorOf, tempFolder } from "../data/helpers.ts";
import { findPython, runPython } from "../support/python.ts";
import { npy, npz } from "./npy.ts";

function set(count: number, shape: ImageSet["shape"], classes = 3): ImageSet {
  const size = shape[0] * shape[1] * shape[2];
  return {
    images: Uint8Array.from({ length: count * size }, (_, i) => (i * 37 + (i >> 3)) & 255),
    labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
    count,
    shape,
  };
}

const grey: Dataset = {
  name: "data",
  classNames: ["0", "1", "2"],
  train: set(7, [4, 5, 1]),
  test: set(4, [4, 5, 1]),
};
const named: Dataset = {
  name: "data",
  classNames: ["chat", "été 🐈", "never seen", "żółw"],
  train: set(6, [3, 2, 3], 2),
  test: set(4, [3, 2, 3], 2),
  validation: set(2, [3, 2, 3], 2),
};
const masked: Dataset = {
  name: "data",
  classNames: ["background", "ink"],
  answers: { kind: "masks", shape: [2, 3] } satisfies Answers,
  train: { ...set(4, [2, 3, 1]), labels: Uint8Array.from({ length: 24 }, (_, i) => i & 1) },
  test: { ...set(2, [2, 3, 1]), labels: Uint8Array.from({ length: 12 }, (_, i) => (i >> 1) & 1) },
};
const numbered: Dataset = {
  name: "data",
  classNames: [],
  answers: { kind: "numbers", shape: [2] } satisfies Answers,
  train: {
    ...set(3, [2, 2, 1]),
    labels: new Uint8Array(),
    targets: Float32Array.of(0.5, -1, 2, 1e-20, 3.25, 7),
  },
  test: { ...set(1, [2, 2, 1]), labels: new Uint8Array(), targets: Float32Array.of(4, 0.125) },
};

describe("saveNpz", () => {
  test.each([
    ["grey images with numbered classes", grey],
    ["colours, names of classes, images for validation", named],
    ["masks", masked],
    ["numbers", numbered],
  ])("%s are read as they were, packed or not, to the same bytes each time", async (_, dataset) => {
    for (const compress of [false, true]) {
      const bytes = await saveNpz(dataset, { compress });
      expect(bytes).toEqual(await saveNpz(structuredClone(dataset), { compress }));
      const { labels: __, ...own } = dataset.train;
      const read = parseNpz(bytes, "data");
      if (dataset === numbered) {
        expect(read).toMatchObject({ classNames: [], answers: numbered.answers });
        expect(read.train).toEqual(own);
      } else expect(read).toEqual(dataset);
    }
  });

  test("has Keras's arrays, and no other where classes are numbers", async () => {
    const names = async (dataset: Dataset) => Object.keys(unzipSync(await saveNpz(dataset)));
    expect(await names(grey)).toEqual(["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"]);
    expect(await names(named)).toEqual(
      ["x_train", "y_train", "x_val", "y_val", "x_test", "y_test", "class_names"].map(
        (name) => `${name}.npy`,
      ),
    );
  });

  test("packs what can be packed", async () => {
    const blank = { train: { ...set(50, [28, 28, 1]), images: new Uint8Array(50 * 784) } };
    const [stored, packed] = [await saveNpz(blank), await saveNpz(blank, { compress: true })];
    expect(stored.length).toBeGreaterThan(50 * 784);
    expect(packed.length).toBeLessThan(2000);
  });

  test("samples alone, of floats", async () => {
    const images = Float32Array.from({ length: 12 }, (_, i) => i / 255);
    const bytes = await saveNpz({
      train: { images, labels: Uint8Array.of(1, 0, 1), count: 3, shape: [2, 2, 1] },
    });
    const { "x_train.npy": x } = unzipSync(bytes);
    expect(new TextDecoder().decode(x!.subarray(0, 80))).toContain(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }",
    );
    expect(new Float32Array(x!.slice(-48).buffer)).toEqual(images);
  });

  test("a file and its arrays in a folder are streamed with their names", async () => {
    const folder = await tempFolder();
    const bytes = await saveNpz(named);
    await writeFile(join(folder, "data.npz"), bytes);
    const streamed = await loadDataset(join(folder, "data.npz"), { stream: true });
    expect(streamed.classNames).toEqual(named.classNames);
    // What is streamed is written as what lies in memory is.
    expect(await saveNpz(streamed)).toEqual(bytes);
    const arrays = await tempFolder();
    for (const [name, content] of Object.entries(unzipSync(bytes)))
      await writeFile(join(arrays, name), content);
    for (const stream of [false, true])
      expect((await loadDataset(arrays, { stream })).classNames).toEqual(named.classNames);
  });

  test("what does not go together is refused", async () => {
    await expect(saveNpz(undefined as never)).rejects.toThrow(
      /^saveNpz: got undefined, expected a dataset. Write: saveNpz\(await loadDataset\("mnist"\)\), or/,
    );
    const few = { ...grey, test: { ...grey.test, labels: Uint8Array.of(1, 2) } };
    expect(await dataErrorOf(saveNpz(few))).toMatchObject({
      code: "count-mismatch",
      message: "saveNpz: test has 4 images and 2 labels; expected one for each.",
    });
    const short = { train: { ...grey.train, images: grey.train.images.subarray(1) } };
    expect(await dataErrorOf(saveNpz(short))).toMatchObject({
      code: "count-mismatch",
      message: "saveNpz: train has 139 numbers in its images; expected 140, for 7 of 4x5x1.",
    });
  });

  const python = findPython("numpy");
  test.skipIf(!python)("NumPy reads the arrays as they are", async () => {
    const folder = await tempFolder();
    const script = `
import hashlib, json, sys
import numpy as np
with np.load(sys.argv[1]) as file:
    arrays = {k: [list(v.shape), v.dtype.name, v.tolist() if v.dtype.kind == "U" else hashlib.sha256(v.tobytes()).hexdigest()] for k, v in file.items()}
print(json.dumps(arrays))`;
    const sha = async (data: Uint8Array | Float32Array) =>
      Buffer.from(
        await crypto.subtle.digest(
          "SHA-256",
          new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
        ),
      ).toString("hex");
    for (const compress of [false, true]) {
      const path = join(folder, `${compress}.npz`);
      await writeFile(path, await saveNpz(named, { compress }));
      const { train, test, validation } = named;
      expect(runPython(python!, script, [path])).toEqual({
        x_train: [[6, 3, 2, 3], "uint8", await sha(train.images)],
        y_train: [[6], "uint8", await sha(train.labels)],
        x_val: [[2, 3, 2, 3], "uint8", await sha(validation!.images)],
        y_val: [[2], "uint8", await sha(validation!.labels)],
        x_test: [[4, 3, 2, 3], "uint8", await sha(test.images)],
        y_test: [[4], "uint8", await sha(test.labels)],
        class_names: [[4], expect.stringMatching(/^str/), named.classNames],
      });
      await writeFile(path, await saveNpz(numbered, { compress }));
      expect(runPython(python!, script, [path])).toMatchObject({
        y_train: [[3, 2], "float32", await sha(numbered.train.targets!)],
      });
    }
  });
});

describe("class_names", () => {
  const four = { x_train: npy("|u1", [4, 2, 3], Array(24).fill(7)), y_train: npy("|u1", [4], [1, 0, 2, 1]) };
  /** As NumPy writes texts, of either order of bytes. */
  function texts(all: readonly string[], order = "<"): Uint8Array {
    const most = Math.max(...all.map(({ length }) => length));
    const codes = all.flatMap((text) => Array.from({ length: most }, (_, i) => text.charCodeAt(i) || 0));
    const bytes = npy(`${order}i4`, [all.length * most], codes);
    const header = `{'descr': '${order}U${most}', 'fortran_order': False, 'shape': (${all.length},), }`;
    bytes.set(new TextEncoder().encode(`${header.padEnd(117)}\n`), 10);
    return bytes;
  }

  test.each(["<", ">"])("are read of texts in the order %s", (order) => {
    const names = ["cat", "dog", "a bird"];
    expect(parseNpyTexts(texts(names, order), "x")).toEqual(names);
    expect(parseNpz(npz({ ...four, class_names: texts(names, order) }), "data.npz").classNames).toEqual(
      names,
    );
  });

  test("that are numbers, or are none for a label, or are there twice", async () => {
    const read = (class_names: Uint8Array) => () => parseNpz(npz({ ...four, class_names }), "data.npz");
    expect(read(npy("|u1", [3], [7, 8, 9]))().classNames).toEqual(["0", "1", "2"]);
    expect(read(texts(["cat", "dog"]))).toThrow(
      "data.npz: class_names holds 2 names, and there is a label 2; expected a name for each class, from 0.",
    );
    expect(read(texts(["cat", "dog", "cat"]))).toThrow(
      "data.npz: class_names: holds 3 names, of which one is empty or there twice; expected 1 to 256 different ones.",
    );
    const empty = texts(["a"]).subarray(0, 128);
    const claim = new TextEncoder().encode("'<U0', 'fortran_order': False, 'shape': (999999999,), }");
    empty.set(claim, 10 + "{'descr': ".length);
    expect(read(empty)().classNames).toEqual(["0", "1", "2"]);
    expect(read(texts(["cat", "dog", "cow"]).subarray(0, -4))).toThrow(
      /class_names: has \d+ bytes; expected \d+/,
    );
  });
});
