import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { accuracyRange, lossRange } from "../../src/element/curve.ts";
import { buildModel } from "../../src/element/model.ts";
import { ATTRIBUTES, AttributeError, readSettings } from "../../src/element/settings.ts";

const read = (attributes: Record<string, string> = {}) => readSettings((name) => attributes[name] ?? null);

describe("attributes", () => {
  it("have the command line's defaults, but three epochs", () => {
    expect(read()).toEqual({
      dataset: "digits",
      train: undefined,
      test: undefined,
      model: { kind: "name", name: "keras-mnist" },
      epochs: 3,
      batchSize: 32,
      validationSplit: 0.2,
      optimizer: "adam",
      learningRate: undefined,
      loss: "categoricalCrossentropy",
      seed: 1,
      threads: undefined,
      backend: "auto",
      workerUrl: undefined,
    });
  });

  it("are read, blanks around them ignored; an empty one counts as absent", () => {
    const settings = read({
      data: " mnist ",
      train: "1000",
      test: "500",
      model: "lenet5",
      epochs: "12",
      "batch-size": "64",
      "validation-split": "0",
      optimizer: "sgd",
      "learning-rate": "1e-2",
      loss: "binaryCrossentropy",
      seed: "0",
      threads: "4",
      backend: "relaxed",
      "worker-url": "worker.js",
    });
    expect(settings).toMatchObject({ dataset: "mnist", train: 1000, test: 500, epochs: 12, batchSize: 64 });
    expect(settings).toMatchObject({ model: { kind: "name", name: "lenet5" }, validationSplit: 0, seed: 0 });
    expect(settings).toMatchObject({ optimizer: "sgd", learningRate: 0.01, loss: "binaryCrossentropy" });
    expect(settings).toMatchObject({ threads: 4, backend: "relaxed", workerUrl: "worker.js" });
    expect(read({ epochs: "", data: "  " })).toMatchObject({ epochs: 3, dataset: "digits" });
    expect(Object.keys(settings)).toHaveLength(ATTRIBUTES.length);
  });

  it("may be spelled as HTML spells their properties", () => {
    const settings = read({ batchsize: "64", validationsplit: "0", learningrate: "0.1", workerurl: "w.js" });
    expect(settings).toMatchObject({
      batchSize: 64,
      validationSplit: 0,
      learningRate: 0.1,
      workerUrl: "w.js",
    });
    expect(read({ batchsize: "64", "batch-size": "16" }).batchSize).toBe(16);
    expect(() => read({ batchsize: "many" })).toThrow('the attribute batch-size is "many"');
  });

  it("take what data was called first, dataset, where there is no data", () => {
    expect(read({ dataset: "mnist" }).dataset).toBe("mnist");
    expect(read({ dataset: "mnist", data: "kmnist" }).dataset).toBe("kmnist");
  });

  it.each([
    ["epochs", "three", "a whole number from 1 to 1,000,000"],
    ["epochs", "0", "a whole number"],
    ["epochs", "2.5", "a whole number"],
    ["epochs", "0x10", "a whole number"],
    ["batch-size", "-1", "a whole number from 1"],
    ["seed", "1e3", "a whole number from 0"],
    ["threads", "257", "from 1 to 256"],
    ["data", "mnits", "one of mnist, fashion-mnist, kmnist, digits"],
    ["data", "constructor", "one of mnist"],
    ["model", "resnet", "one of keras-mnist, lenet5"],
    ["model", "toString", "one of keras-mnist"],
    ["model", '{"layers":', "valid JSON ("],
    ["optimizer", "Adam", "one of sgd, rmsprop, adam, adamw"],
    ["learning-rate", "-0.1", "a number of 0 or more, such as 0.001"],
    ["learning-rate", "Infinity", "a number of 0 or more"],
    ["loss", "mse", "one of categoricalCrossentropy"],
    ["validation-split", "1", "a number from 0 to below 1"],
    ["backend", "gpu", "one of auto, scalar, simd, wide, relaxed, relaxed-wide"],
  ])('%s="%s" is refused: name, what was got and what was expected', (name, value, expected) => {
    let error: unknown;
    try {
      read({ [name]: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AttributeError);
    expect((error as AttributeError).attribute).toBe(name);
    expect((error as Error).message).toContain(`the attribute ${name} is "${value}", expected `);
    expect((error as Error).message).toContain(expected);
  });

  it("shortens a value that would fill the page", () => {
    expect(() => read({ model: "x".repeat(5000) })).toThrow(/^.{0,250}$/);
  });

  it("take a model as JSON or as the address of a file", () => {
    expect(read({ model: '[{"type": "flatten"}]' }).model).toEqual({
      kind: "config",
      config: [{ type: "flatten" }],
    });
    expect(read({ model: "models/my.json" }).model).toEqual({ kind: "url", url: "models/my.json" });
    expect(read({ model: "https://example.org/m" }).model).toMatchObject({ kind: "url" });
  });
});

describe("models", () => {
  const input = { shape: [28, 28, 1], classes: 10 };
  const layers = [{ type: "flatten" }, { type: "dense", units: 10, activation: "softmax" }];

  it("get the images' shape where they leave it out", () => {
    for (const config of [layers, { layers }, { name: "tiny", layers }]) {
      const model = buildModel({ kind: "config", config }, input);
      expect(model.inputShape).toEqual([28, 28, 1]);
      expect(model.countParams()).toBe(7850);
    }
    expect(buildModel({ kind: "config", config: { name: "tiny", layers } }, input).name).toBe("tiny");
    expect(buildModel({ kind: "name", name: "lenet5" }, input).countParams()).toBe(61_706);
  });

  it.each([
    [
      [{ type: "flatten", inputShape: [32, 32, 3] }, layers[1]],
      "inputShape 32x32x3, but the images are 28x28x1",
    ],
    [
      [layers[0], { type: "dense", units: 7, activation: "softmax" }],
      "gives 7 outputs, but the dataset has 10",
    ],
    [[{ type: "conv3d" }], "no layer type has that name"],
    [{ layers: [] }, "the model file does not fit"],
    [[{ type: "dense", units: "many" }], "units"],
  ])("that do not fit are refused: %j", (config, message) => {
    expect(() => buildModel({ kind: "config", config }, input)).toThrow(message);
  });
});

describe("axes", () => {
  it("of the loss start at 0 and end at a round number that all but a few values are below", () => {
    expect(lossRange([])).toEqual([0, 1]);
    expect(lossRange([0.7, 0.3])).toEqual([0, 1]);
    expect(lossRange([0.13])).toEqual([0, 0.2]);
    expect(lossRange([4.1, 3])).toEqual([0, 5]);
    expect(lossRange([...Array.from({ length: 99 }, () => 0.4), 90])).toEqual([0, 0.5]);
    expect(lossRange([0])).toEqual([0, 1]);
  });

  it("of the accuracy end at 1 and start at a tenth below most values", () => {
    expect(accuracyRange([])[1]).toBe(1);
    expect(accuracyRange([0.97, 0.98, 0.99])).toEqual([0.9, 1]);
    expect(accuracyRange(Array.from({ length: 100 }, (_, i) => (i < 5 ? 0.1 : 0.75)))).toEqual([0.7, 1]);
    expect(accuracyRange([0.34, 0.2])).toEqual([0.2, 1]);
  });
});

describe("docs/element.md", () => {
  const docs = readFileSync(new URL("../../docs/element.md", import.meta.url), "utf8");
  const folder = new URL("../../src/element/", import.meta.url);
  const sources = readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  /** What stands in backquotes, and in blocks of code. */
  const named = (text: string) => docs.includes(`\`${text}\``) || docs.includes(`  ${text}:`);

  it("names every attribute, part and colour, and none that is not there", () => {
    const parts = [...sources.matchAll(/part: "([^"]+)"/g)].flatMap(([, names]) => names!.split(" "));
    const properties = [...sources.matchAll(/var\((--wasmgrad-[a-z-]+),/g)].map(([, name]) => name!);
    expect(parts.length).toBeGreaterThan(15);
    expect(properties.length).toBeGreaterThan(10);
    for (const name of [...ATTRIBUTES, ...parts, ...properties, "autostart"])
      expect(named(name), name).toBe(true);
    const listed = /^Parts: ([^.]+)\./m.exec(docs)![1]!.match(/[a-z-]+/g)!;
    expect(listed.toSorted()).toEqual([...new Set(parts)].toSorted());
    for (const [name] of docs.matchAll(/--wasmgrad-[a-z-]+/g)) expect(properties).toContain(name);
  });
});

describe("the module", () => {
  it("loads where there are no elements, as on a server that renders pages", async () => {
    const { WasmgradTrainer } = await import("../../src/element/index.ts");
    expect(WasmgradTrainer.observedAttributes).toEqual(expect.arrayContaining([...ATTRIBUTES, "dataset"]));
  });
});
