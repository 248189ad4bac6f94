import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MODELS } from "../../src/model/models.ts";
import { modelFromConfig } from "../../src/train/functional.ts";
import { createModel } from "../../src/train/named.ts";
import {
  canTake,
  detours,
  insertLayer,
  isChain,
  layersOfConfig,
  modelConfig,
  placeToVary,
  removeLayer,
  rewiredInWords,
  rewireLayer,
  sourcesOf,
  swapLayers,
  unread,
} from "../../src/web/state/branches.ts";
import { LAYER_TYPES, type LayerSpec } from "../../src/web/state/layers.ts";
import { fromFragment, toFragment } from "../../src/web/state/link.ts";
import { buildModel, namedLayers, rowsBefore } from "../../src/web/state/model.ts";
import { CUSTOM, DEFAULTS, runConfig } from "../../src/web/state/settings.ts";

const SHAPE = [28, 28, 1];
const task = { name: "m", inputShape: SHAPE, classes: 10, loss: "categoricalCrossentropy" } as const;
const conv = (filters = 4, more: object = {}): LayerSpec => ({
  type: "conv2d",
  filters,
  kernelSize: 3,
  padding: "same",
  ...more,
});
const relu = { type: "relu" };
const head = [{ type: "globalAveragePooling2d" }, { type: "dense", units: 10, activation: "softmax" }];
/** 1 conv, 2 relu, 3 conv, 4 add of 3 and 1, 5 pooled, 6 dense. */
const residual: readonly LayerSpec[] = [conv(), relu, conv(), { type: "add", from: [3, 1] }, ...head];
/** What each layer takes. */
const wiring = (layers: readonly LayerSpec[]) =>
  layers.map(({ type }, at) => `${type} ${sourcesOf(layers, at).join("+")}`);
const graphs = Object.keys(MODELS).filter((name) => "graph" in MODELS[name]!);

describe("models with branches", () => {
  test.each(graphs)("%s opens in the editor, and is the model of that name again", (name) => {
    const layers = namedLayers(name, SHAPE, 10);
    expect(isChain(layers)).toBe(false);
    const named = createModel(name, SHAPE, 10).toConfig();
    const { model } = buildModel(layers, { ...task, name });
    expect({ ...model!.toConfig(), name: "" }).toEqual({ ...named, name: "" });
    expect(layersOfConfig(model!.toConfig())).toEqual(layers);
    // An address holds it, and so does a run as plain data.
    const settings = { ...DEFAULTS, model: CUSTOM, layers };
    expect(fromFragment(toFragment(settings, "train"))).toEqual({ settings, tab: "train", unknown: [] });
    expect(fromFragment(toFragment({ ...DEFAULTS, model: name }, "train")).settings.model).toBe(name);
    const run = encodeURIComponent(JSON.stringify(runConfig(settings)));
    expect(fromFragment(`run=${run}`)).toEqual({ settings, tab: "train", unknown: [] });
    expect(fromFragment(`run={"model":"${name}"}`).settings.model).toBe(name);
    // A name of more than what the images are is told.
    expect(rowsBefore(layers, SHAPE)).toHaveLength(layers.length);
  });

  test("of several inputs, or with a layer that is called again, have no place in the editor", () => {
    const shared = {
      inputs: ["input"],
      outputs: ["add"],
      layers: [
        { type: "input", name: "input", shape: [3] },
        { type: "dense", name: "dense", units: 3, from: ["input"] },
        { type: "dense", again: "dense", from: ["dense"] },
        { type: "add", name: "add", from: ["dense", "dense:2"] },
      ],
    };
    expect(layersOfConfig(modelFromConfig(shared).toConfig())).toBeUndefined();
    expect(fromFragment(`run=${encodeURIComponent(JSON.stringify({ model: shared }))}`).unknown).toHaveLength(
      1,
    );
    const [input, , , ...rest] = shared.layers;
    const two = [input!, { type: "input", name: "b", shape: [3] }, { ...rest[0]!, from: ["input", "b"] }];
    expect(
      layersOfConfig({ inputs: ["input", "b"], outputs: ["add"], layers: two as never }),
    ).toBeUndefined();
  });

  test.each([
    "add:from=1x2",
    "conv2d:filters=1,kernelSize=3;relu:from=1x0",
    "relu:from=",
    "relu:from=0x",
    "relu:from=-1",
  ])("an address with layers=%s is told", (layers) => {
    expect(fromFragment(`layers=${layers}`)).toMatchObject({
      settings: DEFAULTS,
      unknown: [`layers=${layers}`],
    });
  });
});

