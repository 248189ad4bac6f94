// ResNet-20 on Fashion-MNIST: settings of a run, as `wasmgrad train --config` takes them.
import { createModel } from "../../dist/index.js";

export const COUNT = 60_000;
export const BATCH = 128;

/** Pictures are flipped and moved; SGD with Nesterov momentum, one cycle, weight decay that leaves biases and norms out. */
export function settings(epochs) {
  const model = createModel("resnet20", [28, 28, 1], 10).toConfig();
  const [input, ...rest] = model.layers;
  const behind = (name) => (name === input.name ? "move" : name);
  return {
    dataset: "fashion-mnist",
    model: {
      ...model,
      layers: [
        input,
        { type: "randomFlip", name: "flip", mode: "horizontal", from: [input.name] },
        {
          type: "randomTranslation",
          name: "move",
          heightFactor: 0.1,
          widthFactor: 0.1,
          fillMode: "constant",
          interpolation: "nearest",
          from: ["flip"],
        },
        ...rest.map((layer) => (layer.from ? { ...layer, from: layer.from.map(behind) } : layer)),
      ],
    },
    epochs,
    batchSize: BATCH,
    validationSplit: 0,
    restoreBest: "none",
    optimizer: {
      name: "sgd",
      momentum: 0.9,
      nesterov: true,
      weightDecay: 5e-4,
      excludeFromWeightDecay: ["bias", "gamma", "beta"],
      learningRate: { name: "oneCycle", options: { peak: 0.2, steps: epochs * Math.ceil(COUNT / BATCH) } },
    },
    seed: 1,
  };
}
