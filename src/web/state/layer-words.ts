import type { LayerSpec } from "./layers.ts";

/** What a layer does, for people who do not know its name. `last`: its outputs are the answers. */
export function layerInWords(layer: LayerSpec, last: boolean, classes: number): string {
  const size = (value: unknown) => (Array.isArray(value) ? value.join(" × ") : `${value} × ${value}`);
  if (last && layer.type !== "activation") return `one score for each of ${classes} classes`;
  switch (layer.type) {
    case "conv2d":
      return `looks for ${layer.filters} patterns of ${size(layer.kernelSize)} pixels`;
    case "maxPooling2d":
      return `keeps the strongest of each ${size(layer.poolSize ?? 2)}`;
    case "averagePooling2d":
      return `takes the mean of each ${size(layer.poolSize ?? 2)}`;
    case "globalAveragePooling2d":
      return "takes the mean of each map";
    case "flatten":
      return "lines all numbers up";
    case "dense":
      return `weighs them into ${layer.units} sums`;
    case "dropout":
      return `drops ${Math.round(100 * Number(layer.rate))} % at random while it trains`;
    case "leakyRelu":
    case "elu":
      return "damps what is below zero";
    default:
      return layer.activation === "softmax" ? "turns scores into shares of 100 %" : "bends the numbers";
  }
}
