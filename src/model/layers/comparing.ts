import { ModelError } from "../../compiler/errors.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";
import { defineMerging, merge, requireSeveral } from "./merging.ts";

export const MAXIMUM = /* @__PURE__ */ defineMerging("maximum");
export const MINIMUM = /* @__PURE__ */ defineMerging("minimum");

/** The greatest of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function maximum(options: LayerOptions = {}): Layer {
  return layer(MAXIMUM, options);
}

/** The least of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function minimum(options: LayerOptions = {}): Layer {
  return layer(MINIMUM, options);
}

export const SUBTRACT = defineLayer({
  type: "subtract",
  options: {},
  merges: true,
  lower(graph, name, inputs) {
    const [a, b] = inputs;
    if (!b || inputs.length > 2) throw new ModelError(`got ${inputs.length} inputs, expected two`, name);
    return merge(graph, name, "subtract", a, b);
  },
});

/** The first of its two inputs less the second; sizes of 1 repeat. Apply it to a list. */
export function subtract(options: LayerOptions = {}): Layer {
  return layer(SUBTRACT, options);
}

export const AVERAGE = defineLayer({
  type: "average",
  options: {},
  merges: true,
  lower(graph, name, inputs) {
    requireSeveral(name, inputs);
    const sum = inputs.slice(1).reduce((sum, next) => merge(graph, name, "add", sum, next), inputs[0]);
    const numbers = [1 / inputs.length, 0];
    return graph.op("unary", name, [sum], { kind: "linear", numbers }, sum.shape);
  },
});

/** Mean of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function average(options: LayerOptions = {}): Layer {
  return layer(AVERAGE, options);
}
