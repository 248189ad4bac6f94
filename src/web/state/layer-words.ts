import { type LayerSpec, variesPictures } from "./layers.ts";

/** What a layer does, for people who do not know its name. `last`: its outputs are the answers. */
export function layerInWords(layer: LayerSpec, last: boolean, classes: number): string {
  const list = (value: unknown) => (Array.isArray(value) ? value.flat().join(" × ") : `${value}`);
  const size = (value: unknown) => (Array.isArray(value) ? value.join(" × ") : `${value} × ${value}`);
  if (variesPictures(layer.type)) return "varies the pictures while it trains";
  if (last && layer.type !== "activation") return `one score for each of ${classes} classes`;
  switch (layer.type) {
    case "conv2d":
      return `looks for ${layer.filters} patterns of ${size(layer.kernelSize)} pixels`;
    case "depthwiseConv2d":
      return `looks for patterns of ${size(layer.kernelSize)} pixels in each map by itself`;
    case "separableConv2d":
      return `looks for patterns of ${size(layer.kernelSize)} pixels in each map, and mixes them into ${layer.filters}`;
    case "conv2dTranspose":
      return `paints with ${layer.filters} patterns of ${size(layer.kernelSize)} pixels`;
    case "maxPooling2d":
      return `keeps the strongest of each ${size(layer.poolSize ?? 2)}`;
    case "conv1d":
      return `looks for ${layer.filters} patterns of ${layer.kernelSize} steps`;
    case "maxPooling1d":
      return `keeps the strongest of each ${layer.poolSize ?? 2} steps`;
    case "averagePooling1d":
      return `takes the mean of each ${layer.poolSize ?? 2} steps`;
    case "averagePooling2d":
      return `takes the mean of each ${size(layer.poolSize ?? 2)}`;
    case "globalAveragePooling1d":
    case "globalAveragePooling2d":
      return "takes the mean of each map";
    case "globalMaxPooling1d":
    case "globalMaxPooling2d":
      return "keeps the strongest of each map";
    case "zeroPadding2d":
      return "puts zeros around";
    case "cropping2d":
      return "cuts the borders off";
    case "upSampling2d":
      return `makes ${size(layer.size ?? 2)} pixels of each`;
    case "reshape":
      return `lays the numbers out as ${list(layer.targetShape)}`;
    case "permute":
      return "turns the axes round";
    case "rescaling":
    case "normalization":
    case "batchNormalization":
    case "layerNormalization":
    case "groupNormalization":
      return "brings the numbers to a common scale";
    case "gaussianNoise":
    case "gaussianDropout":
      return "shakes the numbers while it trains";
    case "add":
      return "adds branches up, number by number";
    case "concatenate":
      return "puts what branches found side by side";
    case "multiply":
      return "multiplies branches, number by number";
    case "subtract":
      return "takes one branch from the other";
    case "average":
    case "maximum":
    case "minimum":
      return `takes the ${layer.type === "average" ? "mean" : layer.type} of branches, number by number`;
    case "flatten":
      return "lines all numbers up";
    case "dense":
      return `weighs them into ${layer.units} sums`;
    case "spatialDropout2d":
      return `drops ${Math.round(100 * Number(layer.rate))} % of the maps at random while it trains`;
    case "dropout":
      return `drops ${Math.round(100 * Number(layer.rate))} % at random while it trains`;
    case "leakyRelu":
    case "elu":
      return "damps what is below zero";
    case "softmax":
      return "turns scores into shares of 100 %";
    default:
      return layer.activation === "softmax" ? "turns scores into shares of 100 %" : "bends the numbers";
  }
}
