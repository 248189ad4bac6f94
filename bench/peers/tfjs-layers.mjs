import * as layersApi from "@tensorflow/tfjs-layers";
import { CLASSES, SIDE } from "./seed-cnn.mjs";

/** The tf.layers model that anyone would write. In a file without Node imports: bench/browser bundles it for pages. */
export function layersModel(optimizer) {
  const { conv2d, maxPooling2d, flatten, dense } = layersApi.layers;
  const model = layersApi.sequential({
    layers: [
      conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape: [SIDE, SIDE, 1] }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 64, activation: "relu" }),
      dense({ units: CLASSES, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer, loss: "categoricalCrossentropy" });
  return {
    parameters: model.countParams(),
    step: (x, y) => model.trainOnBatch(x, y),
    predict: (x) => model.predictOnBatch(x),
  };
}
