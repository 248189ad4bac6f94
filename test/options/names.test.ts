import fc from "fast-check";
import { describe, expect, test } from "vitest";
import "../../src/options/other-names.ts";
import { adviceOn, nearest } from "../../src/options/names.ts";

const LAYERS = ["conv2d", "dense", "maxPooling2d", "averagePooling2d", "globalAveragePooling2d", "flatten"];
const CONV = ["filters", "kernelSize", "strides", "padding", "dilationRate", "activation", "useBias", "name"];
const FIT = ["epochs", "batchSize", "validationSplit", "validationData", "shuffle", "callbacks", "signal"];
const LOSSES = [
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "binaryCrossentropy",
  "meanSquaredError",
];

describe("nearest", () => {
  test.each<[string, readonly string[], string]>([
    // Conventions.
    ["kernel_size", CONV, "kernelSize"],
    ["KERNEL-SIZE", CONV, "kernelSize"],
    ["Conv2D", LAYERS, "conv2d"],
    ["MaxPooling2D", LAYERS, "maxPooling2d"],
    ["categorical_crossentropy", LOSSES, "categoricalCrossentropy"],
    ["sparse_categorical_crossentropy", LOSSES, "sparseCategoricalCrossentropy"],
    ["batch_size", FIT, "batchSize"],
    ["validation_split", FIT, "validationSplit"],
    // What others call it.
    ["MaxPool2d", LAYERS, "maxPooling2d"],
    ["nn.AvgPool2d", LAYERS, "averagePooling2d"],
    ["Linear", LAYERS, "dense"],
    ["out_channels", CONV, "filters"],
    ["stride", CONV, "strides"],
    ["mse", LOSSES, "meanSquaredError"],
    ["bce", LOSSES, "binaryCrossentropy"],
    ["bs", FIT, "batchSize"],
    // Slips of the finger.
    ["fliters", CONV, "filters"],
    ["epoch", FIT, "epochs"],
    ["batchsiez", FIT, "batchSize"],
    ["kernalSize", CONV, "kernelSize"],
  ])("%s", (name, names, expected) => {
    expect(nearest(name.replace("nn.", ""), names)).toBe(expected);
  });

  test.each(["resume", "patience", "x", "", "foo", "constructor", "__proto__", "trainable", "1234567890"])(
    "%s is near none of them",
    (name) => {
      expect(nearest(name, ["recipe", "train", ...CONV, ...FIT])).toBeUndefined();
    },
  );

  test("one slip in a name of five letters or more is seen through, whichever it is", () => {
    const names = [...CONV, ...FIT, ...LAYERS].filter((name) => name.length >= 5);
    const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz");
    const slip = fc
      .tuple(fc.constantFrom(...names), fc.nat(), letter, fc.constantFrom("drop", "swap", "insert", "change"))
      .map(([name, at, other, kind]) => {
        const i = at % (name.length - 1);
        const [before, rest] = [name.slice(0, i), name.slice(i)];
        if (kind === "drop") return { name, typed: before + rest.slice(1) };
        if (kind === "swap") return { name, typed: before + rest[1] + rest[0] + rest.slice(2) };
        return { name, typed: before + other + (kind === "insert" ? rest : rest.slice(1)) };
      });
    fc.assert(fc.property(slip, ({ name, typed }) => nearest(typed, names) === name));
  });

  test("takes no time over a name of a megabyte", () => {
    expect(nearest("x".repeat(1e6), CONV)).toBeUndefined();
    expect(adviceOn("x".repeat(1e6), CONV).length).toBeLessThan(200);
  });
});

describe("adviceOn", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["class_weight", CONV, /^it belongs into model\.fit\(train, /],
    ["sample_weights", ["sampleWeight", "epochs"], /^did you mean sampleWeight\?$/],
    ["trainable", CONV, /^layers take it: dense\(/],
    ["patience", FIT, /^callbacks: earlyStopping\(\{ patience: 3 \}\) does it$/],
    ["verbose", FIT, /onEpochEnd/],
    ["in_channels", CONV, /inputShape$/],
    ["learning_rate", ["optimizer", "loss"], /^it belongs into adam\(\{ learningRate: 0.001 \}\)$/],
    ["lr", FIT, /^it belongs into adam\(/],
    ["epochs", ["optimizer", "loss"], /^it belongs into model.fit\(train, /],
    ["loss", FIT, /^it belongs into model.compile\(/],
    ["foo", ["a", "b"], /^expected a, b$/],
    ["foo", [], /^expected none$/],
  ])("%s", (name, names, advice) => {
    expect(adviceOn(name, names)).toMatch(advice);
  });
});