describe("faults of branches are told at their layer, with what to do", () => {
  test.each<[string, readonly LayerSpec[], number, string]>([
    [
      "channels",
      [conv(), conv(8), { type: "add", from: [2, 1] }, ...head],
      2,
      "Layer 3 (Add) takes shapes that do not go together: 28×28×8 from 2. Convolution, 28×28×4 from 1. Convolution. Behind 2. Convolution, a convolution of 4 filters with kernel size 1 makes it fit; or choose other inputs.",
    ],
    [
      "sizes",
      [conv(), conv(8, { strides: 2 }), { type: "add", from: [2, 1] }, ...head],
      2,
      "Layer 3 (Add) takes shapes that do not go together: 14×14×8 from 2. Convolution, 28×28×4 from 1. Convolution. Behind 1. Convolution, a convolution of 8 filters with kernel size 1 and strides 2 makes it fit; or choose other inputs.",
    ],
    [
      "sizes that no strides lead to",
      [conv(), { ...conv(8), padding: "valid" }, { type: "concatenate", from: [2, 1] }, ...head],
      2,
      "Give both the same height and width, by padding “same” or the same strides; or choose other inputs.",
    ],
    [
      "kinds",
      [conv(), { type: "flatten" }, { type: "concatenate", from: [2, 1] }, ...head],
      2,
      "Let both be images, or both lists of numbers: flatten or pool the one that is an image; or choose other inputs.",
    ],
    [
      "one input",
      [conv(), { type: "add" }, ...head],
      1,
      "Layer 2 (Add) takes one input, and brings two or more together: add another, or remove the layer.",
    ],
    [
      "a layer that none takes",
      [conv(), conv(), { ...relu, from: [1] }, ...head],
      1,
      "Layer 2 (Convolution) leads nowhere: no layer takes what it gives. Choose it as an input of a later one, or remove it.",
    ],
    [
      "an option",
      [conv(), { ...conv(0), from: [0] }, { type: "add", from: [1, 2] }, ...head],
      1,
      "Layer 2 (Convolution), Filters",
    ],
    [
      "a name that no layer has",
      [
        conv(),
        { ...conv(), from: [0], kernelSize: 40, padding: "valid" },
        { type: "add", from: [1, 2] },
        ...head,
      ],
      1,
      "Layer 'conv2d_1'",
    ],
    [
      "what the last gives",
      [...residual.slice(0, 4), { type: "flatten" }],
      4,
      "but the dataset has 10 classes",
    ],
  ])("%s", (_, layers, layer, problem) => {
    const built = buildModel(layers, task);
    expect(built).toMatchObject({ layer });
    expect(built.problem).toContain(problem);
  });

  test("what the advice says makes it fit", () => {
    const mended = insertLayer([conv(), conv(8, { strides: 2 }), { type: "add", from: [2, 1] }, ...head], 2, {
      ...conv(8, { kernelSize: 1, strides: 2 }),
    });
    const rewired = rewireLayer(rewireLayer(mended, 2, [1]), 3, [2, 3]);
    expect(wiring(rewired).slice(0, 4)).toEqual(["conv2d 0", "conv2d 1", "conv2d 1", "add 2+3"]);
    expect(buildModel(rewired, task).problem).toBeUndefined();
  });

  test("shapes are shown of all that does not depend on the fault", () => {
    const layers = [conv(), conv(8), { type: "add", from: [2, 1] }, relu, conv(2, { from: [1] })];
    const shapes = rowsBefore(layers, SHAPE).map((row) => row?.outputShape.join("×"));
    expect(shapes).toEqual(["28×28×4", "28×28×8", undefined, undefined, "28×28×2"]);
  });
});

