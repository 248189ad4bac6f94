import convnetjs from "convnetjs";
import { PIXELS, SIDE, TRAIN_BATCH } from "./seed-cnn.mjs";

/** ConvNetJS takes one image at a time and updates after each 32. Release 0.3.0 has no Adam: SGD with momentum. */
export async function open({ data }) {
  const net = new convnetjs.Net();
  net.makeLayers([
    { type: "input", out_sx: SIDE, out_sy: SIDE, out_depth: 1 },
    { type: "conv", sx: 3, filters: 32, stride: 1, pad: 0, activation: "relu" },
    { type: "pool", sx: 2, stride: 2 },
    { type: "conv", sx: 3, filters: 64, stride: 1, pad: 0, activation: "relu" },
    { type: "pool", sx: 2, stride: 2 },
    { type: "fc", num_neurons: 64, activation: "relu" },
    { type: "softmax", num_classes: 10 },
  ]);
  const trainer = new convnetjs.Trainer(net, {
    method: "sgd",
    learning_rate: 0.01,
    momentum: 0.9,
    batch_size: TRAIN_BATCH,
    l2_decay: 0,
  });
  const volumes = Array.from({ length: Math.min(data.count, 2000) }, (_, i) => {
    const volume = new convnetjs.Vol(SIDE, SIDE, 1, 0);
    volume.w.set(data.floats.subarray(i * PIXELS, (i + 1) * PIXELS));
    return volume;
  });
  return {
    parameters: net.getParamsAndGrads().reduce((sum, { params }) => sum + params.length, 0),
    async trainPass(count) {
      let loss = 0;
      for (let i = 0; i < count; i++) {
        const at = i % volumes.length;
        loss += trainer.train(volumes[at], data.labels[at]).cost_loss;
      }
      return loss / count;
    },
    async inferPass(count) {
      for (let i = 0; i < count; i++) net.forward(volumes[i % volumes.length]);
    },
  };
}
