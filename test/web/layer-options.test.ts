import { expect, test } from "vitest";
import { LAYERS } from "../../src/model/layers/index.ts";
import { type LayerDefinition, layerTable } from "../../src/model/layers/layer.ts";
import { layerInWords } from "../../src/web/state/layer-words.ts";
import {
  LAYER_GROUPS,
  LAYER_TYPES,
  layerText,
  optionProblem,
  optionText,
  parseOption,
} from "../../src/web/state/layers.ts";
import { fromFragment, toFragment } from "../../src/web/state/link.ts";
import { CUSTOM, DEFAULTS } from "../../src/web/state/settings.ts";

test("the editor has every layer type but inputs, and all its options, with their defaults", () => {
  const all = Object.keys(LAYERS).filter((type) => type !== "input");
  expect(Object.keys(LAYER_TYPES).sort()).toEqual(all.sort());
  for (const [type, { label, options, start }] of Object.entries(LAYER_TYPES)) {
    expect(label).toMatch(/^[A-Z]/);
    const table = LAYERS[type]!.options;
    expect(options.map(({ key }) => key).sort(), type).toEqual(Object.keys(table).sort());
    for (const option of options) {
      const kind = table[option.key]!;
      const what = `${type} ${option.key}`;
      const fallback = "default" in kind ? kind.default : undefined;
      expect(option.default, what).toEqual(typeof fallback === "function" ? undefined : fallback);
      if (option.kind === "choice") expect(option.choices, what).toEqual(kind.names);
      expect(option.label, what).toMatch(/^[A-Z]/);
      // What the field shows at first is read back as what it stands for, and is right.
      const value = fallback === undefined || typeof fallback === "function" ? kind.example : fallback;
      expect(parseOption(option, optionText(value)), what).toEqual(value);
      expect(optionProblem(option, value), what).toBeUndefined();
      for (const odd of [0, -1, 0.5, 1, 1.5, [2, 3], [0, 1], "relu", true, Number.NaN])
        expect(optionProblem(option, odd) === undefined, `${what} ${odd}`).toBe(kind.accepts(odd));
    }
    const all = layerTable(LAYERS[type] as LayerDefinition);
    for (const [key, value] of Object.entries(start))
      if (key !== "type") expect(all[key]?.accepts(value), `${type} starts with ${key}`).toBe(true);
    const needed = Object.keys(table).filter((key) => "needed" in table[key]!);
    expect(Object.keys(start), type).toEqual(expect.arrayContaining(needed));
  }
});

test("the menu has all types by kind, what is most used first; what is seldom changed is folded away", () => {
  expect(LAYER_GROUPS.flatMap(([, types]) => types).sort()).toEqual(Object.keys(LAYER_TYPES).sort());
  const groups = Object.fromEntries(LAYER_GROUPS);
  expect(LAYER_GROUPS[0]![1]).toContain("conv2d");
  expect(groups["Pictures varied while it trains"]).toHaveLength(10);
  expect(groups["For series, not pictures"]).toHaveLength(5);
  expect(groups.Activations).toEqual(["leakyRelu", "elu", "relu", "prelu", "softmax"]);
  expect(groups["Where branches meet"]).toEqual(
    Object.keys(LAYER_TYPES).filter((type) => LAYERS[type]!.merges),
  );
  expect(groups.Shapes).toEqual(["reshape", "permute", "zeroPadding2d", "cropping2d", "upSampling2d"]);
  const shown = (type: string) =>
    LAYER_TYPES[type]!.options.filter(({ hidden, rare }) => !hidden && !rare).map(({ key }) => key);
  expect(shown("conv2d")).toEqual(["filters", "kernelSize", "strides", "padding", "activation"]);
  expect(shown("batchNormalization")).toEqual([]);
  expect(shown("randomErasing")).toEqual(["factor", "scale"]);
  expect(shown("upSampling2d")).toEqual(["size", "interpolation"]);
  const labelOf = (type: string) => LAYER_TYPES[type]!.options.find(({ key }) => key === "alpha")!.label;
  expect([labelOf("elu"), labelOf("mixUp")]).toEqual(["Slope below 0", "Alpha"]);
});

test("what a layer does is told in words", () => {
  const words = (type: string, options = {}) => layerInWords({ type, ...options }, false, 10);
  expect(words("randomFlip")).toBe("varies the pictures while it trains");
  expect(words("batchNormalization")).toBe("brings the numbers to a common scale");
  expect(words("depthwiseConv2d", { kernelSize: 3 })).toBe(
    "looks for patterns of 3 × 3 pixels in each map by itself",
  );
  // What bends numbers is an activation: no other type is told so.
  const bending = Object.values(LAYER_TYPES).filter(({ start }) =>
    /^bends/.test(layerInWords(start, false, 10)),
  );
  expect(bending.map(({ start }) => start.type)).toEqual(["activation", "relu", "prelu"]);
});

test("a constant of a model file is kept, told, and goes into a link", () => {
  const value = { type: "constant", value: -0.5 };
  for (const key of ["kernelInitializer", "biasInitializer"]) {
    const option = LAYER_TYPES.dense!.options.find((candidate) => candidate.key === key)!;
    expect(optionProblem(option, value)).toBeUndefined();
    expect(optionText(value)).toBe("constant -0.5");
    expect(parseOption(option, "constant -0.5")).toEqual(value);
    for (const wrong of ["constant x", "constant", "constant 1e39"])
      expect(optionProblem(option, parseOption(option, wrong))).toMatch(/^expected one of zeros, ones/);
  }
  const other = LAYER_TYPES.dense!.options.find(({ key }) => key === "activation")!;
  expect(optionProblem(other, value)).toMatch(/^expected one of linear/);
  const layers = [{ type: "dense", units: 3, kernelInitializer: value }];
  expect(layerText(layers[0]!)).toContain("constant -0.5");
  const linked = fromFragment(toFragment({ ...DEFAULTS, model: CUSTOM, layers }, "train"));
  expect(linked.unknown).toEqual([]);
  expect(linked.settings.layers).toEqual(layers);
});