describe("edits keep what takes what", () => {
  test("a layer that is put in the line is taken by the one behind it", () => {
    expect(wiring(insertLayer(residual, 3, relu))).toEqual([
      "conv2d 0",
      "relu 1",
      "conv2d 2",
      "relu 3",
      "add 4+1",
      "globalAveragePooling2d 5",
      "dense 6",
    ]);
    const branch = [conv(), conv(), conv(4, { from: [1] }), { type: "add", from: [3, 2] }];
    // At the end of a branch: what is behind it begins another.
    expect(wiring(insertLayer(branch, 2, relu))).toEqual([
      "conv2d 0",
      "conv2d 1",
      "relu 2",
      "conv2d 1",
      "add 4+2",
    ]);
    expect(wiring(insertLayer(branch, 3, { type: "add" }, { others: [2] })).slice(3)).toEqual([
      "add 3+2",
      "add 4+2",
    ]);
  });

  test("a layer that varies pictures is taken by all that took the image", () => {
    const two = [conv(), conv(4, { from: [0] }), { type: "add", from: [1, 2] }, ...head];
    const flip = { type: "randomFlip" };
    expect(wiring(insertLayer(two, 0, flip, { forAll: true })).slice(0, 4)).toEqual([
      "randomFlip 0",
      "conv2d 1",
      "conv2d 1",
      "add 2+3",
    ]);
    expect(placeToVary([])).toBe(0);
    expect(placeToVary([flip, { type: "mixUp" }, conv(), flip])).toBe(2);
    expect(placeToVary([flip, { ...flip, from: [0] }, conv()])).toBe(1);
  });

  test("those that took a layer that is removed take what it took", () => {
    expect(removeLayer(residual, 1)).toMatchObject({ rewired: [] });
    const skip = removeLayer(residual, 0);
    expect(wiring(skip.layers)).toEqual([
      "relu 0",
      "conv2d 1",
      "add 2+0",
      "globalAveragePooling2d 3",
      "dense 4",
    ]);
    expect(rewiredInWords(skip)).toBe("3. Add now takes 2. Convolution and the image.");
    expect(rewiredInWords({ layers: [], rewired: [] })).toBeUndefined();
    // Of one that merges, the first.
    expect(wiring(removeLayer(residual, 3).layers)).toEqual([
      "conv2d 0",
      "relu 1",
      "conv2d 2",
      "globalAveragePooling2d 3",
      "dense 4",
    ]);
    // Nothing is added to itself for that.
    const short = [conv(), relu, { type: "add", from: [2, 1] }, ...head];
    expect(wiring(removeLayer(short, 1).layers).slice(0, 2)).toEqual(["conv2d 0", "add 1"]);
  });

  test("layers in each other's place are so along the branch", () => {
    expect(wiring(swapLayers(residual, 1).layers).slice(0, 4)).toEqual([
      "conv2d 0",
      "conv2d 1",
      "relu 2",
      "add 3+1",
    ]);
    // What was added from the first place is added from there.
    const early = swapLayers(residual, 0);
    expect(wiring(early.layers).slice(0, 4)).toEqual(["relu 0", "conv2d 1", "conv2d 2", "add 3+1"]);
    expect(rewiredInWords(early)).toBe("4. Add now takes 3. Convolution and 1. ReLU.");
    // And back again.
    for (const [at] of residual.slice(1).entries())
      expect(swapLayers(swapLayers(residual, at).layers, at).layers, `${at}`).toEqual(residual);
    const up = swapLayers(residual, 2);
    expect(wiring(up.layers).slice(0, 5)).toEqual([
      "conv2d 0",
      "relu 1",
      "add 2+1",
      "conv2d 3",
      "globalAveragePooling2d 4",
    ]);
    const behind = swapLayers(insertLayer(residual, 4, relu), 3);
    expect(wiring(behind.layers).slice(2, 6)).toEqual([
      "conv2d 2",
      "relu 3",
      "add 4+1",
      "globalAveragePooling2d 5",
    ]);
    // Beginnings of branches change their numbers alone.
    const apart = [conv(), conv(), conv(8, { from: [1] }), { type: "concatenate", from: [3, 2] }];
    expect(wiring(swapLayers(apart, 1).layers)).toEqual([
      "conv2d 0",
      "conv2d 1",
      "conv2d 1",
      "concatenate 2+3",
    ]);
    expect(swapLayers(apart, 1).layers[1]).toMatchObject({ filters: 8 });
  });

  test("of any kind leave a list in which each layer takes some before it, and a chain stays one", () => {
    const types = Object.keys(LAYER_TYPES);
    const list = fc
      .array(fc.tuple(fc.constantFrom(...types), fc.array(fc.nat({ max: 30 }), { maxLength: 3 })), {
        minLength: 2,
        maxLength: 9,
      })
      .map((drawn) =>
        drawn.map(([type, taken], at): LayerSpec => {
          const from = taken.map((number) => number % (at + 1)).slice(0, LAYER_TYPES[type]!.merges ? 3 : 1);
          return from.length === 0 || (from.length === 1 && from[0] === at) ? { type } : { type, from };
        }),
      );
    fc.assert(
      fc.property(list, fc.nat(), fc.constantFrom(...types), (layers, drawn, type) => {
        const at = drawn % (layers.length - 1);
        const edits = [
          insertLayer(layers, at, { type }),
          removeLayer(layers, at).layers,
          swapLayers(layers, at).layers,
        ];
        for (const edited of edits) {
          expect(edited.every((_, i) => canTake(edited, i) || sourcesOf(edited, i).length > 1)).toBe(true);
          if (isChain(layers)) expect(isChain(edited)).toBe(true);
        }
        expect(swapLayers(swapLayers(layers, at).layers, at).layers).toHaveLength(layers.length);
      }),
    );
  });
});

test("what goes past layers has a lane beside them, the same one again where it is free", () => {
  expect(detours(residual)).toEqual([{ lane: 1, from: 1, to: [4] }]);
  expect(detours([conv(), relu])).toEqual([]);
  const inception = namedLayers("inception", SHAPE, 10);
  expect(detours(inception).filter(({ from }) => from < 11)).toEqual([
    { lane: 1, from: 2, to: [4, 6, 8] },
    { lane: 2, from: 3, to: [10] },
    { lane: 3, from: 5, to: [10] },
    { lane: 4, from: 7, to: [10] },
  ]);
  const lanes = detours(namedLayers("resnet20", SHAPE, 10)).map(({ lane }) => lane);
  expect(Math.max(...lanes)).toBe(2);
  expect(unread(inception)).toBeUndefined();
  expect(modelConfig(residual, SHAPE).outputs).toEqual(["dense"]);
});
