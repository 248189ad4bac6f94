import { createHash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import {
  MODEL_FORMAT_VERSION,
  ModelFileError,
  type ModelFileErrorCode,
  readModel,
  saveModel,
} from "../../src/formats/model-file.ts";
import { conv2d, dense, flatten, type Layer } from "../../src/model/layers/index.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "../../src/safetensors/safetensors.ts";
import { type Sequential, sequential } from "../../src/train/sequential.ts";

let model: Sequential;
let file: Uint8Array;
let tensors: NamedTensor[];
let metadata: Record<string, string>;

const METADATA = {
  preprocessing: { scale: 1 / 127.5, offset: -1 },
  classNames: ["a", "ü", "\u{1f431}"],
  loss: "binaryCrossentropy",
  dataset: "cats",
  background: 0.25,
} as const;

beforeAll(async () => {
  model = sequential(
    [
      conv2d({ filters: 2, kernelSize: 3, activation: "relu", inputShape: [5, 4, 1] }),
      flatten(),
      dense({ units: 3, activation: "softmax" }),
    ],
    { name: "little" },
  );
  await model.compile({ seed: 5, preprocessing: METADATA.preprocessing });
  file = saveModel(model, METADATA);
  ({ tensors, metadata } = decodeSafetensors(file));
});

/** Tensors of the shapes that the model has. */
const SHAPES = {
  "conv2d/kernel": [3, 3, 1, 2],
  "conv2d/bias": [2],
  "dense/kernel": [12, 3],
  "dense/bias": [3],
};
const tensorsOf = (): NamedTensor[] =>
  Object.entries(SHAPES).map(([name, shape]) => ({ name, shape, data: new Float32Array(elements(shape)) }));

/**
 * What loading a file with these changes throws, sealed by nobody, as older versions wrote it; fails unless it is a
 * ModelFileError.
 */
function failure(changes: {
  metadata?: Record<string, string | undefined>;
  tensors?: NamedTensor[];
}): ModelFileError {
  const { weightsSha256: _weights, metadataSha256: _metadata, ...unsealed } = metadata;
  const changed = Object.entries({ ...unsealed, ...changes.metadata }).filter(
    ([, value]) => value !== undefined,
  );
  const bytes = encodeSafetensors(
    changes.tensors ?? tensors,
    Object.fromEntries(changed) as Record<string, string>,
  );
  try {
    readModel(bytes);
  } catch (error) {
    if (error instanceof ModelFileError) return error;
    throw error;
  }
  throw new Error("it was loaded");
}

test("a loaded model has the architecture, the metadata, and the same bits of weights and answers", async () => {
  const loaded = readModel(file);
  expect(loaded.metadata).toEqual(METADATA);
  expect(loaded.model.toConfig()).toEqual(model.toConfig());
  expect(loaded.model.name).toBe("little");
  await loaded.model.compile({ seed: 99 });
  expect(await loaded.model.weightsSha256()).toBe(await model.weightsSha256());
  const image = Uint8Array.from({ length: 20 }, (_, i) => i * 12);
  expect(await loaded.model.predict(image)).toEqual(await model.predict(image));
  expect(saveModel(loaded.model, loaded.metadata)).toEqual(file);
});

describe("compile() of a loaded model", () => {
  const image = Uint8Array.from({ length: 20 }, (_, i) => i * 12);
  const samples = { images: image, count: 1, shape: [5, 4, 1], labels: Uint8Array.of(2) };

  test("begins with the weights, the preprocessing and the loss of the file, every time", async () => {
    const { model: loaded } = readModel(file);
    await loaded.compile();
    const answers = await model.predict(image);
    const result = await loaded.evaluate(samples);
    expect(await loaded.predict(image)).toEqual(answers);
    // As that of the file, binaryCrossentropy, has it.
    const wanted = [0, 0, 1].map((t, i) => -Math.log(t === 1 ? answers[i]! : 1 - answers[i]!));
    expect(result.loss).toBeCloseTo((wanted[0]! + wanted[1]! + wanted[2]!) / 3, 6);
    await loaded.fit(samples, { epochs: 2 });
    expect(await loaded.predict(image)).not.toEqual(answers);
    await loaded.compile({ threads: 1 });
    expect(await loaded.predict(image)).toEqual(answers);
    loaded.dispose();
  });

  test("begins anew where told so, and takes other weights, preprocessing and loss", async () => {
    const { model: loaded, tensors: own } = readModel(file);
    await loaded.compile({ weights: "new", seed: 5 });
    const drawn = await loaded.weightsSha256();
    await loaded.compile({ weights: "new", seed: 6 });
    expect(await loaded.weightsSha256()).not.toBe(drawn);
    const others = own.map((tensor) => ({ ...tensor, data: tensor.data.map((v) => v / 2) }));
    await loaded.compile({ preprocessing: { scale: 0 }, loss: "meanSquaredError" });
    const grey = await loaded.predict(image);
    expect(grey).toEqual(await loaded.predict(image.map((v) => 255 - v)));
    loaded.setWeights(others);
    expect(loaded.getWeights()).toEqual(others);
    loaded.dispose();
  });

  test("continues where the file's training ended", async () => {
    const { model: loaded } = readModel(file);
    await loaded.compile({ optimizer: "sgd" });
    const { history } = await loaded.fit(samples, { epochs: 1 });
    await loaded.compile();
    expect(history.loss[0]).toBe((await loaded.evaluate(samples)).loss);
    loaded.dispose();
  });

  test("refuses what weights is not", async () => {
    const { model: loaded } = readModel(file);
    await expect(loaded.compile({ weights: "old" as never })).rejects.toThrow(
      'compile: weights is "old", expected "loaded" or "new"; setWeights() takes tensors. Write: model.compile({',
    );
  });
});

test("preprocessing that takes pixels out of the range of f32 is refused", async () => {
  const never = sequential([flatten({ inputShape: [2] }), dense({ units: 2, activation: "softmax" })]);
  for (const preprocessing of [{ scale: 1e308 }, { scale: 1.4e36 }, { offset: -1e39 }, { scale: Number.NaN }])
    await expect(never.compile({ preprocessing })).rejects.toThrow(
      /^(compile: )?preprocessing: scale .*expected/,
    );
  await never.compile({ preprocessing: { scale: 1.3e36 } });
  never.dispose();
});

test("metadata is optional, preprocessing has a default, and keys of others are let be", () => {
  expect(readModel(saveModel(model)).metadata).toEqual({ preprocessing: { scale: 1 / 255, offset: 0 } });
  const foreign = encodeSafetensors(tensors, { ...metadata, license: "CC0" });
  expect(readModel(foreign).metadata).toEqual(METADATA);
});

test("a file loads as the ArrayBuffer that fetch() and File give", () => {
  const buffer = file.slice().buffer as ArrayBuffer;
  expect(readModel(buffer).metadata).toEqual(METADATA);
  expect(decodeSafetensors(buffer).tensors).toEqual(tensors);
});

test("what is no bytes is refused with the line to write", () => {
  const head = "expected the bytes of a file, a Uint8Array or ArrayBuffer. Write: ";
  const cases: [given: unknown, got: string, line: string][] = [
    [
      "runs/m.safetensors",
      '"runs/m.safetensors"',
      'loadModel(await readFile("runs/m.safetensors")) in Node, loadModel(await (await fetch("runs/m.safetensors")).arrayBuffer()) in a page',
    ],
    [Promise.resolve(file), "a Promise", "loadModel(await …)"],
    [new Blob([]), "a Blob", "loadModel(await file.arrayBuffer())"],
    [undefined, "undefined", 'loadModel(await readFile("model.safetensors"))'],
    [[1, 2], "[1, 2]", 'loadModel(await readFile("model.safetensors"))'],
    [null, "null", 'loadModel(await readFile("model.safetensors"))'],
  ];
  for (const [given, got, line] of cases)
    expect(() => readModel(given as Uint8Array)).toThrow(
      new TypeError(`loadModel: got ${got}, ${head}${line}`),
    );
  expect(() => decodeSafetensors("x" as never)).toThrow(/^decodeSafetensors: got "x", expected the bytes/);
});

test("a file at an odd offset of a larger buffer loads", () => {
  const buffer = new Uint8Array(file.length + 3);
  buffer.set(file, 3);
  expect(readModel(buffer.subarray(3)).metadata).toEqual(METADATA);
});

describe("saveModel refuses what loadModel would, and says so", () => {
  /** What saving these weights with this metadata throws. */
  async function refusal(layers: Layer[], metadata: object, spoil?: (weights: NamedTensor[]) => void) {
    const own = sequential(layers);
    await own.compile({ threads: 1 });
    try {
      const weights = own.getWeights();
      spoil?.(weights);
      own.setWeights(weights);
      saveModel(own, metadata);
    } catch (error) {
      if (error instanceof ModelFileError) return { code: error.code, message: error.message };
      throw error;
    } finally {
      own.dispose();
    }
    throw new Error("it was saved");
  }
  const layers = () => [dense({ units: 3, inputShape: [2], activation: "softmax" })];
  const head = "saveModel: loadModel() would refuse the file: ";

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("a weight of %f", async (value) => {
    const error = await refusal(layers(), {}, (weights) => {
      weights[0]!.data[4] = value;
    });
    expect(error).toEqual({
      code: "weights",
      message: `${head}the model file's weights do not fit: 'dense/kernel' holds ${value} at index 4, expected finite numbers. Set finite weights with model.setWeights() before`,
    });
  });

  test("names of another number of classes, and of none", async () => {
    const names = await refusal(layers(), { classNames: ["a", "b"] });
    expect(names).toEqual({
      code: "metadata",
      message: `${head}the model file names 2 classes, but its model has 3 outputs`,
    });
    expect(await refusal(layers(), { classNames: [] })).toMatchObject({ code: "metadata" });
  });

  test("preprocessing beyond f32", async () => {
    const error = await refusal(layers(), { preprocessing: { scale: 1e308, offset: 0 } });
    expect(error.code).toBe("metadata");
    expect(error.message).toMatch(/^saveModel: .*beyond the range of f32/);
  });

  test("a layer of a type that no file can name", async () => {
    const error = await refusal([{ ...layers()[0]!, type: "own" }], {});
    expect(error.code).toBe("architecture");
    expect(error.message).toMatch(/^saveModel: .*own/);
  });

  test("metadata longer than a header may be", async () => {
    const error = await refusal(layers(), { dataset: "x".repeat(1e7) });
    expect(error.code).toBe("not-safetensors");
    expect(error.message).toMatch(/^saveModel: .*take 10,000,\d\d\d bytes, expected at most 10,000,000/);
  });
});

test.each([5, "model", null, undefined, {}])("saveModel of %j is refused in words", (given) => {
  expect(() => saveModel(given as never)).toThrow(/^saveModel: got .*, expected a compiled model\. Write: /);
});

describe("hashes", () => {
  /** The code and message with which the bytes are refused; undefined where they are loaded. */
  const refusal = (bytes: Uint8Array) => {
    try {
      readModel(bytes);
      return undefined;
    } catch (error) {
      if (error instanceof ModelFileError) return { code: error.code, message: error.message };
      throw error;
    }
  };
  const unseal = ({ weightsSha256: _, metadataSha256: __, ...rest }: Record<string, string>) => rest;

  test("are in the file: of the weights, as the model tells them, and of every entry of the metadata", async () => {
    expect(metadata.weightsSha256).toBe(await model.weightsSha256());
    const { keys, sha256 } = JSON.parse(metadata.metadataSha256!);
    expect(keys).toEqual(Object.keys(metadata).filter((key) => key !== "metadataSha256"));
    const text = JSON.stringify(keys.map((key: string) => [key, metadata[key]]));
    expect(sha256).toBe(createHash("sha256").update(text).digest("hex"));
  });

  test("refuse a file in which any one bit was changed", () => {
    const loaded: string[] = [];
    for (let at = 0; at < file.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const changed = file.slice();
        changed[at]! ^= 1 << bit;
        if (!refusal(changed)) loaded.push(`byte ${at}, bit ${bit}`);
      }
    expect(loaded).toEqual([]);
  });

  test("say what is damaged: the weights", () => {
    const changed = file.slice();
    changed[file.length - 4]! ^= 1;
    expect(refusal(changed)).toMatchObject({
      code: "damaged",
      message: expect.stringMatching(
        /is damaged: the SHA-256 of its weights is [\da-f]{64}, not what it says\. Get it/,
      ),
    });
  });

  test.each([
    ["an entry that differs", { dataset: '"dogs"' }, /the SHA-256 of its metadata/],
    ["an entry that is lost", { dataset: undefined }, /the SHA-256 of its metadata/],
    ["no hash of the weights", { weightsSha256: undefined }, /has metadataSha256, but no weightsSha256/],
    ["no hash of the metadata", { metadataSha256: undefined }, /has weightsSha256, but no metadataSha256/],
    ["a hash that is no JSON", { metadataSha256: "{" }, /no list of keys/],
    ["keys that are none", { metadataSha256: '{"keys":3,"sha256":""}' }, /no list of keys/],
    ["keys without the weights' hash", { metadataSha256: '{"keys":[],"sha256":""}' }, /no list of keys/],
  ])("refuse %s", (_, changes, message) => {
    const entries = Object.entries({ ...metadata, ...changes }).filter(([, value]) => value !== undefined);
    const changed = encodeSafetensors(tensors, Object.fromEntries(entries) as Record<string, string>);
    expect(refusal(changed)).toMatchObject({ code: "damaged", message: expect.stringMatching(message) });
  });

  test("may be missing, as in files of older versions", () => {
    expect(readModel(encodeSafetensors(tensors, unseal(metadata))).metadata).toEqual(METADATA);
  });

  test("do not depend on the order in which another tool wrote the tensors", () => {
    expect(readModel(encodeSafetensors([...tensors].reverse(), metadata)).metadata).toEqual(METADATA);
  });
});

describe("refuses", () => {
  const layers = (...list: object[]) => JSON.stringify({ layers: list });
  const cases: [
    name: string,
    metadata: Record<string, string | undefined>,
    code: ModelFileErrorCode,
    message: RegExp,
  ][] = [
    ["another tool's file", { format: "pt" }, "not-wasmgrad", /format "pt", expected "wasmgrad"/],
    ["no format", { format: undefined }, "not-wasmgrad", /format undefined/],
    [
      "a later version",
      { formatVersion: String(MODEL_FORMAT_VERSION + 1) },
      "version",
      /use a later wasmgrad/,
    ],
    ["a version that is none", { formatVersion: "new" }, "metadata", /"new", expected a whole number/],
    ["no architecture", { architecture: undefined }, "metadata", /architecture/],
    ["an architecture that is no JSON", { architecture: "{" }, "metadata", /architecture is no JSON/],
    [
      "an architecture with a key twice",
      { architecture: '{"layers":[{"type":"dense","units":3,"units":4,"inputShape":[2]}]}' },
      "metadata",
      /architecture is no JSON: an object has the key "units" twice/,
    ],
    ["an architecture that is a list", { architecture: "[]" }, "metadata", /architecture/],
    ["no layers", { architecture: layers() }, "architecture", /makes no model/],
    ["an unknown layer", { architecture: layers({ type: "lstm" }) }, "architecture", /lstm/],
    [
      "an unknown option",
      { architecture: layers({ type: "dense", units: 1, size: 2 }) },
      "architecture",
      /size/,
    ],
    ["no input shape", { architecture: layers({ type: "dense", units: 1 }) }, "architecture", /inputShape/],
    [
      "a scale that is no number",
      { preprocessing: '{"scale":"1","offset":0}' },
      "metadata",
      /preprocessing\.scale/,
    ],
    [
      "an infinite scale",
      { preprocessing: '{"scale":1e999,"offset":0}' },
      "metadata",
      /preprocessing\.scale/,
    ],
    [
      "a scale beyond f32",
      { preprocessing: '{"scale":1e308,"offset":0}' },
      "metadata",
      /preprocessing: scale 1e\+308 and offset 0 take a pixel of 255 beyond the range of f32/,
    ],
    ["a class that is no text", { classNames: '["a",2,"c"]' }, "metadata", /classNames\.1/],
    ["too few classes", { classNames: '["a"]' }, "metadata", /names 1 class, but its model has 3 outputs/],
    ["an unknown loss", { loss: '"triplet"' }, "metadata", /loss/],
    ["a range of one number", { range: "[1]" }, "metadata", /range/],
    ["a background beyond white", { background: "2" }, "metadata", /background/],
  ];
  test.each(cases)("%s", (_, changes, code, message) => {
    const error = failure({ metadata: changes });
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test("tensors that are not the model's", () => {
    const bias = tensors.findIndex(({ shape }) => shape.length === 1);
    const replaced = (change: Partial<NamedTensor>) =>
      tensors.map((t, i) => (i === bias ? { ...t, ...change } : t));
    const size = tensors[bias]!.data.length;
    for (const [list, message] of [
      [tensors.slice(1), /is missing/],
      [[...tensors, { ...tensors[0]!, name: "extra" }], /'extra' is no parameter/],
      [replaced({ shape: [size + 1], data: new Float32Array(size + 1) }), /has shape \[3\], expected \[2\]/],
      [replaced({ data: new Float32Array(size).fill(Number.NaN) }), /holds NaN at index 0/],
      [replaced({ data: new Float32Array(size).fill(Number.NEGATIVE_INFINITY) }), /holds -Infinity/],
    ] as const) {
      const error = failure({ tensors: [...list] });
      expect(error.code).toBe("weights");
      expect(error.message).toMatch(message);
    }
  });

  describe("what is a million characters long, in an error of a few lines:", () => {
    const long = "x".repeat(1e6);
    const numbers = Array.from({ length: 2e5 }, () => 1);
    const head = { type: "dense", units: 3, inputShape: [2] };
    const many = Object.fromEntries(numbers.map((_, i) => [`k${i}`, 1]));
    const cases: [name: string, metadata: Record<string, string>, tensors?: NamedTensor[]][] = [
      ["format", { format: long }],
      ["formatVersion", { formatVersion: long }],
      ["a text that is no JSON", { dataset: long }],
      ["a key that is there twice", { architecture: `{"${long}":1,"${long}":2}` }],
      ["loss", { loss: JSON.stringify(long) }],
      ["preprocessing", { preprocessing: JSON.stringify({ scale: long, offset: long }) }],
      ["an entry of preprocessing", { preprocessing: JSON.stringify({ scale: 1, offset: 1, [long]: 1 }) }],
      ["entries of preprocessing", { preprocessing: JSON.stringify({ scale: 1, offset: 1, ...many }) }],
      ["class names that are none", { classNames: JSON.stringify(numbers) }],
      ["a model's option", { architecture: JSON.stringify({ [long]: 1, layers: [head] }) }],
      ["a type", { architecture: layers({ type: long }) }],
      ["an option", { architecture: layers({ ...head, [long]: 1 }) }],
      [
        "an option of a type that is none",
        { architecture: layers({ ...head, type: "denses", [long]: long }) },
      ],
      ["options of a type that is none", { architecture: layers({ ...head, type: "denses", ...many }) }],
      ["a value", { architecture: layers({ ...head, activation: long }) }],
      [
        "a name that is there twice",
        { architecture: layers({ ...head, name: long }, { ...head, name: long }) },
      ],
      [
        "a name of a layer that does not fit",
        { architecture: layers(head, { type: "softmax", name: long }) },
      ],
      [
        "a name of a layer whose input does not fit",
        { architecture: layers({ ...head, inputShape: [2, 2, 2], name: long }) },
      ],
      ["an input shape", { architecture: layers({ ...head, inputShape: numbers }) }],
      ["input shapes", { architecture: layers(head, { type: "flatten", inputShape: numbers }) }],
      ["a missing tensor's name", { architecture: layers({ ...head, name: long }) }],
      ["a tensor's name", {}, [...tensorsOf(), { name: long, shape: [1], data: new Float32Array(1) }]],
      [
        "a tensor's shape",
        {},
        tensorsOf().map((t, i) => (i === 0 ? { ...t, shape: [...t.shape, ...numbers] } : t)),
      ],
    ];
    test.each(cases)("%s", (_, changes, own) => {
      const { message } = failure({ metadata: changes, ...(own && { tensors: own }) });
      expect(message.length).toBeLessThan(1200);
    });

    test("a tensor whose numbers are not finite", () => {
      const bad = [
        { name: `${long}/kernel`, shape: [2, 3], data: new Float32Array(6).fill(Number.NaN) },
        { name: `${long}/bias`, shape: [3], data: new Float32Array(3) },
      ];
      const { message } = failure({
        metadata: { architecture: layers({ ...head, name: long }), classNames: '["a","b","c"]' },
        tensors: bad,
      });
      expect(message).toMatch(/'x+…' holds NaN at index 0/);
      expect(message.length).toBeLessThan(1200);
    });
  });

  test("any damage of its bytes, or loads a whole model", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(file.length),
        (changes, length) => {
          const damaged = file.slice(0, length < 8 ? file.length : length);
          for (const [at, byte] of changes) if (at < damaged.length) damaged[at] = byte;
          try {
            const loaded = readModel(damaged);
            expect(loaded.tensors).toHaveLength(4);
          } catch (error) {
            if (!(error instanceof ModelFileError)) throw error;
          }
        },
      ),
      { numRuns: 2000, seed: 1 },
    );
  });
});
