import { expect, test } from "vitest";
import { layerTable } from "../../src/nn/layers/layer.ts";
import { LAYERS } from "../../src/nn/model-config.ts";
import { LAYER_TYPES } from "../../src/web/state/layers.ts";

test("the editor has every layer type and option that there is, with their defaults", () => {
  expect(Object.keys(LAYER_TYPES).sort()).toEqual(Object.keys(LAYERS).sort());
  for (const [type, { options, start }] of Object.entries(LAYER_TYPES)) {
    const table = LAYERS[type]!.options;
    expect(options.map(({ key }) => key).sort(), type).toEqual(Object.keys(table).sort());
    for (const option of options) {
      const kind = table[option.key]!;
      const fallback = "default" in kind ? kind.default : undefined;
      expect(option.default, `${type} ${option.key}`).toEqual(
        typeof fallback === "function" ? undefined : fallback,
      );
      if (option.kind === "choice") expect(option.choices, `${type} ${option.key}`).toEqual(kind.names);
    }
    const all = layerTable(LAYERS[type]!);
    for (const [key, value] of Object.entries(start))
      if (key !== "type") expect(all[key]?.accepts(value), `${type} starts with ${key}`).toBe(true);
  }
});
